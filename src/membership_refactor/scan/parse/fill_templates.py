"""Replace macros, placeholders and template text by text that parses.

Every character keeps its place in the file. That the text parses proves nothing about a template:
``FROM wide FILTER_HERE`` reads as an alias, and ``#{x}`` starts a comment of MySQL. So they are
filled before parsing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from sqlalchemy.dialects.mysql.reserved_words import RESERVED_WORDS_MYSQL
from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

from membership_refactor.consumers import Macro
from membership_refactor.scan.parse.piece import Placed, joined
from membership_refactor.scan.parse.tokens import NO_TOKEN, SqlText, Token, arguments, closing

_MORE = """
ABS ACTION AFTER AGAINST ALGORITHM ALWAYS ATOMIC AVG BIGSERIAL BODY BTREE CALLED COALESCE COLUMNS
COMMITTED CONCAT CONCURRENTLY CONFLICT CONNECTION COUNT CURDATE CURRENT CURTIME CYCLE DATA DATEDIFF
DATE_ADD DATE_FORMAT DATE_SUB DAY DEFERRED DEFINER DELIMITER DISABLE DOMAIN DUPLICATE ELSIF ENABLE
ENGINE EXCEPTION EXCLUDED EXCLUDING EXTRACT FOLLOWING FOUND GLOBAL GREATEST GROUP_CONCAT HANDLER
HOUR IDENTITY IFNULL IMMUTABLE INCLUDE INCLUDING INCREMENT INFINITY INHERITS INNODB INPUT INSTEAD
INVOKER ISOLATION LABEL LANGUAGE LAST LEAKPROOF LEAST LENGTH LEVEL LOCAL LOCKED LOGGED LOWER LTRIM
MATCHED MATERIALIZED MAX MIN MINUTE MODE MONTH NAMES NO NONE NOTHING NOW NOWAIT NULLIF NULLS OPEN
OTHERS OWNED OWNER PASSING PERFORM POLICY PRECEDING PRESERVE PRIVILEGES PUBLIC QUERY QUICK
REFERENCING REPEATABLE REPLICA RESET RESTART RETURNS REVERSE ROUND ROWTYPE SAVEPOINT SECOND
SERIALIZABLE SETOF SHARE SKIP SNAPSHOT STABLE STATEMENT STATISTICS STDIN STRICT STRING_AGG SUBSTRING
SUM SYSDATE TABLESPACE TIES TIMESTAMPDIFF TRANSACTION TREAT TRIM TYPE UNBOUNDED UNCOMMITTED UNLOGGED
UNTIL UPPER UTC UTF8 UTF8MB4 VALID VALUE WITHIN WITHOUT WORK ZONE
"""


@lru_cache(maxsize=1)
def keywords() -> frozenset[str]:
    """Every word of SQL that sqlglot, SQLAlchemy or the list above knows."""
    from sqlglot.dialects import MySQL

    known = [*MySQL.Tokenizer.KEYWORDS, *RESERVED_WORDS_MYSQL, *RESERVED_WORDS]
    return frozenset({word for key in known for word in key.upper().split()} | {*_MORE.split()})


_TABLE_BEFORE = {"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "USING"}
_CONDITION_BEFORE = {"WHERE", "ON", "AND", "OR", "NOT", "HAVING", "WHEN"}
_VALUE_BEFORE = {
    "IN", "LIKE", "ILIKE", "LIMIT", "OFFSET", "BETWEEN", "THEN", "ELSE", "VALUES", "SELECT", "IS",
    "AS", "INTERVAL", "DATE", "TIMESTAMP", "SET", "RETURN", "BY",
}  # fmt: skip
_TYPED = {"DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL"}
_CAPITALS = re.compile(r"\b[A-Z][A-Z0-9_]{2,}\b")
_MARKS = re.compile(r"[?:%${@<]")
REF = re.compile(r"""\{\{\s*(?:ref|source)\s*\(\s*(?:['"][^'"]+['"]\s*,\s*)?['"]([^'"]+)['"]""")

FILLINGS = ("guess", "value", "blank", "name")
"""What stands for a hole: a guess from the word before it, then what else may parse."""

PUT_IN = "hole_"
"""How the name begins that stands for one that is put in at run time."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Text that is put in at run time. The offset is the file's."""

    text: str
    offset: int
    free: bool = True
    """Any text can be put in. Otherwise only a value or a name can stand there."""
    quoted: bool = False
    """It stands in a string of SQL, so that no name can be put in."""


@dataclass(frozen=True, slots=True)
class UnknownMacro:
    """A word that looks like a macro that nobody declared."""

    name: str
    offset: int
    words: tuple[tuple[str, int], ...] = ()
    """The words of its arguments, each with its offset in the file."""


@dataclass(slots=True)
class Filled:
    """A statement that can be given to the parser."""

    sql: SqlText
    holes: list[Hole] = field(default_factory=list)
    macros: list[UnknownMacro] = field(default_factory=list)

    def moved(self, placed: Placed) -> Filled:
        """The same statement where its text stands in ``placed``. Offsets of its own are those in
        the text."""
        own, place = self.sql.placed, placed.place
        if not isinstance(own.offsets, range):  # something was put in
            placed = Placed(own.text, [place(at) for at in own.offsets])
        holes = [replace(hole, offset=place(hole.offset)) for hole in self.holes]
        macros = [
            replace(m, offset=place(m.offset), words=tuple((w, place(at)) for w, at in m.words))
            for m in self.macros
        ]
        return Filled(SqlText(placed, self.sql.dialect), holes, macros)


def expanded(sql: SqlText, macros: Sequence[Macro]) -> SqlText:
    """The statement with its declared macros replaced by their text."""
    by_name = {macro.name.lower(): macro for macro in macros}
    for _ in range(4):  # a macro's expansion may hold another one
        lower = sql.text.lower()
        pieces = _expand(sql, by_name) if any(name in lower for name in by_name) else []
        if not pieces:
            break
        sql = SqlText(joined(pieces), sql.dialect)
    return sql


def _expand(sql: SqlText, by_name: dict[str, Macro]) -> list[Placed]:
    placed, found = sql.placed, sql.tokens
    pieces: list[Placed] = []
    last = 0
    for index, token in enumerate(found, 1):
        macro = by_name.get(token.text.lower()) if token.kind == "word" else None
        if macro is None or token.start < last:
            continue
        end, values = token.end, []
        if index < len(found) and found[index].text == "(":
            close = closing(found, index)
            given = [found[a:b] for a, b in arguments(found, index, close) if b > a]
            values = [placed.cut(one[0].start, one[-1].end) for one in given]
            end = found[close].end
        expansion = _expansion(macro, values, placed.place(token.start))
        pieces += [placed.cut(last, token.start), *expansion]
        last = end
    return [*pieces, placed.cut(last, len(placed.text))] if pieces else []


def _expansion(macro: Macro, values: Sequence[Placed], offset: int) -> list[Placed]:
    """The macro's own text stands at its name, its arguments where they are written."""
    if not macro.parameters:
        return [Placed.made(macro.expansion, offset)]
    given = dict.fromkeys(macro.parameters, Placed.made("", offset))
    given |= zip(macro.parameters, values, strict=False)
    names = "|".join(map(re.escape, macro.parameters))
    texts = re.split(rf"\b({names})\b", macro.expansion)
    return [given.get(text) or Placed.made(text, offset) for text in texts]


def filled(sql: SqlText, *, filling: str = "guess") -> Filled:
    """Name the placeholders, fill the holes and blank the words that look like macros."""
    result, known, tight = Filled(sql), keywords(), filling != "guess"
    edits: list[tuple[int, int, str]] = []
    dropped: set[int] = set()
    if tight or any(word not in known for word in _CAPITALS.findall(sql.text)):
        edits = _unknown_macros(result, known, tight=tight, dropped=dropped)
    if _MARKS.search(sql.text):
        tokens = [token for token in sql.tokens if token.start not in dropped]
        edits += _fill(result, tokens, filling)
    edits.sort()
    apart = [e for n, e in enumerate(edits) if n == 0 or e[0] >= edits[n - 1][1]]
    result.sql = SqlText(sql.placed.replaced(apart), sql.dialect) if apart else sql
    return result


def _unknown_macros(
    result: Filled, known: frozenset[str], *, tight: bool, dropped: set[int]
) -> list[tuple[int, int, str]]:
    """Blank words that stand where SQL wants no word, and record them."""
    placed, found = result.sql.placed, result.sql.tokens
    qualifiers = {a.text.lower() for a, b in itertools.pairwise(found) if b.text == "."}
    edits: list[tuple[int, int, str]] = []
    skip = 0
    for index, token in enumerate(found):
        if index <= skip or token.kind != "word" or token.word in known:
            continue
        before, after = found[index - 1], found[index + 1] if index + 1 < len(found) else NO_TOKEN
        call = after.text == "("
        if not ends_expression(before, known) or after.text == "." or before.word == "AS":
            continue
        if token.text.lower() in qualifiers:
            continue
        capitals = token.text.isupper() and len(token.text) >= 3
        names = [t for t in found[max(0, index - 2) : index] if t.kind in ("word", "quoted")]
        third = tight and len(names) == 2 and not any(t.word in known for t in names)
        alias_list = call and before in names and not capitals
        shouting = placed.text.isupper()
        if not (third or (capitals and not shouting) or (tight and call and not alias_list)):
            continue
        skip = close = closing(found, index + 1) if call else index
        words = [(t.text, placed.place(t.start)) for t in found[index + 1 : close]
                 if t.kind == "word"]  # fmt: skip
        dropped.update(t.start for t in found[index : close + 1])
        result.macros.append(UnknownMacro(token.text, placed.place(token.start), tuple(words)))
        edits.append((token.start, found[close].end, " "))
    return edits


def ends_expression(token: Token, known: frozenset[str]) -> bool:
    """Whether an expression, or the name of a table, may end with this token."""
    if token.kind == "word":
        return token.word not in known or token.word in ("NULL", "TRUE", "FALSE", "END")
    return token.kind in ("string", "quoted", "number", "param", "hole") or token.text == ")"


def _fill(result: Filled, found: Sequence[Token], filling: str) -> list[tuple[int, int, str]]:
    placed = result.sql.placed
    edits: list[tuple[int, int, str]] = []
    number = 0
    around = zip([NO_TOKEN, *found], found, [*found[1:], NO_TOKEN], strict=False)
    for before, token, after in around:
        if token.kind == "string" and ("${" in token.text or "#{" in token.text):
            at = placed.place(token.start)
            result.holes.append(Hole(token.text, at, free=False, quoted=True))
        elif token.kind == "param" and not token.text.startswith("@"):
            text = _parameter(token)
            if before.word in _TYPED:
                edits.append((before.start, token.end, f"CAST({text} AS {before.text})"))
            elif text != token.text:
                edits.append((token.start, token.end, text))
        elif token.kind in ("jinja", "hole"):
            number += 1
            glued = after if after.start == token.end else NO_TOKEN
            new, hole = _filling(token, before, glued, number=number, filling=filling)
            if hole:
                free = new.strip() in ("", "1 = 1") and glued.kind != "word"
                result.holes.append(Hole(token.text, placed.place(token.start), free=free))
            edits.append((token.start, token.end, new))
    return edits


def _parameter(token: Token) -> str:
    if token.text.startswith(":"):
        return token.text
    named = re.search(r"\((\w+)\)", token.text)
    digits = re.sub(r"\D", "", token.text) if named is None else ""
    return f":{named[1]}" if named else f":p{digits}" if digits else f":q{token.start}"


def _filling(
    token: Token, before: Token, glued: Token, *, number: int, filling: str
) -> tuple[str, bool]:
    """The text that stands for a template's, and whether it is a hole."""
    text = token.text
    if text.startswith(("{#", "{%")):
        return " ", text.startswith("{%")
    if (named := REF.match(text)) is not None:
        return named[1], False
    if text.startswith("#{") and not text.startswith("#{#"):
        # A bound parameter of MyBatis. Only the form with a dollar puts in text.
        value = re.sub(r"\W", "_", text[2:-1].split(",")[0].strip()) or "x"
        return f":{value}", False
    value, name = f":{PUT_IN}{number}", f"{PUT_IN}{number}"
    if glued.kind == "word":
        return "", True  # a part of a name, such as ${prefix}table
    if glued.text == ".":
        return name, True  # a schema
    if filling != "guess":
        return {"value": value, "blank": " ", "name": name}[filling], True
    if before.word in _TABLE_BEFORE:
        return name, True
    if before.word in _CONDITION_BEFORE:
        return "1 = 1", True
    operator = before.kind == "punct" and before.text not in (")", "]", "*", ";", ".")
    return (value if operator or before.word in _VALUE_BEFORE else " "), True
