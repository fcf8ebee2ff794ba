"""Find SQL in a program: texts, texts that grow, and queries of JPA."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from membership_refactor.scan.parse.piece import Harvest, Placed, joined
from membership_refactor.scan.parse.put_in import BEFORE_TABLE
from membership_refactor.scan.read.grammars import grammar, is_hole
from membership_refactor.scan.read.program_texts import Texts, is_arguments
from membership_refactor.scan.read.sql_file import Text, embedded_pieces, prepared, starts_like_sql
from membership_refactor.scan.resolve.tables_as_spelled import Interest

if TYPE_CHECKING:
    from tree_sitter import Node

_JVM = {"java", "kotlin", "groovy", "scala"}
_GIVEN = re.compile(
    r"(?<![\w$@])([\w$@]+)[ \t]*(?::[ \t]*[^=:;,{}()\n]{1,60})?(?:\[\])?[ \t]*"
    r"(?:<-|:?=)\s*"
    r"(?:(?:new\s+)?(?:StringBu\w+|String::from|StringIO|(?:std::)?string)\(\s*)?\(?\s*$"
)
_TYPED = re.compile(r"\b(?:const|define|use constant)\W+(\w+)\W+$")
_GROWS = re.compile(
    r"(?<![\w$])([\w$]+)(?:\s*(?:\+=|\.=|<<)\s*(?=[\w$\"'`(@%])|(?:\.|->)"
    r"(?:append\w*|Append\w*|WriteString|push_str|push|concat|add|write)\s*\(\s*)"
)
WORTH = re.compile(rf"{BEFORE_TABLE}|regclass|\\", re.I)
"""A text with none of these, and no word of the plan, cannot be read of a table of the plan."""
_MORE = re.compile(r"\s*\)\s*\.(?:append\w*|Append\w*|concat)\s*\(\s*")


def program_pieces(placed: Placed, language: str, dialect: str, interest: Interest) -> Harvest:
    """Find the SQL and JPQL in the texts of a program. Raises NoGrammar."""
    reader = _Reader(Texts(placed, grammar(language)), language, interest)
    found = reader.found()
    harvest = Harvest(
        passed=[placed.span(comment) for comment in reader.comments],
        texts=[placed.span(node.byte_range) for node in reader.texts.texts],
        broken=reader.texts.root.has_error,
    )
    inlined = {placed.place(at) for at in reader.texts.inlined}
    for start, text in found:
        whole = joined(text.parts)
        if placed.place(start) in inlined and not starts_like_sql(whole.text):
            continue  # a part of the statements that it was put into
        text.parts = [prepared(whole) if text.dialect == "jpql" else whole]
        harvest.add(embedded_pieces(text, dialect, interest))
    return harvest


class _Reader:
    def __init__(self, texts: Texts, language: str, interest: Interest) -> None:
        self.texts, self.language, self.code = texts, language, texts.code
        self.interest, self.written = interest, texts.placed.text
        self.comments = list(texts.comments)
        self.growing: dict[tuple[int, str], Text] = {}

    def found(self) -> list[tuple[int, Text]]:
        """Every text with the place where it starts, in the order of the program."""
        own: dict[tuple[int, int], Node] = {}
        for whole in map(self.texts.whole, self.texts.nodes):
            own.setdefault(whole.byte_range, whole)
        names = {place: self._given(node) for place, node in own.items()}
        for place, name in names.items():
            if name:
                scope = self.texts.scope(own[place])
                self.texts.constants[(scope, name)].append((place[0], own[place]))
        added = {node.byte_range: (node, name) for node, name in self._added()}
        every = {place: node for place, (node, _) in added.items()} | own
        result: list[tuple[int, Text]] = []
        for place, node in sorted(every.items()):
            grows = added[place][1] if place in added else ""
            name = grows or names[place]
            text = self._taken(node, name, grows=bool(grows), own=place in own)
            result += [(place[0], text)] if text is not None else []
        return result

    def _taken(self, node: Node, name: str, *, grows: bool, own: bool) -> Text | None:
        """The text of an expression; None for one that goes on another text."""
        place = node.byte_range
        worth = name or WORTH.search(self.code, *place) or self.interest.named(self.written, *place)
        parts = self.texts.fold(node) if worth else None
        key = (self.texts.scope(node), name)
        grown = self.growing.get(key) or self.growing.get((-1, name)) if grows else None
        if grown is not None:
            grown.parts += self.texts.hole(node) if parts is None else parts
        if parts is None or grown is not None or not own:
            return None
        around = node.parent.type if node.parent is not None else ""
        if self.language == "python" and around in ("expression_statement", "module", "block"):
            self.comments.append(place)  # a docstring
            return None
        quote = self.code[node.start_byte]
        triple = self.code.startswith(quote * 3, node.start_byte)
        text = Text(parts, self._language(node), "" if triple or quote not in "\"'`" else quote)
        if name:
            self.growing[key] = text
        return text

    def _given(self, node: Node) -> str:
        """The variable that gets a text; empty where none does."""
        before = self.code[max(0, node.start_byte - 160) : node.start_byte]
        last = before.rstrip()[-1:]
        if last not in "=-<(,":
            return ""
        match = _GIVEN.search(before) if last != "," and ("=" in before or "<-" in before) else None
        if match is None and ("define" in before or "const" in before):
            match = _TYPED.search(before)
        return match[1].lstrip("$@") if match else ""

    def _added(self) -> Iterator[tuple[Node, str]]:
        """Yield what is added to a variable, with the variable's name."""
        for match in _GROWS.finditer(self.code):
            at: int | None = match.end()
            while at is not None and (node := self._expression(at)) is not None:
                yield node, match[1].lstrip("$")
                more = _MORE.match(self.code, node.end_byte)
                at = more.end() if more and "(" in match[0] else None

    def _expression(self, at: int) -> Node | None:
        """The largest expression that starts here."""
        if self.code[at : at + 1] in ("", ")"):
            return None
        node = self.texts.root.descendant_for_byte_range(at, min(at + 1, len(self.code)))
        if node is None or node.start_byte != at:
            return None
        node = self.texts.top(node)
        while (parent := node.parent) is not None and parent.start_byte == at:
            if "statement" in parent.type or is_arguments(parent.type) or parent.parent is None:
                break
            node = parent
        return node

    def _language(self, node: Node) -> str:
        """``jpql`` for the query of an entity manager or of @Query."""
        if self.language not in _JVM:
            return ""
        at: Node | None = node
        for _ in range(8):
            if at is None or at.parent is None or is_hole(at.type):
                return ""
            if is_arguments(at.type) and (called := self.texts.call_of(at)) is not None:
                call, name = called
                if name in ("Query", "NamedQuery", "createQuery"):
                    written = self.code[call.start_byte : call.end_byte]
                    return "" if re.search(r"nativeQuery\s*=\s*true", written) else "jpql"
                if name in ("createNativeQuery", "NamedNativeQuery", "NativeQuery"):
                    return ""
            at = at.parent
        return ""
