"""Procedural: control words taken off, so that what a body runs can be parsed."""

from __future__ import annotations

from membership_refactor.scan.findings.values import Look
from membership_refactor.scan.parse.placed_text import Placed, joined
from membership_refactor.scan.parse.tokens import Token, closing, significant
from membership_refactor.scan.parse.wrappers import made
from membership_refactor.scan.read.piece import Harvest, Piece

_STATEMENTS = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "REPLACE", "TRUNCATE", "CREATE",
    "ALTER", "DROP", "TABLE", "VALUES", "CALL", "LOCK", "GRANT", "COPY",
}  # fmt: skip
_DROPPED = {"BEGIN", "LOOP", "ELSE", "REPEAT", "THEN", "EXCEPTION", "ATOMIC", "DO", "DECLARE"}
_CONDITIONS = {
    "IF": {"THEN"}, "ELSIF": {"THEN"}, "ELSEIF": {"THEN"}, "WHILE": {"LOOP", "DO"},
    "UNTIL": {"END", ";"}, "WHEN": {"THEN"}, "CASE": {"WHEN"}, "EXIT": {";"}, "CONTINUE": {";"},
}  # fmt: skip
_NOTHING = {"END", "FETCH", "CLOSE", "LEAVE", "ITERATE", "NULL", "GET", "COMMIT", "ROLLBACK",
            "SAVEPOINT", "START", "SIGNAL", "RESIGNAL", "DEALLOCATE"}  # fmt: skip
_AFTER_INTO = {
    "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "FOR", "WINDOW", "FETCH",
    "OFFSET", "EXCEPT", "INTERSECT", "JOIN",
}  # fmt: skip


class Cutter:
    """Cuts one body."""

    def __init__(
        self, body: Placed, dialect: str, *, row_table: str, row_sure: bool, plain: bool
    ) -> None:
        self.body, self.dialect, self.plain = body, dialect, plain
        self.row_table, self.row_sure = row_table, row_sure
        self.result = Harvest()

    def harvest(self) -> Harvest:
        segment: list[Token] = []
        for token in significant(self.body.text, self.dialect):
            if token.text == ";":
                self._segment(segment)
                segment = []
            else:
                segment.append(token)
        self._segment(segment)
        return self.result

    def _segment(self, found: list[Token]) -> None:
        while found:
            self._row_types(found)
            head = found[0]
            word = head.word
            if word in _STATEMENTS or self.plain:
                if word == "RETURN":
                    self._select(found[1:])
                elif word not in ("END", "BEGIN"):
                    self._statement(found)
                return
            if len(found) > 2 and head.text == "<" and found[1].text == "<":
                found = found[found.index(next(t for t in found if t.text == ">")) + 2 :]
                continue
            if head.kind == "hole" or (
                len(found) > 1 and head.kind == "word" and found[1].text == ":"
            ):
                found = found[1:] if head.kind == "hole" else found[2:]
                continue
            if word == "DECLARE" and self._declares(found):
                return
            if word in _NOTHING and word != "GET":
                found = found[1:] if word == "END" and self._follows_end(found) else []
                continue
            if word in _CONDITIONS:
                found = self._condition(found, _CONDITIONS[word])
                continue
            if word in ("FOR", "FOREACH"):
                found = self._loop(found)
                continue
            if word in _DROPPED:
                found = found[1:]
                continue
            self._simple(found)
            return

    @staticmethod
    def _follows_end(found: list[Token]) -> bool:
        return len(found) > 1 and found[1].word in _STATEMENTS

    def _simple(self, found: list[Token]) -> None:
        word = found[0].word
        texts = [token.text for token in found]
        if "CURSOR" in [token.word for token in found[1:3]]:
            self._declares(found)
        elif word == "PERFORM":
            self._select(found[1:])
        elif word == "RETURN":
            rest = found[1:]
            while rest and rest[0].word in ("NEXT", "QUERY"):
                rest = rest[1:]
            if rest and rest[0].word == "EXECUTE":
                self._execute(rest)
            elif rest and rest[0].word in _STATEMENTS:
                self._statement(rest)
            elif rest:
                self._select(rest)
        elif word in ("EXECUTE", "PREPARE"):
            self._execute(found)
        elif word == "OPEN" and "FOR" in [token.word for token in found]:
            at = [token.word for token in found].index("FOR")
            rest = found[at + 1 :]
            if rest and rest[0].word == "EXECUTE":
                self._execute(rest)
            else:
                self._statement(rest)
        elif word == "RAISE":
            commas = [i for i, token in enumerate(found) if token.text == ","]
            if commas:
                self._select(found[commas[0] + 1 :])
        elif word == "SET" or ":=" in texts or "=" in texts:
            self._assignment(found[1:] if word == "SET" else found)
        elif "DEFAULT" in [token.word for token in found]:
            at = [token.word for token in found].index("DEFAULT")
            self._select(found[at + 1 :])

    def _assignment(self, found: list[Token]) -> None:
        at = next((i for i, t in enumerate(found) if t.text in (":=", "=")), None)
        if at is None or at + 1 >= len(found):
            return
        target = found[:at]
        if len(target) == 3 and target[1].text == "." and target[0].word in ("NEW", "OLD"):
            place = self._cut(target)
            head = made("SELECT ", place, 0)
            self._add(joined([head, place]), assigns=True)
        self._select(found[at + 1 :])

    def _condition(self, found: list[Token], ends: set[str]) -> list[Token]:
        depth = cases = 0
        for index in range(1, len(found)):
            token = found[index]
            depth += token.text == "("
            depth -= token.text == ")"
            if token.word == "CASE":
                cases += 1
            elif token.word == "END" and cases:
                cases -= 1
            elif depth == 0 and cases == 0 and token.word in ends:
                if index > 1:
                    self._select(found[1:index])
                keep = token.word == "WHEN"
                return found[index if keep else index + 1 :]
        if len(found) > 1 and found[0].word not in ("CASE", "EXIT", "CONTINUE"):
            self._select(found[1:])
        return []

    def _loop(self, found: list[Token]) -> list[Token]:
        words = [token.word for token in found]
        if "LOOP" not in words and "DO" not in words:
            return []
        end = words.index("LOOP") if "LOOP" in words else words.index("DO")
        if "IN" in words[:end]:
            inner = found[words.index("IN") + 1 : end]
            if inner and inner[0].text == "(" and closing(inner, 0) == len(inner) - 1:
                inner = inner[1:-1]
            if inner and inner[0].word == "EXECUTE":
                self._execute(inner)
            elif inner and inner[0].word in _STATEMENTS:
                self._statement(inner)
            elif inner and ".." not in "".join(token.text for token in inner):
                self._select(inner)
        return found[end + 1 :]

    def _declares(self, found: list[Token]) -> bool:
        """MySQL's declarations are one statement each; PostgreSQL's word opens a section."""
        words = [token.word for token in found]
        if "HANDLER" in words:
            for index, word in enumerate(words):
                if index > words.index("HANDLER") and word in (_STATEMENTS | {"BEGIN", "SET"}):
                    self._segment(found[index:])
                    break
            return True
        if "CURSOR" in words:
            after = words.index("CURSOR")
            for index in range(after, len(words)):
                if words[index] in ("FOR", "IS"):
                    self._statement(found[index + 1 :])
                    break
            return True
        return False

    def _execute(self, found: list[Token]) -> None:
        rest = found[1:]
        strings = [token for token in rest if token.kind in ("string", "dollar")]
        dynamic = len(rest) != 1
        for word in ("INTO", "USING"):
            position = next((i for i, t in enumerate(rest) if t.word == word), None)
            if position == 1:
                dynamic = False
        for token in strings:
            skip = token.text.index("$", 1) + 1 if token.kind == "dollar" else 1
            inner = self.body.cut(token.start + skip, token.end - skip)
            self._add(inner, fragment=dynamic)
        if dynamic or not strings:
            text = self._cut(found).text[:60]
            self.result.remarks.append(
                (self.body.place(found[0].start), Look.DYNAMIC, f"built at run time: {text}")
            )

    def _row_types(self, found: list[Token]) -> None:
        """``wide.a%TYPE`` and ``wide%ROWTYPE`` break when the column or table goes."""
        for index in range(1, len(found) - 1):
            if found[index].text != "%":
                continue
            kind = found[index + 1].word
            if kind == "TYPE" and index >= 3 and found[index - 2].text == ".":
                column, table = self._cut([found[index - 1]]), self._cut([found[index - 3]])
                self._add(
                    joined([made("SELECT ", column, 0), column, made(" FROM ", column, 0), table]),
                    editable=False,
                )
            elif kind == "ROWTYPE":
                table = self._cut([found[index - 1]])
                self._add(joined([made("SELECT * FROM ", table, 0), table]), editable=False)

    def _select(self, found: list[Token]) -> None:
        if found:
            inner = self._without_into(found)
            self._add(joined([made("SELECT ", inner, 0), inner]))

    def _statement(self, found: list[Token]) -> None:
        if found:
            self._add(self._without_into(found))

    def _without_into(self, found: list[Token]) -> Placed:
        """SELECT … INTO v1, v2 FROM: the list of variables blanked, every length kept."""
        placed = self._cut(found)
        if found[0].word in ("INSERT", "MERGE", "REPLACE", "CREATE") or self.plain:
            return placed
        depth = 0
        for index, token in enumerate(found):
            depth += token.text == "("
            depth -= token.text == ")"
            if token.word == "INTO" and depth == 0 and index:
                if found[index - 1].word in ("INSERT", "REPLACE", "MERGE"):
                    continue
                end = next(
                    (i for i in range(index + 1, len(found)) if found[i].word in _AFTER_INTO),
                    len(found),
                )
                end = self._strict_end(found, index, end)
                start, stop = token.start - found[0].start, found[end - 1].end - found[0].start
                return placed.replaced([(start, stop, " " * (stop - start))])
        return placed

    @staticmethod
    def _strict_end(found: list[Token], into: int, end: int) -> int:
        """PL/pgSQL also takes INTO before the list: ``SELECT INTO v a FROM``."""
        if into and found[into - 1].word == "SELECT":
            at = into + 1
            if at < end and found[at].word == "STRICT":
                at += 1
            at += 1
            while at + 1 < end and found[at].text == ",":
                at += 2
            return at
        return end

    def _cut(self, found: list[Token]) -> Placed:
        return self.body.cut(found[0].start, found[-1].end)

    def _add(
        self,
        placed: Placed,
        *,
        fragment: bool = False,
        assigns: bool = False,
        editable: bool = True,
    ) -> None:
        self.result.pieces.append(
            Piece(
                placed=placed,
                dialect=self.dialect,
                host="body",
                row_table=self.row_table,
                row_sure=self.row_sure,
                fragment=fragment,
                assigns=assigns,
                editable=editable,
            )
        )
