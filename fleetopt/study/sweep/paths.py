"""Fields of scenario.yaml by the path that people write, and documents with other values at them.

`supply.offers.b200.price` is a key in the file; `supply.` may be left out; `*` stands for every name that is written
there. What is not written has its default, or what the catalog says of an offer.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from fleetopt.catalog.domain import Offer
from fleetopt.documents import Document, Key
from fleetopt.errors import did_you_mean
from fleetopt.scenario.load import Source
from fleetopt.scenario.shape import SHORT, block_at, keys_at, takes_list, takes_names
from fleetopt.scenario.workload_schema import DemandFile
from fleetopt.study.sweep.refused import Refused

EVERY = "*"
_READ_ONCE = ("include", "catalog", "schema_version")
_BY_SITE = (("supply", "facilities"), ("supply", "most_gpu_types"))
_OFFERS = ("supply", "offers")


def find(document: Document, path: str) -> tuple[Key, ...]:
    """The keys that a path means, of which there are several only where it has a `*`.

    Raises:
        Refused: there is no such field, or nothing of that name.
    """
    parts = tuple(part.strip() for part in path.strip().split("."))
    if parts[0] not in keys_at(("",)) and parts[0] in keys_at(("supply", "")):
        parts = ("supply", *parts)
    if parts[0] in _READ_ONCE:
        raise Refused(f"'{parts[0]}' says what is read, which is done once", "vary what the files say")
    found = tuple(_expanded(document, (), parts))
    if not found:
        raise Refused(f"there is nothing that '{EVERY}' could stand for", "write a name")
    return found


def _expanded(document: Document, done: Key, rest: tuple[str, ...]) -> Iterator[Key]:
    if not rest:
        yield done
        return
    head, *tail = rest
    if head == EVERY and takes_names(done):
        for name in _written_names(document, done):
            yield from _expanded(document, (*done, name), tuple(tail))
        return
    yield from _expanded(document, (*done, _known(document, done, head)), tuple(tail))


def _known(document: Document, done: Key, part: str) -> str | int:
    """A part of a path that may stand below a key.

    Raises:
        Refused: it may not.
    """
    if takes_list(done):
        return _index(document, done, part)
    if takes_names(done):
        known = _written_names(document, done)
        # Names under which a block stands are written; others are looked up by the scenario's own rules.
        if part in known or (block_at((*done, part)) is None and done not in _BY_SITE and part):
            return part
    else:
        known = keys_at((*done, ""))
        if part in known:
            return part
    where = ".".join(map(str, done)) or "the scenario"
    if not known:
        raise Refused(f"{where} has nothing below it", f"leave out '.{part[:60]}'")
    raise Refused(f"{where} has no '{part[:60]}'", did_you_mean(part, known))


def _index(document: Document, done: Key, part: str) -> int:
    written = at(document.value, done)
    count = len(written) if isinstance(written, list) else 0
    if not (part.isascii() and part.isdigit() and len(part) < 7 and int(part) < count):
        raise Refused(f"{'.'.join(map(str, done))} is a list of {count}", "write its entry as 0, 1, ..., or all of it")
    return int(part)


def _written_names(document: Document, key: Key) -> list[str]:
    if key in _BY_SITE:
        sites = at(document.value, ("supply", "sites"))
        return sites if isinstance(sites, list) else ["main"]
    written = at(document.value, key)
    return list(written) if isinstance(written, dict) else []


def at(value: Any, key: Key) -> Any:
    """What is written at a key, None where nothing is."""
    for part in key:
        if isinstance(value, list) and isinstance(part, int):
            value = value[part]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


def meant(key: Key, value: Any) -> Key:
    """The key that a value is for: a block that may be written as a plain value has that one field."""
    block = block_at(key)
    return (*key, SHORT[block]) if block in SHORT and not isinstance(value, dict) else key


def multiplied(document: Document, key: Key) -> Key:
    """The key that a factor of what stands at `key` changes: of a demand by table, the factor on all of it."""
    by_table = block_at(key) is DemandFile and at(document.value, (*key, "table")) is not None
    return (*key, "factor") if by_table else meant(key, "")


def base(source: Source, key: Key) -> Any:
    """What stands at a key before it is varied: as written, by default, or as the catalog has it; None if nothing."""
    written = _short_at(source.document, key)
    if written is not None:
        return written
    offer = _offer(source, key)
    if offer is not None:
        told = {"price": f"{offer.usd_per_node_h!r} USD/node/h", "upfront": f"{offer.upfront_usd_per_node!r} USD"}
        return told.get(str(key[3]), offer.lead_time_months if key[3] == "lead_time_months" else None)
    default = _default(key)
    # Defaults stand in base units: a plain number has none, and zero is zero in all of them.
    return default if isinstance(default, int | float) else None


def _default(key: Key) -> Any:
    """The default of a field, or what the default of the block that it stands in has there."""
    above, block = block_at(key[:-2]) if len(key) > 1 else None, block_at(key[:-1])
    whole = above.model_fields[str(key[-2])].default if above and str(key[-2]) in above.model_fields else None
    if block and isinstance(whole, block):
        return getattr(whole, str(key[-1]))
    return block.model_fields[str(key[-1])].default if block else None


def takes_whole(key: Key) -> bool:
    """Whether nothing but whole numbers may be written at a key."""
    block = block_at(key[:-1])
    field = block.model_fields.get(str(key[-1])) if block else None
    return field is not None and _kinds(field.annotation) - {NoneType} == {int}


def _kinds(annotation: Any) -> set[Any]:
    """The types of which one may be written, without their notes."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return {kind for one in get_args(annotation) for kind in _kinds(one)}
    return {annotation}


def _short_at(document: Document, key: Key) -> Any:
    """What is written at a key, also where its block is written as that value alone."""
    above, block = at(document.value, key[:-1]), block_at(key[:-1])
    if block in SHORT and SHORT[block] == key[-1] and not isinstance(above, dict):
        return above
    return at(document.value, key)


def _offer(source: Source, key: Key) -> Offer | None:
    """The catalog's offer, for a field of an offer that is taken from there."""
    if key[:2] != _OFFERS or len(key) != 4:
        return None
    name = at(source.document.value, (*key[:3], "offer"))
    return source.hardware.offers.get(name) if isinstance(name, str) else None


def put(value: Any, key: Key, new: Any, above: Key = ()) -> Any:
    """The same document value with another one at a key; blocks that are not written yet come to be."""
    if not key:
        return new
    head, *rest = key
    if isinstance(value, list) and isinstance(head, int):
        inner = put(value[head], tuple(rest), new, (*above, head))
        return [*value[:head], inner, *value[head + 1 :]]
    block = block_at(above)
    if not isinstance(value, dict):
        value = {SHORT[block]: value} if block in SHORT and value is not None else {}
    return {**value, head: put(value.get(head), tuple(rest), new, (*above, head))}
