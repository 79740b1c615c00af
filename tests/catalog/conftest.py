from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import shipped
from fleetopt.errors import InputError, Issue

LIKE = "deepseek-v3.1-terminus"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A catalog folder with the model 'mine', a copy of a shipped one; `edits` are (file, old, new)."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shipped("models") / LIKE, tmp_path / "mine")
    (tmp_path / "_hardware").mkdir()

    def make(*edits: tuple[str, str | None, str]) -> Path:
        for name, old, new in edits:
            path = tmp_path / name
            text = path.read_text(encoding="utf-8") if old is not None else ""
            assert old is None or old in text
            path.write_text(new if old is None else text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return make


@pytest.fixture
def issues() -> Callable[[Path], tuple[Issue, ...]]:
    """Everything that is wrong with the model 'mine' and the hardware of a catalog folder."""

    def find(root: Path) -> tuple[Issue, ...]:
        roots = (root, shipped("models"))
        with pytest.raises(InputError) as refused:
            load_model("mine", roots, load_hardware(roots)[0].gpu_types)
        return refused.value.issues

    return find
