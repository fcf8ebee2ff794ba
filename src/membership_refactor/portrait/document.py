"""The JSON document of a portrait, which ``-x portrait=FILE`` reads: writing and reading it."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from functools import cache, partial
from itertools import cycle
from typing import Any, TypeVar

from membership_refactor.errors import WrongUse
from membership_refactor.portrait.tables import Portrait

FORMAT = "membership-refactor portrait"
VERSION = 1
_HINT = "Write a new one with: membership-refactor plan --format json"

_T = TypeVar("_T")


def to_json(portrait: Portrait) -> str:
    """The portrait as a document of one line, with format and version."""
    document = {"format": FORMAT, "version": VERSION, "portrait": portrait}
    return json.dumps(document, ensure_ascii=False, default=_fields)


def _fields(value: Any) -> dict[str, Any]:
    kind = value.__class__
    parts = {name: getattr(value, name) for name in _may_be_null(kind)}
    later = _later(kind)
    return {name: part for name, part in parts.items() if part is not None or name not in later}


def from_json(text: str) -> Portrait:
    """The portrait that ``to_json`` wrote; raises WrongUse with the place of an error."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise WrongUse(f"The portrait is not JSON: {error}.", hint=_HINT) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise WrongUse(f'The document is not a portrait: "format" is not "{FORMAT}".', hint=_HINT)
    if document.get("version") != VERSION:
        raise WrongUse(
            f"The portrait has version {document.get('version')!r}; this tool reads {VERSION}.",
            hint=_HINT,
        )
    return from_values(Portrait, document.get("portrait"), where="portrait")


def from_values(kind: type[_T], values: object, *, where: str = "") -> _T:
    """The value of type ``kind`` from plain dicts and lists."""
    try:
        return typing.cast("_T", _decoder(typing.cast(Hashable, kind))(values))
    except _Broken as broken:
        place = f"{where or kind.__name__}{broken.place}"
        raise WrongUse(f"The portrait is broken at {place}: {broken}.", hint=_HINT) from None


class _Broken(Exception):
    """What is wrong with a value. On the way out each level adds where it is."""

    place = ""

    def within(self, place: str) -> _Broken:
        self.place = f"{place}{self.place}"
        return self


def vanished(value: object, where: str = "portrait") -> str | None:
    """The first place that holds NULL although something has to stand there; None if there is none.

    PostgreSQL describes an object that is being dropped as NULL.
    """
    if isinstance(value, tuple):
        items = (vanished(item, f"{where}[{n}]") for n, item in enumerate(value))
        return next(filter(None, items), None)
    if not is_dataclass(value):
        return where if value is None else None
    for name, optional in _may_be_null(value.__class__).items():
        part = getattr(value, name)
        if isinstance(part, str) or (optional and part is None):
            continue
        if found := vanished(part, f"{where}.{name}"):
            return found
    return None


@cache
def _may_be_null(kind: type) -> dict[str, bool]:
    unions = (types.UnionType, typing.Union)
    return {name: typing.get_origin(of) in unions for name, of in _types(kind).items()}


@cache
def _later(kind: type) -> frozenset[str]:
    """The fields that came after the first documents were written. They are left out where they
    are None, and may be missing."""
    return frozenset(field.name for field in fields(kind) if field.metadata.get("later"))


@cache
def _types(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


@cache
def _decoder(kind: Any) -> Callable[[Any], object]:
    """What makes a value of this type from plain ones. A ledger keeps thousands of them."""
    if is_dataclass(kind):
        return _of_dataclass(typing.cast("type", kind))
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        decode = _decoder(typing.get_args(kind)[0])
        return lambda value: None if value is None else decode(value)
    if origin is tuple:
        return _of_tuple(typing.get_args(kind))
    return partial(_plain, kind)


def _plain(kind: type, value: object) -> object:
    # In Python a bool is an int, but a number instead of a bool is an error here.
    if type(value) is not kind:
        raise _Broken(f"{json.dumps(value)} is not {kind.__name__}")
    return value


def _of_dataclass(kind: type) -> Callable[[Any], object]:
    decoders = {name: _decoder(of) for name, of in _types(kind).items()}
    wanted = [field.name for field in fields(kind) if field.name not in _later(kind)]

    def decode(value: Any) -> object:
        if not isinstance(value, dict):
            raise _Broken("an object is expected")
        decoded = {}
        for name, part in value.items():
            if name not in decoders:
                raise _Broken(f'unknown "{name}"')
            try:
                decoded[name] = decoders[name](part)
            except _Broken as broken:
                raise broken.within(f".{name}") from None
        missing = next((name for name in wanted if name not in decoded), None)
        if missing is not None:
            raise _Broken(f'"{missing}" is missing')
        return kind(**decoded)

    return decode


def _of_tuple(items: tuple[Any, ...]) -> Callable[[Any], object]:
    decoders = [_decoder(item) for item in items if item is not Ellipsis]
    any_number = items[-1] is Ellipsis

    def decode(value: Any) -> object:
        if not isinstance(value, list):
            raise _Broken("a list is expected")
        if not any_number and len(value) != len(decoders):
            raise _Broken(f"{len(decoders)} items are expected")
        decoded: list[object] = []
        try:
            for decoder, item in zip(cycle(decoders), value, strict=False):
                decoded.append(decoder(item))
        except _Broken as broken:
            raise broken.within(f"[{len(decoded)}]") from None
        return tuple(decoded)

    return decode
