"""fleetopt ingest: evidence from outside files into a catalog folder, one file per kind of evidence."""
