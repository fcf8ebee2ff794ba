"""Find the words of the plan that a plain search finds and the parser did not report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.findings.values import Look
from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.parse.tokens import SqlText
from membership_refactor.scan.resolve.interest import WORDS, Interest

_INSIDE = {
    "comment": "in a comment",
    "string": "in a string",
    "dollar": "in a body or template",
    "hole": "in a body or template",
    "jinja": "in a body or template",
}


def leftover_in_sql(placed: Placed, dialect: str, interest: Interest, collector: Collector) -> None:
    """Note the words that are left in SQL, by the reason why they were not reported."""
    table, column = interest.in_text(placed.text)
    if not (table and column) or not _left(interest.going_in(placed.text), collector):
        return
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for token in SqlText(placed, dialect).every_token:
        why = _INSIDE.get(token.kind, "as a column of another table, it seems")
        if token.kind in _INSIDE:
            words = list(interest.going_in(token.text, token.start))
        elif token.kind in ("word", "quoted") and token.text.strip('`"').lower() in interest.going:
            words = [(token.text, token.start)]
        else:
            continue
        if left := _left(words, collector):
            found[why] += left
    for why, left in found.items():
        _note(collector, why, left)


def leftover_in_program(placed: Placed, interest: Interest, collector: Collector) -> None:
    """Note the words that are left in a program."""
    if interest.in_text(placed.text)[0]:
        left = _left(interest.going_in(placed.text), collector)
        _note(collector, "outside of SQL, or in SQL without a table of the plan", left)


def words_of_unread_file(placed: Placed, interest: Interest, collector: Collector) -> None:
    """Note every word of the plan in a file of a kind that is not read."""
    if interest.in_text(placed.text)[0]:
        words = interest.tables | interest.going
        found = [(m[0], m.start()) for m in WORDS.finditer(placed.text) if m[0].lower() in words]
        _note(collector, "in a file of a kind that is not read", found, look=Look.SKIPPED)


def _left(words: Iterable[tuple[str, int]], collector: Collector) -> list[tuple[str, int]]:
    return [(word, at) for word, at in words if at not in collector.accounted]


def _note(
    collector: Collector, why: str, left: list[tuple[str, int]], *, look: Look = Look.TEXT
) -> None:
    if not left:
        return
    words = list(dict.fromkeys(word for word, _ in left))
    shown = ", ".join(words[:6]) + (" …" if len(words) > 6 else "")
    times = "once" if len(left) == 1 else f"{len(left)} times"
    lines = list(dict.fromkeys(str(collector.place(at).line) for _, at in left))
    where = ", ".join(lines[:8]) + (" …" if len(lines) > 8 else "")
    collector.note(left[0][1], look, f"{shown}: {times} {why} (line {where})")
