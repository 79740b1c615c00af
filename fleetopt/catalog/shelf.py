"""A catalog in memory: hardware and models that are read once, for as many scenarios as name them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from fleetopt.catalog.domain import Hardware, InputFile, Llm
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model

Roots: TypeAlias = tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Keeps what it has read; the same question gets the same object again."""

    _hardware: dict[Roots, tuple[Hardware, list[InputFile]]] = field(default_factory=dict)
    _models: dict[tuple[Roots, str], tuple[Llm, list[InputFile]]] = field(default_factory=dict)

    def hardware(self, roots: Roots) -> tuple[Hardware, list[InputFile]]:
        """As `load_hardware`."""
        if roots not in self._hardware:
            self._hardware[roots] = load_hardware(roots)
        return self._hardware[roots]

    def model(self, name: str, roots: Roots) -> tuple[Llm, list[InputFile]]:
        """As `load_model`, on the GPU types of the same folders."""
        if (roots, name) not in self._models:
            self._models[roots, name] = load_model(name, roots, self.hardware(roots)[0].gpu_types)
        return self._models[roots, name]
