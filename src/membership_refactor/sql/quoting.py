"""Quoting of names and literals, and names that fit PostgreSQL's 63 bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

MAX_BYTES = 63


def ident(name: str) -> str:
    """``name`` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    """``schema.name``, both quoted."""
    return f"{ident(schema)}.{ident(name)}"


def literal(value: str) -> str:
    """``value`` as a string literal that reads the same under either setting of
    standard_conforming_strings."""
    quoted = "'" + value.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted


def columns(names: Iterable[str], prefix: str = "") -> str:
    """A comma-separated list of quoted column names, each after ``prefix`` (such as ``t.``)."""
    return ", ".join(prefix + ident(name) for name in names)


def fitted(name: str) -> str:
    """``name``, or its beginning with a hash of the whole name if it is longer than 63 bytes.

    PostgreSQL cuts longer names silently, so two of them could become equal.
    """
    raw = name.encode()
    if len(raw) <= MAX_BYTES:
        return name
    digest = hashlib.sha256(raw).hexdigest()[:8]
    head = raw[: MAX_BYTES - 9].decode(errors="ignore")
    return f"{head}_{digest}"


def dollar_quoted(body: str) -> str:
    """``body`` between dollar quotes whose tag does not occur in it."""
    tag, n = "$body$", 0
    while tag in body:
        n += 1
        tag = f"$body{n}$"
    return f"{tag}{body}{tag}"
