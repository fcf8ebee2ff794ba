"""Take the control words off a routine's body, so that the statements inside can be parsed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.consumers import Look
from membership_refactor.scan.parse.piece import Harvest, Piece, Placed, joined
from membership_refactor.scan.parse.tokens import SqlText, Token, closing

_STATEMENTS = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "REPLACE", "TRUNCATE", "CREATE",
    "ALTER", "DROP", "TABLE", "VALUES", "CALL", "LOCK", "GRANT", "COPY",
}  # fmt: skip
_CUTS = {"THEN", "ELSE", "WHEN", "END"}
"""Another statement or condition begins behind these, outside of CASE in an expression."""
_OPENS = {"BEGIN", "LOOP", "REPEAT", "EXCEPTION", "ATOMIC", "DO"}
"""So it does behind these, where they come first or end the head of a loop or a handler."""
_HEADS = {"FOR", "FOREACH", "WHILE", "DECLARE"}
_EXPRESSIONS = {"IF", "ELSIF", "ELSEIF", "WHILE", "UNTIL", "CASE", "EXIT", "CONTINUE", "PERFORM",
                "RETURN", "NEXT", "QUERY", "WHEN"}  # fmt: skip
"""Words before an expression or a statement."""
_NOTHING = {"FETCH", "CLOSE", "LEAVE", "ITERATE", "NULL", "COMMIT", "ROLLBACK", "SAVEPOINT",
            "START", "SIGNAL", "RESIGNAL", "DEALLOCATE"}  # fmt: skip
_AFTER_INTO = {
    "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "FOR", "WINDOW", "FETCH",
    "OFFSET", "EXCEPT", "INTERSECT", "JOIN",
}  # fmt: skip
_NEVER_INTO = {"INSERT", "MERGE", "REPLACE", "CREATE"}


def cut_body(body: Placed, dialect: str, *, row_table: str = "", plain: bool = False) -> Harvest:
    """Find the statements of a body. A body of ``plain`` SQL has no control words."""
    cutter = _Cutter(SqlText(body, dialect), row_table=row_table, plain=plain)
    for segment in _segments(cutter.body.tokens, plain=plain):
        cutter.segment(segment)
    return cutter.result


def _segments(found: list[Token], *, plain: bool) -> Iterator[list[Token]]:
    """Cut the tokens where another statement, or the condition of one, begins."""
    segment: list[Token] = []
    depth = cases = 0
    for token in [*found, Token("punct", -1, -1, ";")]:
        word, head = token.word, segment[0].word if segment else ""
        depth += (token.text == "(") - (token.text == ")")
        inside = depth > 0 or cases > 0 or head in _STATEMENTS or plain
        opens = word in _OPENS and (not segment or head in _HEADS)
        if not segment and token.kind == "hole":
            continue  # a label of PL/pgSQL
        if token.text == ";" or (not inside and (word in _CUTS or opens)):
            if segment:
                yield segment
            segment, depth, cases = [token] if word == "WHEN" else [], 0, 0
        elif token.text == ":" and len(segment) == 1 and not inside:
            segment = []  # a label of MySQL
        else:
            cases += (word == "CASE" and bool(segment)) - (word == "END" and cases > 0)
            segment.append(token)


def _index(found: list[Token], *words: str, start: int = 0) -> int:
    """The index of the first of the words, or the number of all tokens."""
    return next((i for i in range(start, len(found)) if found[i].word in words), len(found))


class _Cutter:
    def __init__(self, body: SqlText, *, row_table: str, plain: bool) -> None:
        self.body, self.row_table, self.plain = body, row_table, plain
        self.result = Harvest()

    def segment(self, found: list[Token]) -> None:
        """Read one statement, condition or declaration."""
        self._row_types(found)
        head = found[0].word
        if head in _STATEMENTS or (self.plain and head != "RETURN"):
            if head not in ("END", "BEGIN"):
                self._add(self._without_into(found))
            return
        given = head in _EXPRESSIONS
        found = list(itertools.dropwhile(lambda token: token.word in _EXPRESSIONS, found))
        if head == "DECLARE" and (handler := _index(found, "HANDLER")) < len(found):
            found = found[_index(found, *_STATEMENTS, "SET", start=handler + 1) :]
        elif (cursor := _index(found[:3], "CURSOR")) < len(found[:3]):
            found = found[_index(found, "FOR", "IS", start=cursor) + 1 :]
        elif head in ("FOR", "FOREACH", "OPEN"):
            given = head != "OPEN"
            found = found[_index(found, "IN" if given else "FOR") + 1 :]
            if found and found[0].text == "(" and closing(found, 0) == len(found) - 1:
                found = found[1:-1]
        elif head == "RAISE" and any(token.text == "," for token in found):
            given = True
            found = list(itertools.dropwhile(lambda token: token.text != ",", found))[1:]
        word, texts = found[0].word if found else "", [token.text for token in found]
        if word in ("EXECUTE", "PREPARE"):
            self._execute(found)
        elif word in _STATEMENTS and (not given or head in ("RETURN", "FOR")):
            self._add(self._without_into(found))
        elif word in _NOTHING or (head == "FOR" and ".." in "".join(texts)):
            return
        elif not given and (":=" in texts or "=" in texts):
            self._assignment(found[word == "SET" :])
        else:
            self._select(found if given else found[_index(found, "DEFAULT") + 1 :])

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

    def _execute(self, found: list[Token]) -> None:
        """Read EXECUTE: literal text is read, text that is put together is noted."""
        rest = found[1:]
        strings = [token for token in rest if token.kind in ("string", "dollar")]
        dynamic = len(rest) != 1 and 1 not in (_index(rest, "INTO"), _index(rest, "USING"))
        for token in strings:
            inner = self._piece(self.body.inside(token))
            self.result.pieces.append(replace(inner, fragment=dynamic))
        if dynamic or not strings:
            offset = self.body.placed.place(found[0].start)
            message = f"SQL that is put together at run time: {self._cut(found).text[:60]}"
            self.result.remarks.append((offset, Look.DYNAMIC, message))

    def _row_types(self, found: list[Token]) -> None:
        """Read ``wide.a%TYPE`` and ``wide%ROWTYPE``, which break when column or table goes."""
        for index in range(1, len(found) - 1):
            kind = found[index + 1].word if found[index].text == "%" else ""
            table = column = self._cut([found[index - 1]])
            if kind == "ROWTYPE":
                column = Placed.made("*", table.place(0))
            elif kind == "TYPE" and index >= 3 and found[index - 2].text == ".":
                table = self._cut([found[index - 3]])
            else:
                continue
            select, from_ = (Placed.made(text, column.place(0)) for text in ("SELECT ", " FROM "))
            read = self._piece(joined([select, column, from_, table]))
            self.result.pieces.append(replace(read, editable=False))

    def _select(self, found: list[Token]) -> None:
        if found:
            inner = self._without_into(found)
            self._add(joined([Placed.made("SELECT ", inner.place(0)), inner]))

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
                if before == "SELECT":  # PL/pgSQL: SELECT INTO v, w a FROM
                    last = index + 2 + (index + 1 < end and found[index + 1].word == "STRICT")
                    while last + 1 < end and found[last].text == ",":
                        last += 2
                    end = last
                start, stop = token.start - found[0].start, found[end - 1].end - found[0].start
                return placed.replaced([(start, stop, " " * (stop - start))])
        return placed

    def _cut(self, found: list[Token]) -> Placed:
        return self.body.placed.cut(found[0].start, found[-1].end)

    def _add(self, placed: Placed) -> None:
        self.result.pieces.append(self._piece(placed))

    def _piece(self, placed: Placed) -> Piece:
        dialect, table = self.body.dialect, self.row_table
        return Piece(placed=placed, dialect=dialect, body=True, row_table=table)
