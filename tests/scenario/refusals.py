"""What a refusal has to be: one error, which names the field; nothing is repaired in silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fleetopt.errors import InputError


def refused_once(load: Callable[[], object], named: str) -> None:
    """Asserts that loading ends in one issue that says so."""
    with pytest.raises(InputError) as refused:
        load()
    assert len(refused.value.issues) == 1
    assert named in str(refused.value)
