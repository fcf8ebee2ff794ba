"""Names for what a plan makes: free in the schema, not reserved, and short enough."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterator

from membership_refactor.sql.quoting import fitted

_SUFFIX = re.compile(r"_?(id|no|nr|number|code|key|ref|reference|uuid|guid)$", re.IGNORECASE)


def parent_name(table: str, key: tuple[str, ...], taken: Collection[str]) -> str:
    """A name for the parent: ``order_no`` of ``order_line`` gives ``order_header``, because
    ``order`` is reserved. ``taken`` are names in use and reserved words."""
    return _first_free(_parents(table, key), taken)


def _parents(table: str, key: tuple[str, ...]) -> Iterator[str]:
    stem = _SUFFIX.sub("", key[0]) if len(key) == 1 else ""
    if stem and stem != key[0]:
        yield from (stem, f"{stem}_header", f"{table}_{stem}")
    yield f"{table}_group"


def child_name(table: str, taken: Collection[str]) -> str:
    """A name for the copy that becomes the child: ``order_line_item``."""
    return _first_free(iter((f"{table}_item", f"{table}_row")), taken)


def retired_name(table: str, taken: Collection[str]) -> str:
    """A name for the archive: ``order_line_retired``."""
    return _first_free(iter((f"{table}_retired",)), taken)


def link_name(parent: str, columns: Collection[str]) -> str:
    """A name for the child's uuid column: ``order_header_uuid``."""
    return _first_free(iter((f"{parent}_uuid", f"{parent}_link")), columns)


def parent_id_name(columns: Collection[str]) -> str:
    """A name for the parent's primary key that none of its columns has."""
    return _first_free(iter(("uuid", "parent_uuid")), columns)


def _first_free(wanted: Iterator[str], taken: Collection[str]) -> str:
    name = ""
    for name in wanted:
        if fitted(name) not in taken:
            return fitted(name)
    number = 2
    while fitted(f"{name}_{number}") in taken:
        number += 1
    return fitted(f"{name}_{number}")


def identifier(text: str) -> str:
    """``text`` as a Python name in small letters: what is no letter or digit becomes _."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "table"
    return f"t_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
