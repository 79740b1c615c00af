"""The command line's front door, light enough to be interrupted without a traceback while the rest loads."""

from __future__ import annotations

import sys
from typing import NoReturn


def entry() -> NoReturn:
    """What the `fleetopt` command runs."""
    try:
        from fleetopt.cli.main import main
    except KeyboardInterrupt:
        sys.exit(130)
    main()
