"""Find the words of the plan that a plain search finds and no reading of SQL accounts for."""

from __future__ import annotations

import bisect
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from membership_refactor.consumers import Look
from membership_refactor.scan.findings.collect import Collector
from membership_refactor.scan.parse.piece import Harvest, Placed
from membership_refactor.scan.parse.tokens import SqlText, Token
from membership_refactor.scan.read.disguised_names import disguises
from membership_refactor.scan.read.sql_file import TRIGGER, bare
from membership_refactor.scan.resolve.bindings import Span
from membership_refactor.scan.resolve.tables_as_spelled import Interest, pattern

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
_ROWS = "in rows of data"
_ELSEWHERE = "a string names a table"
_COPIED = re.compile(r"^COPY\b[^;]*\bFROM\s+STDIN\b[^;]*;[^\n]*\n(.*?)^\\\.", re.I | re.M | re.S)
_AS_TABLE = re.compile(r"\b(?:from|join|into|update|only)\s+[\w.\"`]*\Z", re.I)
_IMPORT = re.compile(r"[\w.]*\s+import\b")
_READS_TABLE = re.compile(
    r"['\"]\s*(?:select|insert|update|delete|table|copy|truncate|with|merge)\s", re.I
)
"""A string that is SQL."""
_ONLY_NAME = re.compile(r"['\"]?[eEnN]?['\"][\w.\"`\[\]*]+['\"]")
"""A string that is a name. What reads it as a table's is not known."""
_NO_READER = re.compile(
    r"(?:regclass|nextval|currval|setval|get_serial_sequence|size|description|\bIS)\s*\(?\s*\Z",
    re.I,
)
_AS_OID = re.compile(r"\s*::\s*(?:pg_catalog\s*\.\s*)?reg(?:class|type)\b", re.I)
_BY_NAME = re.compile(r"format|execute|_to_xml|dblink|\|\||attr|column|attname", re.I)
"""What may read columns of a table that is given by its name."""
_IMPORTS = re.compile(r"\s*(?:import|from|package|using|require\w*|use|include|export|#include)\b")
_MEMBER = re.compile(r"(?:[\w)\]?!]\.|->|::)\Z")
_WHOLE_ROW = re.compile(r"\b(?:OLD|NEW)\s*(?:\.\s*\*|\)|IS\b|=|<>)", re.I)
_BEFORE_NAME = re.compile(r"\.(?!\d)")
_FEW = 3
"""A literal of so few words is no message for people."""

Words = Iterable[tuple[str, int]]


def left_in_sql(placed: Placed, dialect: str, interest: Interest, collector: Collector) -> None:
    """Note the words that are left in SQL, by the reason why they were not reported.

    A string may be SQL for another place, and a template may put a column in, so that both are
    open questions. So is a table that is named and was not read as a table, and a column beside
    a string that names a table: OPTIONS of a foreign table are such strings.
    """
    _triggers(placed, interest, collector)
    places = map(placed.place, interest.places(placed.text))
    if all(at in collector.accounted for at in places) or not interest.in_text(placed.text)[0]:
        return
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for why, word, at in _in_sql(placed, dialect, interest):
        if at not in collector.accounted:
            found[why].append((word, at))
    sure = {_COMMENT, _ROWS} if found.pop(_ELSEWHERE, ()) else {_COMMENT, _ROWS, _OTHER}
    for why, left in found.items():
        _note(collector, why, left, open=why not in sure)


def _triggers(placed: Placed, interest: Interest, collector: Collector) -> None:
    """Note the triggers that give whole rows away, or to a function that is in another file."""
    text = placed.text
    for match in TRIGGER.finditer(text) if "trigger" in text.lower() else ():
        table, between, function = match.groups()
        at = placed.place(match.start(1))
        name = bare(function)
        if bare(table) not in interest.tables:
            continue
        if _WHOLE_ROW.search(between):
            collector.note(at, Look.TEXT, "the trigger compares whole rows", open=True)
        if "referencing" in between.lower():
            message = f"its changed rows go to {name} under another name: read it there"
            collector.note(at, Look.DYNAMIC, message)
        made = rf'\b(?:CREATE|REPLACE)\s+FUNCTION\s+(?:[\w"]+\.)?"?{re.escape(name)}\b'
        if not re.search(made, text, re.I):
            message = f"its rows go to {name}, which is not in this file: read it there"
            collector.note(at, Look.DYNAMIC, message)


def _in_sql(placed: Placed, dialect: str, interest: Interest) -> Iterator[tuple[str, str, int]]:
    """Yield every word of the plan: why it may be left, and where. Rows of COPY are no SQL."""
    copied = list(_COPIED.finditer(placed.text))
    for copy in (placed.cut(*match.span(1)) for match in copied):
        for word, at in interest.going_in(copy.text) if interest.in_text(copy.text)[0] else ():
            yield _INSIDE["string"], word, copy.place(at)
    part, rows = placed.replaced([(*match.span(1), "") for match in copied]), ""
    places = list(interest.places(part.text))
    words = interest.tables | interest.columns | {"insert", "replace", "values"}
    for token in SqlText(part, dialect).every_token(words=words):
        # A command of psql holds SQL in double quotes.
        kind = "string" if token.kind == "quoted" and " " in token.text else token.kind
        if kind in _INSIDE:
            first = bisect.bisect_left(places, token.start)
            if first == len(places) or places[first] >= token.end:
                continue
            named = kind != "comment" and interest.in_text(token.text)[0]
            data = kind == "string" and rows == "VALUES" and not named
            left = list(interest.going_in(token.text, token.start))
            if named and kind != "dollar":
                yield _ELSEWHERE, "", -1
            if named and not left:
                left = list(_names_read(token, part.text, dialect, interest))
            for word, at in left:
                yield _ROWS if data else _INSIDE[kind], word, part.place(at)
        elif kind in ("word", "quoted"):
            word = token.text.strip('`"').lower()
            if word in interest.tables and not _BEFORE_NAME.match(part.text, token.end):
                yield _ROW, token.text, part.place(token.start)
            elif word in interest.columns:
                yield _OTHER, token.text, part.place(token.start)
            if token.word in ("INSERT", "REPLACE") or (rows and token.word == "VALUES"):
                rows = token.word
        elif token.text == ";":
            rows = ""


def _names_read(
    token: Token, text: str, dialect: str, interest: Interest
) -> Iterator[tuple[str, int]]:
    """Yield the tables in a string that is SQL, or by whose name something may read them."""
    if token.kind == "jinja":
        yield token.text, token.start
    elif _READS_TABLE.match(token.text) or _read_by_name(text, token):
        for match in pattern(interest.tables).finditer(token.text):
            yield match[0], token.start + match.start()
    elif token.kind == "dollar":
        inner = SqlText(Placed.at(text), dialect).inside(token)
        for one in SqlText(inner, dialect).every_token():
            named = one.kind == "string" and interest.in_text(one.text)[0]
            if named and _read_by_name(inner.text, one):
                yield one.text, inner.place(one.start)


def _read_by_name(text: str, token: Token) -> bool:
    """Whether a string is a table's name, by which something may read its columns."""
    if _ONLY_NAME.fullmatch(token.text) is None:
        return False
    start = max(0, token.start - 400, text.rfind(";", 0, token.start))
    end = text.find(";", token.end, token.end + 400)
    if _BY_NAME.search(text, start, end if end >= 0 else token.end + 400):
        return True
    return not (_NO_READER.search(text, start, token.start) or _AS_OID.match(text, token.end))


def left_in_program(
    placed: Placed, harvest: Harvest, interest: Interest, collector: Collector, *, data: bool
) -> None:  # fmt: skip
    """Note the words that are left in a program, or in a file of data.

    Outside of comments and of other tables' statements, a column is an open question if a table
    of the plan is named outside of the SQL that was read: an object mapper reads by such names.
    In a program that its grammar does not understand, every word is one.
    """
    lower = placed.text.lower().replace("_", "")
    if not any(table.replace("_", "") in lower for table in interest.tables):
        return
    spans, texts = sorted(harvest.passed), sorted(harvest.texts)
    tables, going = interest.mentions(placed.text)
    tables, going = (_left(found, collector, placed) for found in (tables, going))
    used, named = ([w for w in found if not _around(spans, w[1])] for found in (going, tables))
    for at, message in disguises(interest.columns).find(placed.text) if named else ():
        if at not in collector.accounted:
            collector.note(at, Look.ENTITY, message, open=True)
    if harvest.broken and (used or named):
        why = "in a program that its grammar does not understand"
        _note(collector, why, sorted([*used, *named], key=lambda w: w[1]), look=Look.UNPARSED)
    elif named and used:
        what = f"outside of SQL, in a file that also names {named[0][0]} outside of SQL"
        _note(collector, what, used, look=Look.ENTITY, open=True)
    elif whole := [word for word in named if data or _reads(word, placed, texts, interest.tables)]:
        why = "outside of SQL: what is read of the table is not known"
        _note(collector, why, whole, look=Look.ENTITY, open=True)
    elif named or (used and tables):
        _note(collector, "outside of SQL", used or named, open=False)
    inside = [word for word in going if word not in used]
    if inside and tables:
        _note(collector, "in a comment, or in SQL of another table", inside, open=False)


def unread_file(placed: Placed, interest: Interest, collector: Collector, why: str) -> None:
    """Note every word of the plan in a file of a kind that is not read."""
    tables, going = interest.mentions(placed.text)
    if tables or interest.in_text(placed.text)[0]:
        found = sorted({*tables, *going}, key=lambda word: word[1])
        _note(collector, why, found, look=Look.SKIPPED)


def _left(words: Words, collector: Collector, placed: Placed) -> list[tuple[str, int]]:
    found = ((word, placed.place(at)) for word, at in words)
    return [(word, at) for word, at in found if at not in collector.accounted]


def _around(spans: Sequence[Span], at: int) -> list[Span]:
    """The innermost spans, of those that are sorted, in which a place stands."""
    before = bisect.bisect_right(spans, (at, sys.maxsize))
    return [one for one in spans[max(0, before - 3) : before] if one[0] <= at < one[1]]


def _reads(
    word: tuple[str, int], placed: Placed, texts: Sequence[Span], tables: frozenset[str]
) -> bool:
    """Whether a program may read all of a table by this word.

    It does by a text that is little more than the word, by SQL that was not understood, by a
    symbol, and by a class or a member that is called like the table.
    """
    text, at = placed.text, word[1]
    end = at + len(word[0])
    if _AS_TABLE.search(text, max(0, at - 40), at) and not _IMPORT.match(text, end):
        return True
    if text[at - 1 : at] == ":" != text[at - 2 : at - 1]:
        return True  # a symbol
    if word[0].replace("_", "").lower() in {table.replace("_", "") for table in tables}:
        line = text[text.rfind("\n", 0, at) + 1 : at]
        if not _IMPORTS.match(line) and (word[0][0].isupper() or _MEMBER.search(line)):
            return True
    return any(len(text[slice(*span)].split()) <= _FEW for span in _around(texts, at))


def _note(
    collector: Collector, why: str, left: list[tuple[str, int]], *, look: Look = Look.TEXT,
    open: bool | None = None,
) -> None:  # fmt: skip
    if not left:
        return
    words = list(dict.fromkeys(word for word, _ in left))
    shown = ", ".join(words[:6]) + (" …" if len(words) > 6 else "")
    times = "once" if len(left) == 1 else f"{len(left)} times"
    lines = list(dict.fromkeys(str(collector.place(at).line) for _, at in left))
    where = ", ".join(lines[:8]) + (" …" if len(lines) > 8 else "")
    collector.note(left[0][1], look, f"{shown}: {times} {why} (line {where})", open=open)
