"""What profilers and modellers write, one small file per format."""
