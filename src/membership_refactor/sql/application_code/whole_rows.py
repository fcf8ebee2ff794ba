"""Triggers of the application that take a row apart by the position of its columns.

``INSERT INTO history SELECT OLD.*`` and ``h := NEW`` fit a table of one shape. The link makes a row
longer, and the deprecated columns go later: then such a trigger fails, or fills other columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from membership_refactor.portrait import Routine, Table, Trigger
from membership_refactor.portrait.tokens import Token, tokens, unquoted

_ROWS = {"new", "old"}
_COMPARED = {"is", "=", "<", ">", "!", "*"}
_STATEMENTS = {"insert", "update", "merge", "select", "perform", "return", "if", "elsif", "while"}
_BEFORE_STATEMENTS = {"then", "else", "begin", "loop", "declare"}
_BY_NAME = {
    "to_json", "to_jsonb", "row_to_json", "hstore", "json_populate_record", "populate_record",
    "jsonb_populate_record", "coalesce", "num_nulls", "num_nonnulls", "pg_column_size",
}  # fmt: skip
"""Functions that get a whole row and use the names of its columns, or none of them."""
_NO_CALL = {
    "values",
    "in",
    "select",
    "from",
    "and",
    "or",
    "not",
    "row",
    "if",
    "using",
    "any",
    "all",
}
_PLACEHOLDER = re.compile(r"\(?\s*\$\d+\s*\)?\s*\.\s*\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRow:
    """A place where a trigger's function uses a row as a whole."""

    trigger: str
    function: str
    text: str
    """The statement."""
    certain: bool
    """Whether it depends on the position of columns. Otherwise that is only possible."""


def whole_rows(table: Table) -> tuple[WholeRow, ...]:
    """What the enabled triggers of the table do with whole rows, as far as texts tell it."""
    routines = {r.name: r for r in table.routines}
    return tuple(
        found
        for trigger in table.triggers
        if trigger.enabled != "D" and trigger.function in routines
        for found in _in_function(table, trigger, routines[trigger.function])
    )


def _in_function(table: Table, trigger: Trigger, routine: Routine) -> Iterator[WholeRow]:
    body = _Body(table.name, _transition_tables(trigger.definition))
    seen: dict[str, bool] = {}
    for statement in _statements(routine.body):
        words = [t for t in statement if t.kind not in ("space", "comment")]
        for certain in body.uses(words):
            text = "".join(" " if t.kind == "comment" else t.text for t in statement)
            seen[text] = seen.get(text, False) or certain
    for text, certain in seen.items():
        yield WholeRow(
            trigger=trigger.name,
            function=routine.name,
            text=" ".join(text.split())[:80],
            certain=certain,
        )


def _transition_tables(definition: str) -> set[str]:
    words = [t for t in tokens(definition) if t.kind not in ("space", "comment")]
    return {
        words[n + 2].name or ""
        for n in range(len(words) - 2)
        if words[n].text == "TABLE" and words[n + 1].text == "AS"
    }


def _statements(body: str) -> Iterator[list[Token]]:
    """What stands between semicolons, without the control words before the statement."""
    found: list[Token] = []
    for token in tokens(body):
        if token.text == ";" or _word(token) in _BEFORE_STATEMENTS:
            yield found
            found = []
        else:
            found.append(token)
    yield found


def _word(token: Token) -> str:
    return token.text.lower() if token.kind == "word" else (token.name or token.text)


@dataclass(slots=True)
class _Body:
    """One function, read from its beginning to its end."""

    table: str
    transition: set[str]
    rows: set[str] = field(default_factory=lambda: set(_ROWS))
    """What stands for a row of the table: NEW, OLD, and records that got one of them."""
    types: dict[str, str] = field(default_factory=dict)

    def uses(self, statement: list[Token]) -> Iterator[bool]:
        """Each use of a whole row, and whether the position of its columns matters."""
        words = [_word(t) for t in statement]
        if len(words) > 1 and statement[0].name is not None and ":" not in words[:1]:
            self.types.setdefault(words[0], words[1])
        yield from self._assigned(words)
        written = "insert" in words or "update" in words or "merge" in words
        aliases = self._aliases(words)
        rows = self.rows | aliases
        if aliases and words[0] == "for":
            self.rows.add(words[1])
            return
        yield from (True for at in pairwise(words) if written and self._all(at))
        for place, word in enumerate(words):
            if word == "*" and place:
                yield from self._star(words, place, rows, written=written)
            elif word in self.rows and self._is_whole(words, place):
                yield from self._bare(words, place)
        if "execute" in words and _ROWS & set(words):
            texts = [unquoted(t.text) for t in statement if t.kind in ("string", "dollar")]
            yield from (True for text in texts if _PLACEHOLDER.search(text))

    def _aliases(self, words: list[str]) -> set[str]:
        """Aliases of the transition tables, and of the table itself, in one statement."""
        found = set()
        for place, word in enumerate(words):
            if word in self.transition | {self.table} and words[place - 1] in ("from", "join", ","):
                after = [w for w in words[place + 1 : place + 3] if w != "as"]
                found |= {word, *after[:1]}
        return found

    def _all(self, words: tuple[str, str]) -> bool:
        return words[0] == "table" and words[1] in self.transition | {self.table}

    def _assigned(self, words: list[str]) -> Iterator[bool]:
        """``h := NEW``: a record gets the same columns, a row of a type gets them by position."""
        if words[-1:] and words[-1] in self.rows and words[-2:-1] == ["="]:
            target = words[0]
            if target in _ROWS or words[0] in _STATEMENTS:
                return
            if self.types.get(target, "record") == "record":
                self.rows.add(target)
            else:
                yield True

    def _star(
        self, words: list[str], place: int, rows: set[str], *, written: bool
    ) -> Iterator[bool]:
        if words[place - 1] == ".":
            start = place - 2
            if words[start] == ")" and words[start - 2] == "(":
                start -= 2
                row = words[start + 1]
            else:
                row = words[start]
            if row not in rows:
                return
        elif words[place - 1] in ("select", ",", "distinct", "all") and rows - self.rows:
            start = place
        else:
            return
        call, opening = _enclosing(words, start)
        if _is_function(call):
            return
        left, right = start - 1, place + 1
        if opening == left and words[right : right + 1] == [")"]:
            left, right = opening - (2 if call == "row" else 1), right + 1
        compared = set(words[right : right + 1]) & _COMPARED or (
            words[left] in _COMPARED and words[left - 1] != ":" and not written
        )
        if compared or words[max(0, left - 1) : left + 1] == ["distinct", "from"]:
            return
        if written or ":" in words[:left] or "into" not in words:
            yield written or ":" in words[:left]
        elif self.types.get(words[words.index("into") + 1], "record") == "record":
            self.rows.add(words[words.index("into") + 1])
        else:
            yield True

    def _is_whole(self, words: list[str], place: int) -> bool:
        return words[place + 1 : place + 2] != ["."] and words[place - 1 : place] != ["."]

    def _bare(self, words: list[str], place: int) -> Iterator[bool]:
        """A row as a value: cast to text, or given to a function."""
        after = words[place + 1 : place + 3]
        if after == [")", "."] and words[place - 1] == "(":
            return
        call, _ = _enclosing(words, place)
        given = _is_function(call) and call not in _BY_NAME
        if after == [":", ":"] or given or (call == "values" and words[place - 1] in ("(", ",")):
            yield False


def _is_function(word: str | None) -> bool:
    return word is not None and word not in _NO_CALL and re.match(r"\w", word) is not None


def _enclosing(words: list[str], place: int) -> tuple[str | None, int]:
    """The word before the parenthesis around that place, and the place of the parenthesis."""
    depth = 0
    for n in range(place - 1, -1, -1):
        if words[n] == ")":
            depth += 1
        elif words[n] == "(":
            if depth == 0:
                return (words[n - 1] if n else None), n
            depth -= 1
    return None, -1
