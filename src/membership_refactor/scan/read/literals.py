"""Read one literal of a program: where its text stands, its escapes, and what is put in."""

from __future__ import annotations

import contextlib
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from membership_refactor.scan.parse.piece import Placed
from membership_refactor.scan.read.grammars import WHOLE, is_content, is_hole

if TYPE_CHECKING:
    from tree_sitter import Node

HOLE = "{hole}"
"""What stands for an expression of the program."""

_OPEN = re.compile(r"""[A-Za-z]*[$@#]*(?P<quote>(?<=@)["']\n|"{3,}|'{3}|["'`]|\[=*\[|[({])""")
ESCAPE = re.compile(
    r"\\(?:\r?\n|N\{[^}]*\}|x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}"
    r"|[0-7]{1,3}|.)",
    re.S,
)
_CODE = re.compile(r"\\(?:x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "s": " ",
            "\n": "", "\r": ""}  # fmt: skip

Mark = tuple[int, int, list[Placed]]
"""What stands between two places of the program, and what it means."""


class Literals:
    """Reads the literals of one program.

    ``constant`` gives the text that a name stands for, or None. ``escapes`` says whether the
    grammar names the escapes in a text.
    """

    def __init__(
        self,
        placed: Placed,
        code: str,
        constant: Callable[[str, Node], list[Placed] | None],
        *,
        escapes: bool,
    ) -> None:
        self.placed, self.code, self.constant, self.escapes = placed, code, constant, escapes

    def parts(self, node: Node) -> list[Placed]:
        """The text of a literal, with its escapes resolved and its constants put in."""
        start, end, raw = self._body(node)
        marks = list(self._marks(node, start, end))
        if not self.escapes and not raw:
            marks += self._escapes(start, end, marks)
        if not node.named_child_count and (quote := self.code[end : end + 1]) in ("'", '"'):
            # Some grammars take several literals in a row for one.
            between = re.finditer(rf"(?<!\\){quote}\s+{quote}", self.code[start:end])
            marks += [(start + m.start(), start + m.end(), []) for m in between]
        parts: list[Placed] = []
        last = start
        for first, stop, made in sorted(marks, key=lambda mark: mark[:2]):
            if first >= last:
                parts += [self.placed.cut(last, first), *made]
                last = stop
        return [*parts, self.placed.cut(last, max(last, end))]

    def _body(self, node: Node) -> tuple[int, int, bool]:
        """Where the text begins and ends, and whether it has no escapes."""
        start, end, code = node.start_byte, node.end_byte, self.code
        children = node.children
        if node.type in WHOLE:
            if children and children[-1].type.endswith("_end"):
                end = children[-1].start_byte
            if node.type == "block_scalar":
                newline = code.find("\n", start, end)
                start = newline + 1 if newline >= 0 else end
            return start, end, node.type != "value"
        inside = [c for c in children if is_content(c.type) or is_hole(c.type)
                  or c.type.startswith("escape")]  # fmt: skip
        if any(is_content(child.type) for child in inside):
            first, last = self._span(inside[0]), self._span(inside[-1])
            begin, stop = first[0], last[1]
            while begin > start + 1 and code[begin - 1].isspace():
                begin -= 1  # some grammars leave blanks at the border out
            while stop < end - 1 and code[stop].isspace():
                stop += 1
            return begin, stop, "raw" in node.type or "nowdoc" in node.type
        match = _OPEN.match(code, start, end)
        if match is None:
            return start, end, True
        quote = match["quote"]
        if quote[1:] == "\n":  # a text of PowerShell over several lines
            return match.end(), max(match.end(), end - 2), True
        closes = len(quote) if len(quote) < 3 or code.endswith(quote, start, end) else 0
        raw = quote in ("`", "'''") or "@" in match[0] or "r" in match[0][: -len(quote)].lower()
        return match.end(), max(match.end(), end - closes), raw or len(quote) > 2

    def _span(self, node: Node) -> tuple[int, int]:
        """A hole with the signs around it that belong to it."""
        start, end = node.start_byte, node.end_byte
        if not is_hole(node.type):
            return start, end
        code = self.code
        for opening, closing in ("{}", "()"):
            if start and code[start - 1] == opening and code[end : end + 1] == closing:
                start, end = start - 1, end + 1
                if code[start - 1] == "\\":
                    start -= 1
        while start and code[start - 1] in "$#" and code[start] != "$":
            start -= 1
        return start, end

    def _marks(self, node: Node, start: int, end: int) -> Iterator[Mark]:
        for child in node.children:
            if child.end_byte <= start or child.start_byte >= end:
                continue
            kind = child.type
            if kind.startswith("escape"):
                first, last = child.start_byte, child.end_byte
                if last == first + 2 and (whole := _CODE.match(self.code, first)):
                    last = whole.end()  # some grammars end this escape behind its letter
                yield self._unescaped(first, last)
            elif is_hole(kind):
                first, last = self._span(child)
                name = self.code[first:last].strip("${}@#() ")
                parts = self.constant(name, child) if name.isidentifier() else None
                yield (
                    first,
                    last,
                    [Placed.made(HOLE, self.placed.place(child.start_byte))]
                    if parts is None
                    else parts,
                )
            elif child.child_count:
                yield from self._marks(child, start, end)

    def _escapes(self, start: int, end: int, marks: list[Mark]) -> list[Mark]:
        borders = [start, *itertools.chain.from_iterable((a, b) for a, b, _ in marks), end]
        return [
            self._unescaped(*match.span())
            for first, last in zip(borders[::2], borders[1::2], strict=True)
            for match in ESCAPE.finditer(self.code, first, last)
        ]

    def _unescaped(self, start: int, end: int) -> Mark:
        new = unescaped(self.placed.text[start:end])
        return start, end, [Placed.made(new, self.placed.place(start))]


def unescaped(written: str) -> str:
    """What an escape stands for."""
    if written in ("{{", "}}", "''", '""'):
        return written[0]
    if written[1:3] == "N{":
        with contextlib.suppress(KeyError):
            return unicodedata.lookup(written[3:-1])
    code = written[1:].strip("{}uxU")
    if written[1:2] in "xuU" and code:
        return chr(min(int(code, 16), 0x10FFFF))
    if written[1:2].isdigit():
        return chr(int(written[1:], 8)) if set(written[1:]) <= set("01234567") else written[1:]
    return _ESCAPES.get(written[1:].replace("\r\n", "\n"), written[1:])
