"""Find SQL in values: YAML, JSON, TOML and properties, cells of notebooks, and XML of MyBatis."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from membership_refactor.scan.parse.piece import HOLE, Harvest, Placed, joined
from membership_refactor.scan.read.grammars import DATA, KINDS, below, grammar, masked
from membership_refactor.scan.read.program_file import WORTH, program_pieces
from membership_refactor.scan.read.program_texts import Texts
from membership_refactor.scan.read.sql_file import (
    Text,
    embedded_pieces,
    sql_pieces,
    starts_like_sql,
)
from membership_refactor.scan.resolve.tables_as_spelled import Interest

if TYPE_CHECKING:
    from tree_sitter import Node

_SHELL = re.compile(r"\b(?:psql|mysql|sqlcmd|sqlite3|bash|sh|run)\b|^#!")
_MAGIC = re.compile(r"^[ \t]*[%!][ \t%!]*(.*)$", re.M)
_CELL = re.compile(r"\A\s*%%(\w+)[^\n]*\n?")


def data_pieces(placed: Placed, format_: str, dialect: str, interest: Interest) -> Harvest:
    """Find the SQL in the values of a file of data. Raises NoGrammar."""
    if format_ == "xml":
        return _Reader(placed, dialect, interest).harvest
    if format_ == "notebook":
        return _notebook(placed, dialect, interest)
    texts = Texts(placed, grammar(format_))
    harvest = Harvest(
        passed=[placed.span(comment) for comment in texts.comments], broken=texts.root.has_error
    )
    for value in _values(texts, interest):
        harvest.add(embedded_pieces(Text([value], escape=""), dialect, interest))
        shell = format_ == "yaml" and not starts_like_sql(value.text) and _SHELL.search(value.text)
        if shell and any(interest.in_text(value.text)):
            harvest.add(program_pieces(value, "bash", dialect, interest))
    return harvest


def _notebook(placed: Placed, dialect: str, interest: Interest) -> Harvest:
    """Find the SQL in the cells of a notebook. What the cells put out is passed over."""
    texts = Texts(placed, grammar("json"))
    harvest = Harvest(broken=texts.root.has_error)
    language = _kernel(placed.text)
    for node in (one for one in below(texts.root) if one.type == "object"):
        pairs = (child.named_children for child in node.named_children if child.type == "pair")
        fields = {texts.code[slice(*p[0].byte_range)].strip('"'): p[-1] for p in pairs}
        for name in ("outputs", "metadata"):
            if name in fields:
                harvest.passed.append(placed.span(fields[name].byte_range))
        kind, source = fields.get("cell_type"), fields.get("source")
        if kind is None or source is None:
            continue
        if "code" not in placed.text[kind.start_byte : kind.end_byte]:
            harvest.passed.append(placed.span(source.byte_range))
            continue
        lines = source.named_children if source.type == "array" else [source]
        cell = joined([part for line in lines for part in texts.literals.parts(line)])
        harvest.add(_cell(cell, language, dialect, interest))
    return harvest


def _cell(cell: Placed, language: str, dialect: str, interest: Interest) -> Harvest:
    magic = _CELL.match(cell.text)
    if magic is not None:
        rest = cell.cut(magic.end(), len(cell.text))
        if "sql" in magic[1].lower():
            return sql_pieces(rest, dialect)
        language = {"bash": "bash", "sh": "bash", "R": "r"}.get(magic[1], language)
        cell = rest
    lines = list(_MAGIC.finditer(cell.text)) if language == "python" else []
    blank = cell.replaced([(*line.span(), " " * len(line[0])) for line in lines])
    harvest = program_pieces(blank, language, dialect, interest)
    for command in (cell.cut(*line.span(1)) for line in lines):
        if command.text.lower().startswith("sql"):
            text = Text([command.cut(3, len(command.text))])
            harvest.add(embedded_pieces(text, dialect, interest))
        else:
            harvest.add(program_pieces(command, "bash", dialect, interest))
    return harvest


def _kernel(text: str) -> str:
    """The language of a notebook."""
    try:
        name = str(json.loads(text)["metadata"]["kernelspec"]["language"]).lower()
    except (ValueError, KeyError, TypeError, RecursionError):
        return "python"
    return name if name in {*KINDS.values()} - {*DATA, "sql"} else "python"


def _values(texts: Texts, interest: Interest) -> list[Placed]:
    """Every value; the elements of a list as one, where they are the lines of a statement."""
    found: list[Placed] = []
    taken: set[int] = set()
    for node in sorted(texts.texts, key=lambda n: n.start_byte):
        parent = node.parent
        start, end = node.start_byte, node.end_byte
        worth = WORTH.search(texts.code, start, end) or interest.named(texts.code, start, end)
        if start in taken or not (worth or (parent is not None and parent.type == "array")):
            continue
        value = joined(texts.literals.parts(node))
        if parent is not None and parent.type == "array" and starts_like_sql(value.text):
            lines = [child for child in parent.named_children if child.type == node.type]
            taken.update(line.start_byte for line in lines)
            value = joined(texts.parts(lines, between="\n") or [])
        found.append(value)
    return found


_KEYWORDS = {"where": "WHERE ", "set": "SET "}
_TOO_MUCH = re.compile(r"\A\s*(?:AND|OR)\b|,\s*\Z", re.I)
_ENTITY = re.compile(r"&(?:#\w+|\w+);")


class _Reader:
    def __init__(self, placed: Placed, dialect: str, interest: Interest) -> None:
        self.placed, self.dialect, self.interest = placed, dialect, interest
        root, _ = grammar("xml").parsed(masked(placed.text))
        self.harvest = Harvest(broken=root.has_error)
        self.parts: dict[str, Node] = {}
        """The parts of statements that are included by their id."""
        self.included: set[str] = set()
        for node in below(root):
            name, attributes = self._head(node) if node.type == "element" else ("", {})
            if name == "sql" and "id" in attributes:
                self.parts.setdefault(attributes["id"], node)
            elif node.type == "Comment":
                self.harvest.passed.append(node.byte_range)
            elif node.type == "AttValue":
                self._take([self._text(node.start_byte + 1, node.end_byte - 1)])
        self._read(root)
        for name, node in self.parts.items():
            if name not in self.included:
                self._take(list(self._content(node)))

    def _read(self, node: Node) -> None:
        """Take an element as one statement if it is one, or else what is inside of it."""
        inside = node.named_children
        if node.type == "element":
            if node in self.parts.values():
                return
            parts, inside = list(self._content(node)), self._inside(node)
            if starts_like_sql(joined(parts).text) or not any(c.type == "element" for c in inside):
                self._take(parts)
                return
            self._take([p for c in inside if c.type != "element" for p in self._piece(c)])
        for child in inside:
            self._read(child)

    def _take(self, parts: list[Placed]) -> None:
        self.harvest.add(embedded_pieces(Text(parts, escape=""), self.dialect, self.interest))

    def _content(self, node: Node) -> Iterator[Placed]:
        """Yield the text of an element, with that of the elements inside."""
        name, attributes = self._head(node)
        at = self.placed.place(node.start_byte)
        if name == "include" and "refid" in attributes:
            part = attributes["refid"].rsplit(".", 1)[-1]
            self.included.add(part)
            if part in self.parts:
                yield from self._content(self.parts[part])
            else:
                yield Placed.made(f" {HOLE} ", at)
            return
        before = _KEYWORDS.get(name) or attributes.get("prefix") or attributes.get("open", "")
        yield Placed.made(f" {before} ", at)
        inside = [part for child in self._inside(node) for part in self._piece(child)]
        if inside and name in ("where", "set", "trim"):
            # MyBatis takes off what is too much at the ends.
            whole = joined(inside)
            inside = [whole.replaced([(*m.span(), " ") for m in _TOO_MUCH.finditer(whole.text)])]
        yield from inside
        yield Placed.made(f" {attributes.get('close', '')} ", at)

    def _piece(self, child: Node) -> Iterator[Placed]:
        start, end = child.start_byte, child.end_byte
        if child.type == "element":
            yield from self._content(child)
        elif child.type == "CDSect":
            yield self.placed.cut(start + len("<![CDATA["), end - len("]]>"))
        elif child.type in ("CharData", "EntityRef", "CharRef"):
            yield self._text(start, end)

    def _text(self, start: int, end: int) -> Placed:
        cut = self.placed.cut(start, end)
        return cut.replaced([(*m.span(), html.unescape(m[0])) for m in _ENTITY.finditer(cut.text)])

    def _inside(self, node: Node) -> list[Node]:
        return [c for part in node.named_children if part.type == "content"
                for c in part.named_children]  # fmt: skip

    def _head(self, node: Node) -> tuple[str, dict[str, str]]:
        """The name and the attributes of an element."""
        name, attributes, text = "", {}, self.placed.text
        for one in node.named_children[0].named_children:
            parts = [text[slice(*part.byte_range)] for part in one.named_children]
            if one.type == "Name":
                name = text[slice(*one.byte_range)]
            elif one.type == "Attribute" and len(parts) == 2:
                attributes[parts[0]] = parts[1][1:-1]
        return name, attributes
