"""Find SQL in Java: strings and text blocks, constants, append chains and @Query."""

from __future__ import annotations

import re

from membership_refactor.scan.parse.placed_text import Placed, joined
from membership_refactor.scan.parse.tokens import Token, closing
from membership_refactor.scan.read.embedded_sql import HOLE, Text, embedded_pieces
from membership_refactor.scan.read.harvest import Harvest
from membership_refactor.scan.read.jpql import prepared
from membership_refactor.scan.read.string_literals import decoded, without_indentation
from membership_refactor.scan.resolve.interest import Interest

_TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))|(?P<block>"""(?:[^\\]|\\.)*?(?:"""|\Z))'
    r'|(?P<string>"(?:[^"\\\n]|\\.)*(?:"|$))|(?P<char>\'(?:[^\'\\\n]|\\.)*(?:\'|$))'
    r"|(?P<word>[^\W\d][\w$]*)|(?P<number>\d[\w.]*)|(?P<space>\s+)|(?P<punct>\+=|.)",
    re.S | re.M,
)
_JPQL_CALLS = {"Query", "NamedQuery", "createQuery"}


def java_pieces(placed: Placed, dialect: str, interest: Interest) -> Harvest:
    """Find the SQL and JPQL strings of a Java file."""
    reader = _Reader(placed.text)
    harvest = Harvest()
    for text in reader.texts():
        if text.dialect == "jpql":
            text.parts = [prepared(joined(text.parts))]
        harvest.add(embedded_pieces(text, dialect, interest))
    return harvest


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.found = [
            Token(match.lastgroup or "punct", match.start(), match.end(), match[0])
            for match in _TOKEN.finditer(text)
            if match.lastgroup not in ("space", "comment")
        ]
        self.constants: dict[str, list[Placed]] = {}
        self._read_constants()

    def texts(self) -> list[Text]:
        result: list[Text] = []
        growing: dict[str, Text] = {}
        since: dict[str, int] = {}
        depth = 0
        calls: list[tuple[str, int]] = []
        at = 0
        while at < len(self.found):
            token = self.found[at]
            if token.text == "(":
                name = self.found[at - 1].text if at and self.found[at - 1].kind == "word" else ""
                calls.append((name, at))
            elif token.text == ")" and calls:
                calls.pop()
            if token.text in "{};" and token.kind == "punct":
                calls.clear()
                depth += (token.text == "{") - (token.text == "}")
                # A variable lives as long as the block that declares it.
                growing = {k: v for k, v in growing.items() if since[k] <= depth}
            starts = token.kind in ("string", "block") or (
                token.kind == "word" and token.text in self.constants and self._plus(at + 1)
            )
            appended = self._appended(at, calls)
            if appended and not starts and self._receiver(at, calls)[0] in growing:
                starts = True
            if not starts or self._declares(at):
                at += 1
                continue
            parts, end = self._expression(at)
            dialect = self._language(calls)
            escape = "" if token.kind == "block" else '"'
            receiver, continues = self._receiver(at, calls)
            if continues and receiver in growing:
                growing[receiver].parts.extend(parts)
            else:
                text = Text(parts, dialect, escape)
                result.append(text)
                if receiver:
                    growing[receiver] = text
                    since[receiver] = depth
            at = max(end, at + 1)
        return result

    def _appended(self, at: int, calls: list[tuple[str, int]]) -> bool:
        """Whether this is the first token of what is appended to a text."""
        return bool(calls) and calls[-1][0] == "append" and calls[-1][1] == at - 1

    def _declares(self, at: int) -> bool:
        return (
            self.found[at].kind == "word"
            and at + 1 < len(self.found)
            and self.found[at + 1].text == "="
        )

    def _receiver(self, at: int, calls: list[tuple[str, int]]) -> tuple[str, bool]:
        """The variable that gets a text, and whether the text is added to what it holds."""
        before = self.found[at - 1].text if at else ""
        if before == "+=" and at >= 2:
            return self.found[at - 2].text, True
        if before == "=" and at >= 2:
            return self.found[at - 2].text, False
        if calls and calls[-1][0] == "append":
            return self._chain(calls[-1][1] - 1), True
        if calls and calls[-1][0] in ("StringBuilder", "StringBuffer"):
            opening = calls[-1][1]
            if opening >= 4 and self.found[opening - 3].text == "=":
                return self.found[opening - 4].text, False
        return "", False

    def _chain(self, at: int) -> str:
        """The name at the head of ``sb.append("…").append(x).append("…")``."""
        at -= 1
        while at > 0 and self.found[at].text == ".":
            at -= 1
            if self.found[at].text == ")":
                depth = 0
                while at >= 0:
                    depth += self.found[at].text == ")"
                    depth -= self.found[at].text == "("
                    at -= 1
                    if depth == 0:
                        break
                if self.found[at].text in ("StringBuilder", "StringBuffer") and at >= 3:
                    return self.found[at - 3].text
                at -= 1
        at += self.found[at].kind != "word"
        return self.found[at].text if at < len(self.found) else ""

    def _language(self, calls: list[tuple[str, int]]) -> str:
        for name, opening in reversed(calls):
            if name == "Query":
                return "" if self._native(opening) else "jpql"
            if name in _JPQL_CALLS:
                return "jpql"
            if name in ("createNativeQuery", "NamedNativeQuery"):
                return ""
        return ""

    def _native(self, opening: int) -> bool:
        for index in range(opening, closing(self.found, opening)):
            if self.found[index].text == "nativeQuery":
                return self.found[index + 2].text == "true"
        return False

    def _plus(self, at: int) -> bool:
        return at < len(self.found) and self.found[at].text == "+"

    def _expression(self, at: int) -> tuple[list[Placed], int]:
        parts: list[Placed] = []
        while at < len(self.found):
            token = self.found[at]
            if token.kind in ("string", "block"):
                parts.append(self._literal(token))
                at += 1
            elif token.kind == "word" and token.text in self.constants:
                parts += self.constants[token.text]
                at += 1
            else:
                parts.append(Placed.made(HOLE, token.start))
                at = self._operand_end(at)
            at = self._suffix_end(at)
            if not self._plus(at):
                break
            at += 1
        return parts, at

    def _suffix_end(self, at: int) -> int:
        """Skip calls on a literal, such as ``.formatted(x)`` and ``.strip()``: the text stays."""
        while (
            at + 2 < len(self.found)
            and self.found[at].text == "."
            and self.found[at + 2].text == "("
        ):
            at = closing(self.found, at + 2) + 1
        return at

    def _operand_end(self, at: int) -> int:
        depth = 0
        while at < len(self.found):
            text = self.found[at].text
            if depth == 0 and (text in "+,;" or text == ")"):
                return at
            depth += text in "(["
            depth -= text in ")]"
            at += 1
        return at

    def _literal(self, token: Token) -> Placed:
        if token.kind == "block":
            end = token.end - 3 if token.text.endswith('"""') else token.end
            return without_indentation(self.text, token.start + 3, end)
        end = token.end - 1 if token.text.endswith('"') and len(token.text) > 1 else token.end
        return decoded(self.text, token.start + 1, end)

    def _read_constants(self) -> None:
        for at in range(len(self.found) - 3):
            if (
                self.found[at].text in ("String", "var", "val")
                and self.found[at + 1].kind == "word"
                and self.found[at + 2].text == "="
            ):
                follows = self.found[at + 3]
                if follows.kind in ("string", "block") or follows.text in self.constants:
                    parts, _ = self._expression(at + 3)
                    self.constants[self.found[at + 1].text] = parts
