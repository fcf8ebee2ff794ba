"""Find SQL in Python: strings put together by +, %, format, f-strings and ``sql += …``."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from membership_refactor.scan.findings.values import Look
from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.read.embedded_sql import HOLE, Text, embedded_pieces
from membership_refactor.scan.read.harvest import Harvest
from membership_refactor.scan.read.string_literals import decoded
from membership_refactor.scan.resolve.interest import Interest

_LITERAL = re.compile(
    r"""(?P<prefix>[rRbBuUfFtT]{0,3})(?P<quote>\"{3}|'{3}|"|')""",
)


def python_pieces(placed: Placed, dialect: str, interest: Interest) -> Harvest:
    """Find the SQL strings of a Python file."""
    harvest = Harvest()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in other people's strings
            tree = ast.parse(placed.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or type(error).__name__
        starts = _line_starts(placed.text)
        line = min(getattr(error, "lineno", None) or 1, len(starts) - 1)
        harvest.remarks.append(
            (starts[line - 1], Look.UNPARSED, f"Python cannot parse this file: {reason}")
        )
        return harvest
    reader = _Reader(placed.text)
    reader.visit(tree)
    for text in reader.texts:
        harvest.add(embedded_pieces(text, dialect, interest))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.lower() in interest.going:
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner.lower() in interest.tables or owner.lower() in interest.entities:
                offset = reader.offset(node.lineno, node.col_offset)
                harvest.remarks.append(
                    (offset, Look.ENTITY, f"{owner}.{node.attr} is an attribute of a mapped class")
                )
    return harvest


def _line_starts(text: str) -> list[int]:
    """Where each line starts, as Python counts lines, and where the text ends."""
    # str.splitlines also splits at form feeds, U+2028 and the like, where Python does not.
    return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text)), len(text)]


class _Reader(ast.NodeVisitor):
    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = _line_starts(text)
        self.ascii = text.isascii()
        self.texts: list[Text] = []
        self.constants: dict[str, ast.expr] = {}
        self.growing: list[dict[str, Text]] = [{}]
        self._inlined: set[str] = set()

    def offset(self, line: int, column: int) -> int:
        """The offset in the text. ast counts columns in UTF-8 bytes."""
        start, end = self.starts[line - 1 : line + 1]
        if self.ascii:
            return start + column
        return start + len(self.text[start:end].encode()[:column].decode())

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.growing.append({})
        self.generic_visit(node)
        self.growing.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assign(node.targets, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assign([node.target], node.value)

    def _assign(self, targets: list[ast.expr], value: ast.expr) -> None:
        before = len(self.texts)
        self.visit(value)
        name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""
        if name and self._is_text(value):
            if name not in self.constants:
                self.constants[name] = value
            if len(self.texts) > before:
                self.growing[-1][name] = self.texts[before]

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        name = node.target.id if isinstance(node.target, ast.Name) else ""
        grown = self.growing[-1].get(name)
        if grown is None or not isinstance(node.op, ast.Add):
            self.visit(node.value)
            return
        grown.parts.extend(self._fold(node.value))

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._emit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._emit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, (ast.Add, ast.Mod)) and self._is_text(node):
            self._emit(node)
            if isinstance(node.op, ast.Mod):
                self.visit(node.right)
        else:
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if self._is_format(node):
            self._emit(node)
            for value in (*node.args, *(keyword.value for keyword in node.keywords)):
                self.visit(value)
        else:
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            self.visit(node.value)  # a docstring is no statement

    def _emit(self, node: ast.expr) -> None:
        parts = list(self._fold(node))
        if parts:
            self.texts.append(Text(parts))

    @staticmethod
    def _is_format(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("format", "format_map", "strip", "lstrip", "rstrip", "replace")
            and isinstance(node.func.value, (ast.Constant, ast.JoinedStr, ast.BinOp))
        )

    def _is_text(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Constant):
            return isinstance(node.value, str)
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Mod):
                return self._is_text(node.left)
            return self._is_text(node.left) or self._is_text(node.right)
        if isinstance(node, ast.Name):
            return node.id in self.constants
        return isinstance(node, ast.JoinedStr) or self._is_format(node)

    def _fold(self, node: ast.expr) -> Iterator[Placed]:
        start = self.offset(node.lineno, node.col_offset)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            chain: list[ast.expr] = []
            at: ast.expr = node
            while isinstance(at, ast.BinOp) and isinstance(at.op, ast.Add):
                chain.append(at.right)
                at = at.left
            for item in (at, *reversed(chain)):
                yield from self._fold(item)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            yield from self._fold(node.left)
        elif isinstance(node, ast.Call) and self._is_format(node):
            assert isinstance(node.func, ast.Attribute)
            yield from self._fold(node.func.value)
        elif isinstance(node, ast.Name) and node.id in self.constants:
            if node.id not in self._inlined:
                self._inlined.add(node.id)
                yield from self._fold(self.constants[node.id])
                self._inlined.discard(node.id)
        elif isinstance(node, (ast.Constant, ast.JoinedStr)) and self._is_text(node):
            end = self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
            yield from self._literals(start, end)
        else:
            yield Placed.made(HOLE, start)

    def _literals(self, start: int, end: int) -> Iterator[Placed]:
        """Yield the decoded pieces of an implicit concatenation."""
        at = start
        while at < end:
            match = _LITERAL.search(self.text, at, end)
            if match is None:
                return
            comment = self.text.find("#", at, match.start())
            if comment >= 0:
                at = self.text.find("\n", comment) + 1 or end
                continue
            quote, prefix = match["quote"], match["prefix"].lower()
            close = _close(self.text, match.end(), end, quote)
            yield decoded(
                self.text,
                match.end(),
                close,
                raw="r" in prefix,
                fields="f" in prefix,
                constants=self._constant_text,
            )
            at = close + len(quote)

    def _constant_text(self, name: str) -> str | None:
        node = self.constants.get(name.strip())
        return (
            node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
        )


def _close(text: str, start: int, end: int, quote: str) -> int:
    at = start
    while at < end:
        if text[at] == "\\":
            at += 2
        elif text.startswith(quote, at):
            return at
        else:
            at += 1
    return end
