"""Puts a change into a catalog folder: a new model gets a card, and all is read back before any of it is written."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fleetopt.catalog.domain import InputFile
from fleetopt.catalog.hardware import load_hardware
from fleetopt.catalog.models import load_model
from fleetopt.catalog.roots import model_folder, model_names, shipped
from fleetopt.documents import read_text, shown, stands, write_files
from fleetopt.errors import InputError, Issue, did_you_mean
from fleetopt.ingest.book import Book
from fleetopt.ingest.facts import check_facts, check_words, from_config
from fleetopt.ingest.merge import Change, merge
from fleetopt.ingest.reading import Series

CARD = "card.yaml"
CARD_LIMIT_BYTES = 1024 * 1024
TEMPLATE = (
    '{title: "My model 70B", parameters_b: 70.6, active_parameters_b: 70.6, layers: 80, kv_bytes_per_token: 327680, '
    'kv_replicated_per_gpu: false, context_limit: 131072, sources: ["its config.json"]}'
)


def catalog_folder(named: Path | None) -> Path:
    """The catalog folder to write into: the one named, else models/ of the working folder.

    Raises:
        InputError: it is a file, or nobody named a folder and models/ is the catalog that ships with fleetopt.
    """
    folder = named or Path("models")
    if stands(folder, "anything") and not stands(folder, "folder"):
        raise InputError([Issue("not-a-folder", shown(folder), "is a file", "Name a folder of models with --folder")])
    if named is None and folder.resolve() == shipped("models").resolve():
        fix = "Name another folder with --folder, or this one if you mean it"
        raise InputError([Issue("shipped-folder", shown(folder), "is the catalog that ships with fleetopt", fix)])
    return folder


def merge_all(
    many: Sequence[Series], folder: Path, *, replace_old: bool = False, from_card: str | None = None, copy: bool = False
) -> list[Change]:
    """The changes that series make in a catalog folder, one for each model, each checked as a whole.

    Args:
        many: series with what the user told filled in.
        folder: the catalog folder; it need not exist.
        replace_old: take new values for operating points that have others.
        from_card: a card.yaml, or a model in reach whose card holds for a model that is new in the folder.
        copy: start a model that is new in the folder from all that the shipped catalog has of it.

    Raises:
        InputError: facts are missing, something contradicts itself, or the result could not be loaded.
    """
    check_words(many)
    if any(one.setup.model is None for one in many):
        check_facts(many)
    books = {model: _book(model, folder, copy=copy) for model in sorted({one.setup.model or "" for one in many})}
    filled = [_filled(one, books[one.setup.model or ""]) for one in many]
    check_facts(filled)
    return [_change(books[model], filled, folder, replace_old, from_card) for model in books]


def _book(model: str, folder: Path, *, copy: bool) -> Book:
    target, source = folder / model, shipped("models") / model
    if not copy or stands(target, "anything") or not stands(source / CARD, "file"):
        return Book.read(model, target)
    return replace(Book.read(model, source), folder=target)


def _filled(one: Series, book: Book) -> Series:
    """A series for a config that the catalog knows, with the facts that it does not say."""
    config = book.configs.get(one.setup.config or "")
    return replace(one, setup=from_config(one.setup, config)) if config else one


def _change(book: Book, many: Sequence[Series], folder: Path, replace_old: bool, from_card: str | None) -> Change:
    change = merge(book, [one for one in many if one.setup.model == book.model], replace_old=replace_old)
    new = not stands(book.folder / CARD, "file")
    if new:
        copied = bool(book.config_rows) and not stands(book.folder, "anything")
        card, said = _card(book.model, folder, from_card, copied=copied)
        whole = {file: sheet.text for file, sheet in book.sheets.items() if sheet.rows}
        change = replace(change, texts={**whole, **change.texts, CARD: card}, said=(*change.said, *said))
    if change.texts:
        check_whole(book.model, folder, change.texts)
    return change


def _card(model: str, folder: Path, from_card: str | None, *, copied: bool) -> tuple[str, tuple[str, ...]]:
    """The card of a model that is new in the folder, with what to tell about it."""
    roots = (folder, shipped("models"))
    if from_card is not None and stands(Path(from_card), "file"):
        return read_text(Path(from_card), CARD_LIMIT_BYTES)[0], (f"the card of {model} is {from_card}",)
    name = from_card or model
    found = model_folder(name, roots)
    if found is None:
        where = "--from-card" if from_card else shown(folder / model / CARD)
        near = did_you_mean(name, model_names(roots))
        fix = f"{near}{'' if near.endswith('?') else '.'} Else write it, like {TEMPLATE}; or name one with --from-card"
        raise InputError([Issue("missing-card", where, "is not there" if not from_card else "is no card", fix)])
    if copied:
        return read_text(found / CARD, CARD_LIMIT_BYTES)[0], (f"{shown(folder / model)} starts from the shipped one",)
    said = f"the card of {model} is that of {name} in the shipped catalog"
    hides = f"{shown(folder / model)} now hides the shipped folder with its profiles; --copy starts a folder from them"
    return read_text(found / CARD, CARD_LIMIT_BYTES)[0], (said, hides) if name == model else (said,)


def check_whole(model: str, folder: Path, texts: Mapping[str, str]) -> list[InputFile]:
    """Reads a model's folder as it would be with other texts in it.

    Raises:
        InputError: it could not be loaded; places are those of the real folder.
    """
    hardware, _ = load_hardware((folder, shipped("models")))
    with tempfile.TemporaryDirectory(prefix="fleetopt-") as name:
        aside = Path(name) / model
        aside.mkdir()
        for path in sorted((folder / model).iterdir()) if stands(folder / model, "folder") else []:
            if path.suffix in {".csv", ".yaml"} and path.name not in texts and path.is_file():
                (aside / path.name).write_bytes(path.read_bytes())
        for file, text in texts.items():
            (aside / file).write_text(text, encoding="utf-8", newline="")
        try:
            return load_model(model, (Path(name),), hardware.gpu_types)[1]
        except InputError as error:
            real = [(str(aside), shown(folder / model)), (str(aside.resolve()), shown(folder / model))]
            raise InputError([_moved(issue, real) for issue in error.issues]) from None


def _moved(issue: Issue, places: Sequence[tuple[str, str]]) -> Issue:
    where = issue.where
    for old, new in places:
        where = where.replace(old, new)
    return replace(issue, where=where)


def write_change(change: Change) -> list[Path]:
    """Writes what is new and returns the paths; profiles and their configs are renamed into place together.

    Raises:
        InputError: the folder cannot be written to.
    """
    if change.texts:
        write_files(change.book.folder, change.texts)
    return [change.book.folder / file for file in change.texts]
