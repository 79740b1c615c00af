"""Which model points are of: names of files and of the user against the catalog's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.errors import InputError
from fleetopt.ingest.model_names import named, of_model
from fleetopt.ingest.reading import Series
from tests.ingest.handmade import SETUP, series

KNOWN = ["llama-3.1-70b", "llama-3.1-8b"]


def of(*names: str | None) -> list[Series]:
    return [replace(series(), setup=replace(SETUP, model=name)) for name in names]


def models(many: list[Series]) -> list[str | None]:
    return [one.setup.model for one in many]


@pytest.mark.parametrize("name", ["llama-3.1-8b", "Llama-3.1-8B", "meta-llama/Llama-3.1-8B"])
def test_a_name_that_differs_in_case_or_owner_is_ours(name: str) -> None:
    """Proves that a file is filed under the catalog's name of its model, and that this is said."""
    many, said = named(of(name, None), (), KNOWN)
    assert models(many) == ["llama-3.1-8b", None]
    assert said == (() if name == "llama-3.1-8b" else (f"'{name}' is our llama-3.1-8b",))


def test_one_name_never_joins_two_models() -> None:
    """Proves that points of two models cannot be merged into one by an option meant for one of them."""
    with pytest.raises(InputError, match="is given for 2 models: a/X, b/Y"):
        named(of("a/X", "b/Y"), ("llama-3.1-8b",), KNOWN)
    many, said = named(of("a/X", None), ("llama-3.1-8b",), KNOWN)
    assert models(many) == ["llama-3.1-8b", "llama-3.1-8b"]
    assert said == ("'a/X' is our llama-3.1-8b",)


def test_models_that_are_not_named_are_left_out_and_said() -> None:
    """Proves that a file of several models can be read for some of them."""
    many, said = named(of("a/X", "b/Y", "c"), ("a/X=x", "c=llama-3.1-8b"), KNOWN)
    assert models(many) == ["x", "llama-3.1-8b"]
    assert said[-1] == "left out, because no --model names it: b/Y"


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ((), "names a model 'a/X'"),
        (("x", "y"), "is given twice"),
        (("a/X=..", "b/Y=y"), "is not a name"),
        (("a/X=x", "y"), "is not a name"),
        (("a/Z=x",), "which no file has"),
        (("a/X=x", "a/X=y"), "twice"),
    ],
)
def test_names_that_cannot_be_are_one_error_each(told: tuple[str, ...], wrong: str) -> None:
    """Proves that names that no folder can have, are no pair or fit no file are refused, each model once."""
    with pytest.raises(InputError, match=wrong) as caught:
        named(of("a/X", "a/X"), told, KNOWN)
    assert len(caught.value.issues) == 1


def test_a_calibration_takes_the_points_of_its_model_only() -> None:
    """Proves that a file of one model serves under any name, and one of several only for the model it names."""
    assert models(of_model(of("tiny"), "llama-3.1-8b")) == ["llama-3.1-8b"]
    assert len(of_model(of("meta/Llama-3.1-8B", "b/Y", None), "llama-3.1-8b")) == 2
    with pytest.raises(InputError, match="has 2 models, and none is called"):
        of_model(of("a/X", "b/Y"), "llama-3.1-8b")
