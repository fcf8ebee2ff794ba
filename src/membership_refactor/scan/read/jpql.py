"""JPQL: what its parser would choke on is replaced by text of the same meaning and length."""

from __future__ import annotations

import re

from membership_refactor.scan.parse.placed_text import Placed

_NEW = re.compile(r"\bnew\s+[\w.]+\s*(?=\()", re.I)
_FETCH = re.compile(r"\b(JOIN)(\s+FETCH)\b", re.I)
_MEMBER = re.compile(r"\bMEMBER\s+OF\b", re.I)
_TREAT = re.compile(r"\bTREAT\s*\(\s*([\w.]+)\s+AS\s+\w+\s*\)", re.I)
_EMPTY = re.compile(r"\bIS\s+(NOT\s+)?EMPTY\b", re.I)
_ENTITY = re.compile(r"#\{#entityName\}")
_FROM_FIRST = re.compile(r"\A\s*(?=FROM\b)", re.I)
_UPDATE = re.compile(r"\bDELETE\s+(?!FROM\b)(?=\w)", re.I)


def prepared(placed: Placed) -> Placed:
    """Constructor expressions, fetch joins and the like made readable."""
    for pattern, replacement in (
        (_NEW, "f"), (_FETCH, "JOIN"), (_MEMBER, "IN"), (_ENTITY, "entity_name"),
        (_FROM_FIRST, "SELECT 1 "), (_UPDATE, "DELETE FROM "),
    ):  # fmt: skip
        edits = [(m.start(), m.end(), replacement) for m in pattern.finditer(placed.text)]
        if edits:
            placed = placed.replaced(edits)
    edits = [(m.start(), m.end(), f"IS {m[1] or ''}NULL") for m in _EMPTY.finditer(placed.text)]
    if edits:
        placed = placed.replaced(edits)
    treats = [
        e
        for m in _TREAT.finditer(placed.text)
        for e in ((m.start(), m.start(1), ""), (m.end(1), m.end(), ""))
    ]
    return placed.replaced(treats) if treats else placed
