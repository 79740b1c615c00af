"""Where catalogs stand: folders with one sub-folder per LLM and a `_hardware` folder.

A scenario reads its own `models/` folder first, then the folders it names, then the catalog that ships with
fleetopt. A name found in a nearer folder hides the same name further away, so that a team can put its own
measurements or prices over the shipped ones without copying anything.
"""

from __future__ import annotations

from pathlib import Path

from fleetopt.documents import stands

HARDWARE = "_hardware"


def shipped(kind: str) -> Path:
    """The folder of shipped 'models' or 'scenarios', in an installed wheel or in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_shipped" / kind
    return installed if installed.is_dir() else package.parent / kind


def model_folder(name: str, roots: tuple[Path, ...]) -> Path | None:
    """The nearest folder of an LLM, None where no root has it."""
    return next((root / name for root in roots if stands(root / name / "card.yaml", "file")), None)


def model_names(roots: tuple[Path, ...]) -> list[str]:
    """Every LLM in reach, sorted."""
    found = {card.parent.name for root in roots if root.is_dir() for card in root.glob("*/card.yaml")}
    return sorted(found)
