from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleetopt.errors import Issue
from fleetopt.scenario.load import load

Folder = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]


def test_an_included_file_adds_keys(folder: Folder) -> None:
    scenario = load(folder(new="include: [a.yaml]\n", files={"a.yaml": "margins: {modelled: 10 %}\n"}))
    assert scenario.margins.modelled == 0.1
    assert {"scenario.yaml", "a.yaml"} <= {file.name for file in scenario.files}


def test_the_including_file_wins_over_the_included(folder: Folder) -> None:
    files = {"a.yaml": "name: other\nmargins: {modelled: 10 %, assumed: 20 %}\n"}
    scenario = load(folder(new="include: [a.yaml]\nmargins: {modelled: 30 %}\n", files=files))
    assert (scenario.name, scenario.margins.modelled, scenario.margins.assumed) == ("seed", 0.3, 0.2)


def test_a_later_include_wins_over_an_earlier(folder: Folder) -> None:
    files = {"a.yaml": "margins: {modelled: 10 %}\n", "b.yaml": "margins: {modelled: 20 %}\n"}
    assert load(folder(new="include: [a.yaml, b.yaml]\n", files=files)).margins.modelled == 0.2


def test_includes_are_relative_to_the_file_that_names_them(folder: Folder) -> None:
    files = {"sub/a.yaml": "include: [b.yaml]\n", "sub/b.yaml": "margins: {modelled: 10 %}\n"}
    assert load(folder(new="include: [sub/a.yaml]\n", files=files)).margins.modelled == 0.1


def test_a_diamond_is_no_circle(folder: Folder) -> None:
    files = {"a.yaml": "include: [c.yaml]\n", "b.yaml": "include: [c.yaml]\n", "c.yaml": "margins: {modelled: 10 %}\n"}
    assert load(folder(new="include: [a.yaml, b.yaml]\n", files=files)).margins.modelled == 0.1


@pytest.mark.parametrize(
    ("include", "where", "what"),
    [
        ("[none.yaml]", "scenario.yaml:17 include.0", "'none.yaml' does not exist"),
        ("[/etc/passwd]", "scenario.yaml:17 include.0", "is not a relative path"),
        ("[7]", "scenario.yaml:17 include.0", "is not a relative path"),
        ("[sub]", "scenario.yaml:17 include.0", "'sub' is no file"),
        ("none.yaml", "scenario.yaml:17 include", "'none.yaml'"),
        ("[scenario.yaml]", "scenario.yaml:17 include.0", "includes itself"),
        ("[./sub/../scenario.yaml]", "scenario.yaml:17 include.0", "includes itself"),
        ("[circle.yaml]", "sub/back.yaml:1 include.0", "scenario.yaml -> circle.yaml -> back.yaml -> circle.yaml"),
        ("[bad.yaml]", "bad.yaml:2 margins.modeled", "unknown key"),
        ("[twice.yaml]", "twice.yaml:2", "repeats the key"),
        ("[empty.yaml]", "empty.yaml", "is empty"),
    ],
)
def test_a_wrong_include_is_named_where_it_stands(
    folder: Folder, issues: Find, include: str, where: str, what: str
) -> None:
    files = {
        "circle.yaml": "include: [sub/back.yaml]\n",
        "sub/back.yaml": "include: [../circle.yaml]\n",
        "bad.yaml": "margins:\n  modeled: 10 %\n",
        "twice.yaml": "margins: {}\nmargins: {}\n",
        "empty.yaml": "\n",
    }
    (found,) = issues(folder(new=f"include: {include}\n", files=files))
    assert found.where == where
    assert what in found.what
    assert found.fix


def test_includes_are_counted(folder: Folder, issues: Find) -> None:
    files = {f"{n}.yaml": f"include: [{n + 1}.yaml]\n" for n in range(40)} | {"40.yaml": "margins: {}\n"}
    (found,) = issues(folder(new="include: [0.yaml]\n", files=files))
    assert "more than 32 files" in found.what


def test_an_unknown_catalog_folder_is_named(folder: Folder, issues: Find) -> None:
    (found,) = issues(folder(new="catalog: [none]\n"))
    assert found.where == "scenario.yaml:17 catalog.0"
