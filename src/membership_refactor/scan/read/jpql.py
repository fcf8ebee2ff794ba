"""Replace what the parser cannot read in JPQL by text of the same meaning."""

from __future__ import annotations

import re

from membership_refactor.scan.parse.placed_text import Placed

_REPLACED = (
    (r"\bnew\s+[\w.]+\s*(?=\()", "f"),
    (r"\bJOIN\s+FETCH\b", "JOIN"),
    (r"\bMEMBER\s+OF\b", "IN"),
    (r"#\{#entityName\}", "entity_name"),
    (r"\A\s*(?=FROM\b)", "SELECT 1 "),
    (r"\bDELETE\s+(?!FROM\b)(?=\w)", "DELETE FROM "),
    (r"\bIS\s+(NOT\s+)?EMPTY\b", r"IS \1NULL"),
)
_TREAT = re.compile(r"\bTREAT\s*\(\s*([\w.]+)\s+AS\s+\w+\s*\)", re.I)


def prepared(placed: Placed) -> Placed:
    """Make constructor expressions, fetch joins and the like readable."""
    for pattern, new in _REPLACED:
        found = re.finditer(pattern, placed.text, re.I)
        if edits := [(*match.span(), match.expand(new)) for match in found]:
            placed = placed.replaced(edits)
    treats: list[tuple[int, int, str]] = []
    for match in _TREAT.finditer(placed.text):
        treats += [(match.start(), match.start(1), ""), (match.end(1), match.end(), "")]
    return placed.replaced(treats) if treats else placed
