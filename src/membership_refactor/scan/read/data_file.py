"""Find SQL in values: YAML, JSON, TOML and properties, and the cells of notebooks."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from membership_refactor.scan.parse.piece import Harvest, Placed, joined
from membership_refactor.scan.read.embedded_sql import Text, embedded_pieces
from membership_refactor.scan.read.grammars import LANGUAGES, below, grammar
from membership_refactor.scan.read.program_file import WORTH, program_pieces
from membership_refactor.scan.read.program_texts import Texts
from membership_refactor.scan.read.sql_file import sql_pieces, starts_like_sql
from membership_refactor.scan.resolve.tables_as_spelled import Interest

if TYPE_CHECKING:
    from tree_sitter import Node

_FORMATS = {
    "yaml": ".yml .yaml", "json": ".json .jsonc .json5 .avsc .tfstate", "toml": ".toml",
    "properties": ".properties .ini .env .cfg .conf",
}  # fmt: skip
FORMATS = {suffix: name for name, suffixes in _FORMATS.items() for suffix in suffixes.split()}
"""Suffix of a file to the format of its data."""

_SHELL = re.compile(r"\b(?:psql|mysql|sqlcmd|sqlite3|bash|sh|run)\b|^#!")
_MAGIC = re.compile(r"^[ \t]*[%!].*$", re.M)
_CELL = re.compile(r"\A\s*%%(\w+)[^\n]*\n?")


def data_pieces(placed: Placed, format_: str, dialect: str, interest: Interest) -> Harvest:
    """Find the SQL in the values of a file of data. Raises NoGrammar."""
    texts = Texts(placed, grammar(format_))
    harvest = Harvest(
        passed=[(placed.place(a), placed.place(b)) for a, b in texts.comments],
        broken=texts.root.has_error,
    )
    for value in _values(texts, interest):
        found = embedded_pieces(Text([value], escape=""), dialect, interest)
        harvest.add(found)
        shell = format_ == "yaml" and not starts_like_sql(value.text) and _SHELL.search(value.text)
        if shell and any(interest.in_text(value.text)):
            harvest.add(program_pieces(value, "bash", dialect, interest))
    return harvest


def notebook_pieces(placed: Placed, dialect: str, interest: Interest) -> Harvest:
    """Find the SQL in the cells of a notebook. What the cells put out is passed over."""
    texts = Texts(placed, grammar("json"))
    harvest = Harvest(broken=texts.root.has_error)
    language = _kernel(placed.text)
    for node in (one for one in below(texts.root) if one.type == "object"):
        fields = {_key(texts, pair): pair.named_children[-1] for pair in _pairs(node)}
        for name in ("outputs", "metadata"):
            if name in fields:
                harvest.passed.append(_span(placed, fields[name]))
        kind = fields.get("cell_type")
        source = fields.get("source")
        if kind is None or source is None:
            continue
        if "code" not in placed.text[kind.start_byte : kind.end_byte]:
            harvest.passed.append(_span(placed, source))
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
    harvest = Harvest()
    blanks: list[tuple[int, int, str]] = []
    for line in _MAGIC.finditer(cell.text) if language == "python" else ():
        at = line.start() + len(line[0]) - len(line[0].lstrip(" \t%!"))
        command = cell.cut(at, line.end())
        if command.text.lower().startswith("sql"):
            harvest.add(
                embedded_pieces(Text([command.cut(3, len(command.text))]), dialect, interest)
            )
        else:
            harvest.add(program_pieces(command, "bash", dialect, interest))
        blanks.append((line.start(), line.end(), " " * len(line[0])))
    harvest.add(program_pieces(cell.replaced(blanks), language, dialect, interest))
    return harvest


def _kernel(text: str) -> str:
    """The language of a notebook."""
    try:
        document = json.loads(text)
        name = str(document["metadata"]["kernelspec"]["language"]).lower()
    except (ValueError, KeyError, TypeError, RecursionError):
        return "python"
    return name if name in LANGUAGES.values() else "python"


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
            value = joined(texts.lines(lines))
        found.append(value)
    return found


def _pairs(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type == "pair"]


def _key(texts: Texts, pair: Node) -> str:
    key = pair.named_children[0]
    return texts.code[key.start_byte : key.end_byte].strip('"')


def _span(placed: Placed, node: Node) -> tuple[int, int]:
    return placed.place(node.start_byte), placed.place(node.end_byte)
