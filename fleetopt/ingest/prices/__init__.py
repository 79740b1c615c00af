"""Price lists, one small file per format: read into offers of our catalog, and merged into it."""
