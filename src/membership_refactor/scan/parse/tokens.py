"""Cut SQL text into words, strings, comments and template pieces, and take wrappers off."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from membership_refactor.scan.parse.piece import Placed, joined

BLANK = r"(?:\s|--[^\n\r]*(?:[\n\r]|\Z)|/\*.*?\*/)*+"
"""Blanks and comments. The pattern is possessive: without that, it takes exponential time."""


class Token(NamedTuple):
    """A piece of text. ``kind`` is the group of the pattern that matched."""

    kind: str
    start: int
    end: int
    text: str

    @property
    def word(self) -> str:
        """The word in capitals; empty for anything else."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """The text without the quotes of a name."""
        return self.text[1:-1] if self.kind == "quoted" else self.text


NO_TOKEN = Token("", -1, -1, "")
"""Before the first token and behind the last."""

_TEMPLATES = r"""
  (?P<jinja>\{%.*?%\}|\{\#.*?\#\}|\{\{.*?\}\})
 |(?P<hole>\$\{[^}\n]*\}|\#\{[^}\n]*\}|\{[A-Za-z_][\w.]*(?:![rsa])?(?::[^}\n]*)?\}|\{\d*\}
    |<<\s*[A-Za-z_]\w*\s*>>)
"""
_REST = r"""
 |(?P<param>(?<![:\w]):[A-Za-z_]\w*|\?\d*|\$\d+|%[sd]\b|%\(\w+\)s|@@?[A-Za-z_][\w.$]*)
 |(?P<word>[^\W\d][\w$]*)
 |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)
 |(?P<space>\s+)
 |(?P<punct>::|:=|<=>|<=|>=|<>|!=|\|\||->>|->|=>|.)
"""
_TEXTS = {
    "postgres": r"""
 |(?P<dollar>\$\$.*?(?:\$\$|\Z)|\$(?P<tag>[A-Za-z_]\w*)\$.*?(?:\$(?P=tag)\$|\Z))
 |(?P<string>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z))
 |(?P<quoted>"(?:[^"]|"")*(?:"|\Z))
""",
    "mysql": r"""
 |(?P<string>'(?:[^'\\]|\\.|'')*(?:'|\Z)|"(?:[^"\\]|\\.|"")*(?:"|\Z))
 |(?P<quoted>`(?:[^`]|``)*(?:`|\Z))
""",
}
_COMMENTS = {"postgres": "", "mysql": r"|\#(?!\{)[^\n]*"}
_NO_MARK = (
    r"(?P<data>(?:[\s,()=.*+:>\[\]]++|[^\W\dbceBCE]++|\d++"
    r"|(?!e'|\b(?:BEGIN|CASE|END)\b)[bce])++)|"
)
"""Blanks, signs, numbers and words in one piece: nothing that cuts a text begins so."""


@cache
def _patterns(rest: str, flags: int = 0, first: str = "") -> dict[str, re.Pattern[str]]:
    """For each dialect comments, templates and texts, and then the rest."""
    made = {
        dialect: re.compile(
            rf"{first}(?P<comment>--[^\n\r]*|/\*.*?(?:\*/|\Z){comments})|{_TEMPLATES}{_TEXTS[dialect]}{rest}",
            re.VERBOSE | re.DOTALL | flags,
        )
        for dialect, comments in _COMMENTS.items()
    }
    return made | {"jpql": made["postgres"]}


_TOKENS = _patterns(_REST)


@cache
def _passed(words: frozenset[str]) -> str:
    """What is passed over where only some words are looked for."""
    either = "|".join(map(re.escape, sorted(words))) or "(?!)"
    other = rf"(?!(?i:e'|(?:{either})(?![\w$])))[^\W\d][\w$]*+"
    return rf"(?P<data>(?:[\s,()=.*+>\[\]]++|{other}|-?\d++(?:\.\d++)?(?=[\s,()]))++)|"


_KINDS = {"tag": "dollar"}


@dataclass(frozen=True)
class SqlText:
    """A text of one dialect. It is cut into tokens once, when they are first asked for."""

    placed: Placed
    dialect: str

    @property
    def text(self) -> str:
        return self.placed.text

    def every_token(self, *, words: frozenset[str] | None = None) -> Iterator[Token]:
        """Yield all tokens, blanks and comments too. They are not kept.

        With ``words``, other words and most numbers, blanks and signs are passed over.
        """
        patterns = _TOKENS if words is None else _patterns(_REST, first=_passed(words))
        for match in patterns[self.dialect].finditer(self.text):
            kind = match.lastgroup or "punct"
            if kind != "data":
                yield Token(_KINDS.get(kind, kind), match.start(), match.end(), match[0])

    @cached_property
    def tokens(self) -> list[Token]:
        """The tokens without blanks and comments."""
        return [token for token in self.every_token() if token.kind not in ("space", "comment")]

    def inside(self, token: Token) -> Placed:
        """What stands in a string, with its doubled quotes undone, or between dollars."""
        text = token.text
        if token.kind == "dollar":
            tag = text.index("$", 1) + 1
            closed = text.endswith(text[:tag]) and len(text) >= 2 * tag
            return self.placed.cut(token.start + tag, token.end - (tag if closed else 0))
        inner = self.placed.cut(token.start + 1 + (text[:1] in "eE"), token.end - 1)
        return inner.replaced([(*m.span(), "'") for m in re.finditer("''", inner.text)])

    @property
    def body(self) -> tuple[int, int]:
        """From the first character that is no blank to the last one before a semicolon."""
        start = len(self.text) - len(self.text.lstrip())
        return start, len(self.text.rstrip().rstrip(";").rstrip())


_MARKS = r"""
 |(?P<inner>\bEND\s+(?:IF|LOOP|WHILE|REPEAT)\b)
 |(?P<closes>\bEND\b(?:\s+CASE\b)?)
 |(?P<opens>\b(?:BEGIN|CASE)\b)
 |(?P<meta>\\)
 |(?P<end>"""


def marks(text: str, dialect: str, delimiter: str) -> Iterator[tuple[str, int, int]]:
    """Yield what cuts a text into statements: far fewer pieces than all of its tokens."""
    first = "" if re.match(r"[\s\w,()=.*+:>\[\]-]", delimiter) else _NO_MARK
    pattern = _patterns(f"{_MARKS}{re.escape(delimiter)})", re.IGNORECASE, first)[dialect]
    for match in pattern.finditer(text):
        kind = match.lastgroup or ""
        if kind in ("closes", "opens", "end", "meta"):
            yield kind, match.start(), match.end()


def closing(found: list[Token], opening: int) -> int:
    """The index of the bracket that closes the one at ``opening``, or of the last token."""
    depth = 0
    for index in range(opening, len(found)):
        depth += (found[index].text == "(") - (found[index].text == ")")
        if depth == 0:
            return index
    return len(found) - 1


def arguments(found: list[Token], opening: int, close: int) -> list[tuple[int, int]]:
    """The argument ranges (token indexes, end exclusive) between two brackets."""
    depth, borders = 0, [opening]
    for index in range(opening + 1, close):
        depth += (found[index].text in "([") - (found[index].text in ")]")
        if found[index].text == "," and depth == 0:
            borders.append(index)
    parts = [(before + 1, after) for before, after in itertools.pairwise([*borders, close])]
    return [part for part in parts if part != (close, close)]


_WRAPPERS = (
    r"EXPLAIN\b(?:\s+(?:ANALYZE|VERBOSE|EXTENDED|PARTITIONS|FORMAT\s*=\s*\w+)\b|\s*\([^()]*\))*",
    r"PREPARE\s+\w+\s*(?:\([^()]*\))?\s*AS\b",
    r"DECLARE\s+\w+\s+(?:\w+\s+){0,6}?CURSOR\b.*?\bFOR\b(?!\s+UPDATE)",
    r"CREATE\s+(?:OR\s+REPLACE\s+)?RULE\b.*?\bDO\s+(?:ALSO\s+|INSTEAD\s+)?(?!NOTHING)",
    r"RETURN\s+QUERY\b(?!\s+EXECUTE)",
)
_WRAPPER = re.compile(f"{BLANK}(?:{'|'.join(_WRAPPERS)})", re.I | re.S)
_COPY_QUERY = re.compile(BLANK + r"COPY\s*\((.*)\)\s*TO\b", re.I | re.S)
_REPLACE = re.compile(BLANK + r"(REPLACE)(\s+INTO\b|\s+(?=[`\w]))", re.I | re.S)
_POLICY = re.compile(BLANK + r"(?:CREATE|ALTER)\s+POLICY\s+\S+\s+ON\s+([\w.\"]+)(.*)", re.I | re.S)
_CONDITION = re.compile(r"\b(?:USING|CHECK)\s*(?=\()", re.I)
_RULE_TABLE = re.compile(
    BLANK + r"CREATE\s+(?:OR\s+REPLACE\s+)?RULE\b.*?\bTO\s+(?:[\w\"]+\.)?[\"]?(\w+)", re.I | re.S
)
_ESCAPED = re.compile(r"""\b(U&)("[^"]*"|'[^']*')""", re.I)
_UESCAPE = re.compile(r"\bUESCAPE\s*'([^'])'", re.I)
_ONLY = re.compile(r"\bONLY\s*(\()\s*[\w.\"]+\s*(\))", re.I)
_LONG = 20_000
_VALUE = r"(?:[-+]?[\d.]+(?:[eE][-+]?\d+)?|[eEbBxXN]?'(?:[^'\\]|\\.|'')*+'|NULL|TRUE|FALSE|DEFAULT)"
_ROW = rf"\s*\(\s*{_VALUE}\s*(?:,\s*{_VALUE}\s*)*+\)\s*"
_MORE_ROWS = re.compile(rf"\bVALUES{_ROW},{_ROW}((?:,{_ROW})++)", re.I | re.S)
_MORE_VALUES = re.compile(
    rf"(?<![\w'])(?:{_VALUE}\s*,\s*){{100}}{_VALUE}\s*((?:,\s*{_VALUE}\s*)++)", re.I | re.S
)
_LOCK = re.compile(BLANK + r"LOCK\s+(?:TABLES?\s+)?([\w.\"`]+)", re.I | re.S)


def unwrapped(placed: Placed) -> list[Placed]:
    """The statements inside, each parsable. Without a wrapper, the statement itself."""
    placed = _with_plain_names(placed)
    text = placed.text
    if match := _WRAPPER.match(text):
        inner = placed.cut(match.end(), len(text))
        if inner.text.lstrip().startswith("("):
            start = inner.text.index("(")
            inner = inner.cut(start + 1, bracket_end(inner.text, start) - 1)
        return unwrapped(inner)
    if match := _COPY_QUERY.match(text):
        return [placed.cut(*match.span(1))]
    if match := _REPLACE.match(text):
        # As long as before, so that every position stays.
        verb = "INSERT" if match[2].strip() else "INSERT INTO"
        return [placed.replaced([(*match.span(1), verb)])]
    if match := _POLICY.match(text):
        return _policy(placed, match)
    if match := _LOCK.match(text):
        table = placed.cut(*match.span(1))
        return [joined([Placed.made("SELECT 1 FROM ", table.place(0)), table])]
    return [placed]


def _with_plain_names(placed: Placed) -> Placed:
    """Write ``U&"person\\005fid"`` and ``ONLY (wide)`` as the parser reads them."""
    text = placed.text
    if escaped := list(_ESCAPED.finditer(text)) if "&" in text else []:
        own = _UESCAPE.search(text)
        sign = re.escape(own[1] if own else "\\")
        code = re.compile(rf"{sign}(?:\+([0-9a-f]{{6}})|([0-9a-f]{{4}}))", re.I)
        edits = [(*own.span(), "")] if own else []
        for match in escaped:
            edits.append((match.start(), match.start(2), ""))
            for one in code.finditer(text, match.start(2), match.end()):
                edits.append((*one.span(), chr(min(int(one[1] or one[2], 16), 0x10FFFF))))
        placed = placed.replaced(sorted(edits))
    if len(placed.text) > _LONG:
        # Rows of data need no parser. Two stay, so that there are several.
        rows = [(*m.span(1), "") for m in _MORE_ROWS.finditer(placed.text)]
        values = [(*m.span(1), "") for m in _MORE_VALUES.finditer(placed.text)] if not rows else []
        placed = placed.replaced(rows or values)
    only = _ONLY.finditer(placed.text)
    return placed.replaced([(*match.span(n), " ") for match in only for n in (1, 2)])


def is_policy(text: str) -> bool:
    """Whether the statement creates or alters a policy of row security."""
    return _POLICY.match(text) is not None


def rule_table(text: str) -> str:
    """The table whose rows NEW and OLD of a rule are; empty where the text makes no rule."""
    match = _RULE_TABLE.match(text)
    return match[1].lower() if match else ""


def _policy(placed: Placed, match: re.Match[str]) -> list[Placed]:
    table = placed.cut(*match.span(1))
    head = Placed.made("SELECT 1 FROM ", table.place(0))
    found = []
    for condition in _CONDITION.finditer(placed.text, match.start(2)):
        start, end = condition.end(), bracket_end(placed.text, condition.end())
        where = Placed.made(" WHERE ", placed.place(start))
        found.append(joined([head, table, where, placed.cut(start, end)]))
    return found or [placed]


def bracket_end(text: str, start: int) -> int:
    """Where the bracket ends that opens at ``start``, or the text."""
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] == "(") - (text[index] == ")")
        if depth == 0:
            return index + 1
    return len(text)
