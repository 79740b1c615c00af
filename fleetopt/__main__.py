"""`python -m fleetopt` is the same as `fleetopt`."""

from __future__ import annotations

from fleetopt.cli import entry

if __name__ == "__main__":
    entry()
