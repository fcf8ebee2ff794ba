"""Find the words of the plan that a plain search finds and no reading of SQL accounts for."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence

from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.findings.values import Look
from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.parse.tokens import SqlText
from membership_refactor.scan.resolve.interest import WORDS, Interest

_COMMENT = "in a comment"
_INSIDE = {
    "comment": _COMMENT,
    "string": "in a string",
    "dollar": "in a body or template",
    "hole": "in a body or template",
    "jinja": "in a body or template",
}
_OTHER = "as a column of another table, it seems"
_ROW = "as the type of a value or in a way that is not read"
_QUOTES = "\"'`"

Words = Iterable[tuple[str, int]]


def leftover_in_sql(placed: Placed, dialect: str, interest: Interest, collector: Collector) -> None:
    """Note the words that are left in SQL, by the reason why they were not reported.

    A string may be SQL for another place, and a template may put a column in, so that both are
    open questions. So is a table that is named and was not read as a table, and a column beside
    a string that names a table (``elsewhere``): OPTIONS of a foreign table are such strings.
    """
    table, column = interest.in_text(placed.text)
    if not table:
        return
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    tokens = SqlText(placed, dialect).every_token
    elsewhere = False
    for index, token in enumerate(tokens):
        why = _INSIDE.get(token.kind, _OTHER)
        words: Words
        if token.kind in _INSIDE:
            named = token.kind != "comment" and interest.in_text(token.text)[0]
            elsewhere = elsewhere or (named and token.kind != "dollar")
            words = interest.going_in(token.text, token.start) if column else ()
        elif token.kind in ("word", "quoted"):
            word = token.text.strip('`"').lower()
            after = tokens[index + 1].text if index + 1 < len(tokens) else ""
            if word in interest.tables and after != ".":
                why, words = _ROW, [(token.text, token.start)]
            else:
                words = [(token.text, token.start)] if word in interest.going else ()
        else:
            continue
        found[why] += _left(words, collector, placed)
    sure = {_COMMENT} if elsewhere else {_COMMENT, _OTHER}
    for why, left in found.items():
        _note(collector, why, left, open=why not in sure)


def leftover_in_program(
    placed: Placed,
    passed: Sequence[tuple[int, int]],
    interest: Interest,
    collector: Collector,
    *,
    broken: bool = False,
    data: bool = False,
) -> None:
    """Note the words that are left in a program, or in a file of data.

    ``passed`` are comments and statements of other tables. Outside of them, a column is an open
    question if a table of the plan is named outside of the SQL that was read: an object mapper
    reads by such names. In a program that its grammar does not understand (``broken``), every
    word is one.
    """
    spans = sorted(passed)
    tables, going = interest.mentions(placed.text)
    tables, going = (_left(found, collector, placed) for found in (tables, going))
    used, named = (_outside(found, spans, placed) for found in (going, tables))
    if broken and (used or named):
        why = "in a program that its grammar does not understand"
        _note(collector, why, sorted([*used, *named], key=lambda w: w[1]), look=Look.UNPARSED)
    elif named and used:
        what = f"outside of SQL, in a file that also names {named[0][0]} outside of SQL"
        _note(collector, what, used, look=Look.ENTITY, open=True)
    elif whole := [word for word in named if data or _is_text(word, placed)]:
        why = "outside of SQL: what is read of the table is not known"
        _note(collector, why, whole, look=Look.ENTITY, open=True)
    elif named or (used and tables):
        _note(collector, "outside of SQL", used or named, open=False)
    inside = [word for word in going if word not in used]
    if inside and tables:
        _note(collector, "in a comment, or in SQL of another table", inside, open=False)


def words_of_unread_file(
    placed: Placed, interest: Interest, collector: Collector, why: str = ""
) -> None:
    """Note every word of the plan in a file of a kind that is not read."""
    if interest.in_text(placed.text)[0]:
        words = interest.tables | interest.going
        found = [(m[0], m.start()) for m in WORDS.finditer(placed.text) if m[0].lower() in words]
        _note(collector, why or "in a file of a kind that is not read", found, look=Look.SKIPPED)


def _left(words: Words, collector: Collector, placed: Placed) -> list[tuple[str, int]]:
    found = ((word, placed.place(at)) for word, at in words)
    return [(word, at) for word, at in found if at not in collector.accounted]


def _outside(
    words: list[tuple[str, int]], spans: Sequence[tuple[int, int]], placed: Placed
) -> list[tuple[str, int]]:
    result = []
    for word, at in words:
        before = bisect.bisect_right(spans, (at, len(placed.text) + at))
        if not any(start <= at < end for start, end in spans[max(0, before - 2) : before]):
            result.append((word, at))
    return result


def _is_text(word: tuple[str, int], placed: Placed) -> bool:
    """Whether a literal of the program is just this word."""
    text, at = placed.text, word[1]
    end = at + len(word[0])
    return text[at - 1 : at] in _QUOTES and text[end : end + 1] in _QUOTES and end < len(text)


def _note(
    collector: Collector,
    why: str,
    left: list[tuple[str, int]],
    *,
    look: Look = Look.TEXT,
    open: bool | None = None,
) -> None:
    if not left:
        return
    words = list(dict.fromkeys(word for word, _ in left))
    shown = ", ".join(words[:6]) + (" …" if len(words) > 6 else "")
    times = "once" if len(left) == 1 else f"{len(left)} times"
    lines = list(dict.fromkeys(str(collector.place(at).line) for _, at in left))
    where = ", ".join(lines[:8]) + (" …" if len(lines) > 8 else "")
    collector.note(left[0][1], look, f"{shown}: {times} {why} (line {where})", open=open)
