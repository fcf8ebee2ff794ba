"""Take the control words off a routine's body, so that the statements inside can be parsed."""

from __future__ import annotations

import itertools
from dataclasses import replace

from membership_refactor.scan.parse.piece import Harvest, Look, Piece, Placed, joined
from membership_refactor.scan.parse.tokens import SqlText, Token, closing

_STATEMENTS = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "REPLACE", "TRUNCATE", "CREATE",
    "ALTER", "DROP", "TABLE", "VALUES", "CALL", "LOCK", "GRANT", "COPY",
}  # fmt: skip
_DROPPED = {"BEGIN", "LOOP", "ELSE", "REPEAT", "THEN", "EXCEPTION", "ATOMIC", "DO", "DECLARE"}
_CONDITIONS = {
    "IF": {"THEN"}, "ELSIF": {"THEN"}, "ELSEIF": {"THEN"}, "WHILE": {"LOOP", "DO"},
    "UNTIL": {"END", ";"}, "WHEN": {"THEN"}, "CASE": {"WHEN"}, "EXIT": {";"}, "CONTINUE": {";"},
}  # fmt: skip
_NOTHING = {"END", "FETCH", "CLOSE", "LEAVE", "ITERATE", "NULL", "COMMIT", "ROLLBACK",
            "SAVEPOINT", "START", "SIGNAL", "RESIGNAL", "DEALLOCATE"}  # fmt: skip
_AFTER_INTO = {
    "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "FOR", "WINDOW", "FETCH",
    "OFFSET", "EXCEPT", "INTERSECT", "JOIN",
}  # fmt: skip
_RETURN = {"RETURN", "NEXT", "QUERY"}
_NEVER_INTO = {"INSERT", "MERGE", "REPLACE", "CREATE"}


def cut_body(body: Placed, dialect: str, *, row_table: str = "", plain: bool = False) -> Harvest:
    """Find the statements of a body. A body of ``plain`` SQL has no control words."""
    cutter = _Cutter(SqlText(body, dialect), row_table=row_table, plain=plain)
    segment: list[Token] = []
    for token in cutter.body.tokens:
        if token.text == ";":
            cutter.segment(segment)
            segment = []
        else:
            segment.append(token)
    cutter.segment(segment)
    return cutter.result


def _index(found: list[Token], *words: str, start: int = 0) -> int:
    """The index of the first of the words, or the number of all tokens."""
    return next((i for i in range(start, len(found)) if found[i].word in words), len(found))


class _Cutter:
    def __init__(self, body: SqlText, *, row_table: str, plain: bool) -> None:
        self.body, self.row_table, self.plain = body, row_table, plain
        self.result = Harvest()

    def segment(self, found: list[Token]) -> None:
        """Read what stands between two semicolons."""
        while found:
            self._row_types(found)
            head, word = found[0], found[0].word
            if word in _STATEMENTS or self.plain:
                if word == "RETURN":
                    self._select(found[1:])
                elif word not in ("END", "BEGIN"):
                    self._statement(found)
                return
            following = found[1] if len(found) > 1 else Token("", -1, -1, "")
            if head.text == following.text == "<":
                label_end = next((i for i, t in enumerate(found) if t.text == ">"), len(found))
                found = found[label_end + 2 :]
            elif head.kind == "hole":
                found = found[1:]
            elif head.kind == "word" and following.text == ":":
                found = found[2:]
            elif word == "DECLARE" and self._declares(found):
                return
            elif word in _NOTHING:
                found = found[1:] if word == "END" and following.word in _STATEMENTS else []
            elif word in _CONDITIONS:
                found = self._condition(found, _CONDITIONS[word])
            elif word in ("FOR", "FOREACH"):
                found = self._loop(found)
            elif word in _DROPPED:
                found = found[1:]
            else:
                self._simple(found)
                return

    def _simple(self, found: list[Token]) -> None:
        word, texts = found[0].word, [token.text for token in found]
        if "CURSOR" in (token.word for token in found[1:3]):
            self._declares(found)
        elif word == "PERFORM":
            self._select(found[1:])
        elif word == "RETURN":
            self._query(list(itertools.dropwhile(lambda t: t.word in _RETURN, found)))
        elif word in ("EXECUTE", "PREPARE"):
            self._execute(found)
        elif word == "OPEN" and (at := _index(found, "FOR")) < len(found):
            self._query(found[at + 1 :], always=True)
        elif word == "RAISE":
            if "," in texts:
                self._select(found[texts.index(",") + 1 :])
        elif word == "SET" or ":=" in texts or "=" in texts:
            self._assignment(found[1:] if word == "SET" else found)
        else:
            self._select(found[_index(found, "DEFAULT") + 1 :])

    def _query(self, found: list[Token], *, always: bool = False) -> None:
        """Read a statement, EXECUTE, or an expression."""
        if found and found[0].word == "EXECUTE":
            self._execute(found)
        elif found and (always or found[0].word in _STATEMENTS):
            self._statement(found)
        elif ".." not in "".join(token.text for token in found):
            self._select(found)

    def _assignment(self, found: list[Token]) -> None:
        at = next((i for i, t in enumerate(found) if t.text in (":=", "=")), None)
        if at is None or at + 1 >= len(found):
            return
        target = found[:at]
        if len(target) == 3 and target[1].text == "." and target[0].word in ("NEW", "OLD"):
            place = self._cut(target)
            assigned = joined([Placed.made("SELECT ", place.place(0)), place])
            self.result.pieces.append(replace(self._piece(assigned), assigns=True))
        self._select(found[at + 1 :])

    def _condition(self, found: list[Token], ends: set[str]) -> list[Token]:
        """Read a condition; what follows it."""
        depth = cases = 0
        for index in range(1, len(found)):
            token = found[index]
            depth += (token.text == "(") - (token.text == ")")
            if token.word == "CASE":
                cases += 1
            elif token.word == "END" and cases:
                cases -= 1
            elif depth == 0 and cases == 0 and token.word in ends:
                self._select(found[1:index])
                return found[index if token.word == "WHEN" else index + 1 :]
        if found[0].word not in ("CASE", "EXIT", "CONTINUE"):
            self._select(found[1:])
        return []

    def _loop(self, found: list[Token]) -> list[Token]:
        """Read the head of a loop; what follows it."""
        end = _index(found, "LOOP")
        end = _index(found, "DO") if end == len(found) else end
        inner = found[_index(found, "IN") + 1 : end] if end < len(found) else []
        if inner and inner[0].text == "(" and closing(inner, 0) == len(inner) - 1:
            inner = inner[1:-1]
        self._query(inner)
        return found[end + 1 :]

    def _declares(self, found: list[Token]) -> bool:
        """Read a handler or cursor. MySQL's declarations are one statement each."""
        handler, cursor = _index(found, "HANDLER"), _index(found, "CURSOR")
        if handler < len(found):
            self.segment(found[_index(found, *_STATEMENTS, "BEGIN", "SET", start=handler + 1) :])
        elif cursor < len(found):
            self._statement(found[_index(found, "FOR", "IS", start=cursor) + 1 :])
        return min(handler, cursor) < len(found)

    def _execute(self, found: list[Token]) -> None:
        """Read EXECUTE: literal text is read, text that is put together is noted."""
        rest = found[1:]
        strings = [token for token in rest if token.kind in ("string", "dollar")]
        dynamic = len(rest) != 1 and 1 not in (_index(rest, "INTO"), _index(rest, "USING"))
        for token in strings:
            skip = token.text.index("$", 1) + 1 if token.kind == "dollar" else 1
            inner = self.body.placed.cut(token.start + skip, token.end - skip)
            self.result.pieces.append(replace(self._piece(inner), fragment=dynamic))
        if dynamic or not strings:
            offset = self.body.placed.place(found[0].start)
            message = f"SQL that is put together at run time: {self._cut(found).text[:60]}"
            self.result.remarks.append((offset, Look.DYNAMIC, message))

    def _row_types(self, found: list[Token]) -> None:
        """Read ``wide.a%TYPE`` and ``wide%ROWTYPE``, which break when column or table goes."""
        for index in range(1, len(found) - 1):
            if found[index].text != "%":
                continue
            kind = found[index + 1].word
            if kind == "TYPE" and index >= 3 and found[index - 2].text == ".":
                column, table = self._cut([found[index - 1]]), self._cut([found[index - 3]])
                self._add_type(column, table)
            elif kind == "ROWTYPE":
                table = self._cut([found[index - 1]])
                self._add_type(Placed.made("*", table.place(0)), table)

    def _add_type(self, column: Placed, table: Placed) -> None:
        select, from_ = (Placed.made(text, column.place(0)) for text in ("SELECT ", " FROM "))
        read = self._piece(joined([select, column, from_, table]))
        self.result.pieces.append(replace(read, editable=False))

    def _select(self, found: list[Token]) -> None:
        if found:
            inner = self._without_into(found)
            self._add(joined([Placed.made("SELECT ", inner.place(0)), inner]))

    def _statement(self, found: list[Token]) -> None:
        if found:
            self._add(self._without_into(found))

    def _without_into(self, found: list[Token]) -> Placed:
        """Blank the variables of ``SELECT … INTO v1, v2 FROM``. Every length stays."""
        placed = self._cut(found)
        if found[0].word in _NEVER_INTO or self.plain:
            return placed
        depth = 0
        for index, token in enumerate(found):
            depth += (token.text == "(") - (token.text == ")")
            if token.word == "INTO" and depth == 0 and index:
                before = found[index - 1].word
                if before in ("INSERT", "REPLACE", "MERGE"):
                    continue
                end = _index(found, *_AFTER_INTO, start=index + 1)
                if before == "SELECT":
                    end = self._list_end(found, index, end)
                start, stop = token.start - found[0].start, found[end - 1].end - found[0].start
                return placed.replaced([(start, stop, " " * (stop - start))])
        return placed

    @staticmethod
    def _list_end(found: list[Token], into: int, end: int) -> int:
        """Find where the variables of PL/pgSQL's ``SELECT INTO v a FROM`` end."""
        at = into + 2 + (into + 1 < end and found[into + 1].word == "STRICT")
        while at + 1 < end and found[at].text == ",":
            at += 2
        return at

    def _cut(self, found: list[Token]) -> Placed:
        return self.body.placed.cut(found[0].start, found[-1].end)

    def _add(self, placed: Placed) -> None:
        self.result.pieces.append(self._piece(placed))

    def _piece(self, placed: Placed) -> Piece:
        dialect, table = self.body.dialect, self.row_table
        return Piece(placed=placed, dialect=dialect, body=True, row_table=table)
