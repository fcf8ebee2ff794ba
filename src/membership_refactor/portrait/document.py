"""The JSON document of a portrait, which ``-x portrait=FILE`` reads: writing and reading it."""

from __future__ import annotations

import json
import types
import typing
from dataclasses import fields, is_dataclass
from functools import cache
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
    return {name: getattr(value, name) for name in _may_be_null(value.__class__)}


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
    return typing.cast("_T", _decoded(kind, values, where or kind.__name__))


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
def _types(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decoded(kind: Any, value: object, where: str) -> object:
    if is_dataclass(kind):
        return _dataclass(typing.cast("type", kind), value, where)
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _decoded(typing.get_args(kind)[0], value, where)
    if origin is tuple:
        return _tuple(typing.get_args(kind), value, where)
    # In Python a bool is an int, but a number instead of a bool is an error here.
    if type(value) is not kind:
        raise WrongUse(
            f"The portrait is broken at {where}: {json.dumps(value)} is not {kind.__name__}.",
            hint=_HINT,
        )
    return value


def _dataclass(kind: type, value: object, where: str) -> object:
    if not isinstance(value, dict):
        raise WrongUse(f"The portrait is broken at {where}: an object is expected.", hint=_HINT)
    known = _types(kind)
    for name in value:
        if name not in known:
            raise WrongUse(f'The portrait is broken at {where}: unknown "{name}".', hint=_HINT)
    decoded = {n: _decoded(known[n], v, f"{where}.{n}") for n, v in value.items()}
    missing = [f.name for f in fields(kind) if f.name not in decoded]
    if missing:
        raise WrongUse(f'The portrait is broken at {where}: "{missing[0]}" is missing.', hint=_HINT)
    return kind(**decoded)


def _tuple(items: tuple[Any, ...], value: object, where: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise WrongUse(f"The portrait is broken at {where}: a list is expected.", hint=_HINT)
    kinds = [items[0]] * len(value) if items[-1] is Ellipsis else list(items)
    if len(kinds) != len(value):
        raise WrongUse(
            f"The portrait is broken at {where}: {len(kinds)} items are expected.", hint=_HINT
        )
    return tuple(
        _decoded(kind, item, f"{where}[{place}]")
        for place, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )
