"""Which model of our catalog the points of a file are of: what the user says, else a name that differs in case only.

    Llama-3.1-8B, meta-llama/Llama-3.1-8B   ->   llama-3.1-8b

Points of two models never become one: a file of several models needs each of them named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.facts import NAME, printable
from fleetopt.ingest.reading import Series

OPTION = "--model"


def named(many: Sequence[Series], told: Sequence[str], known: Iterable[str]) -> tuple[list[Series], tuple[str, ...]]:
    """The series under our names of their models, with what to tell about it.

    Args:
        many: series as the files name them.
        told: one name for all, or names like 'theirs=ours'; of several models, those not told are left out.
        known: the models in reach.

    Raises:
        InputError: one name was told for several models, none of those told is there, or a name could be no folder.
    """
    theirs = list(dict.fromkeys(one.setup.model for one in many if one.setup.model is not None))
    if not told:
        ours = {name: _same(name, known) for name in theirs}
        _check(ours, many)
    elif "=" in told[0]:
        ours = _mapped(told, theirs)
    else:
        ours = dict.fromkeys(theirs, _single(told, theirs))
        return [replace(one, setup=replace(one.setup, model=told[0])) for one in many], _said(ours, [])
    kept = [_renamed(one, ours) for one in many if one.setup.model is None or one.setup.model in ours]
    return kept, _said(ours, [name for name in theirs if name not in ours])


def of_model(many: Sequence[Series], model: str) -> list[Series]:
    """The series of one model of the catalog: of a file of several models, those that name it.

    Raises:
        InputError: a file has several models, and none of that name.
    """
    theirs = list(dict.fromkeys(one.setup.model for one in many if one.setup.model is not None))
    wanted = theirs if len(theirs) == 1 else [name for name in theirs if _same(name, [model]) == model]
    if theirs and not wanted:
        what = f"has {len(theirs)} models, and none is called '{printable(model)[:60]}'"
        fix = f"Give a file of that model alone. {did_you_mean(model, theirs)}"
        raise InputError([Issue("unknown-name", many[0].where, what, fix)])
    kept = [one for one in many if one.setup.model is None or one.setup.model in wanted]
    return [replace(one, setup=replace(one.setup, model=model)) for one in kept]


def _renamed(one: Series, ours: Mapping[str, str]) -> Series:
    model = one.setup.model
    return one if model is None else replace(one, setup=replace(one.setup, model=ours[model]))


def _same(name: str, known: Iterable[str]) -> str:
    """The model in reach of that name, whatever its case and whoever's it is; else the name as it is."""
    options = {one.lower(): one for one in known}
    last = name.rsplit("/", 1)[-1]
    exact = name if name in options.values() else None
    return exact or options.get(name.lower()) or options.get(last.lower()) or name


def _check(ours: Mapping[str, str], many: Sequence[Series]) -> None:
    issues = []
    for name, our in ours.items():
        if NAME.fullmatch(our) is None:
            first = next(one.where for one in many if one.setup.model == name)
            fix = f"Name it with {OPTION} '{printable(name)[:60]}=NAME', a model of the catalog or a new one"
            issues.append(Issue("bad-name", first, f"names a model '{printable(name)[:60]}'", fix))
    if issues:
        raise InputError(issues)


def _single(told: Sequence[str], theirs: Sequence[str]) -> str:
    if len(told) > 1:
        fix = f"Write them like {OPTION} theirs=ours"
        raise InputError([Issue("bad-option", OPTION, "is given twice, without what the files call them", fix)])
    if len(theirs) > 1:
        names = ", ".join(printable(name)[:60] for name in theirs[:6])
        what = f"'{printable(told[0])[:60]}' is given for {len(theirs)} models: {names}"
        fix = f"Name those you want, each like {OPTION} '{printable(theirs[0])[:60]}={printable(told[0])[:60]}'"
        raise InputError([Issue("contradiction", OPTION, what, fix)])
    return told[0]


def _mapped(told: Sequence[str], theirs: Sequence[str]) -> dict[str, str]:
    ours: dict[str, str] = {}
    for text in told:
        their, sign, our = text.partition("=")
        if not sign or NAME.fullmatch(our) is None:
            what = f"'{printable(text)[:60]}' is not a name, '=' and a name of letters, digits, '.', '_', '+' and '-'"
            raise InputError([Issue("bad-option", OPTION, what, f"Write it like {OPTION} theirs=ours")])
        if their not in theirs:
            what = f"names '{printable(their)[:60]}', which no file has"
            raise InputError([Issue("unknown-name", OPTION, what, did_you_mean(their, theirs))])
        if ours.setdefault(their, our) != our:
            raise InputError(
                [Issue("bad-option", OPTION, f"names '{printable(their)[:60]}' twice", "Keep one of them")]
            )
    return ours


def _said(ours: Mapping[str, str], left_out: Sequence[str]) -> tuple[str, ...]:
    said = [f"'{printable(name)}' is our {our}" for name, our in ours.items() if name != our]
    if left_out:
        names = ", ".join(printable(name) for name in left_out)
        said.append(f"left out, because no {OPTION} names it: {names}")
    return tuple(said)
