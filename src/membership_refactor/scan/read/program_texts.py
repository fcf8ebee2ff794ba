"""Put the texts of a program together: sums, formats, joined lists and constants.

Every character of a text keeps its place in the file. What the program fills in at run time is
``{hole}``.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from membership_refactor.scan.parse.piece import HOLE, LISTED, Placed, joined
from membership_refactor.scan.read.grammars import (
    ESCAPE,
    SUMS,
    TEXTS,
    Grammar,
    Literals,
    is_hole,
    masked,
    matching,
    unescaped,
    words,
)
from membership_refactor.scan.read.lists_of_values import is_list_of_values, names_of_lists

if TYPE_CHECKING:
    from tree_sitter import Node

CHAINS = words(
    "concatenated_string chained_string concatenation parenthesized_expression literal "
    "unary_expression array_literal_expression range_expression format_expression "
    "multiplicative_expression parenthesized_statements"
)
"""Nodes that hold texts one after the other, or just one."""
OPERATORS = words("+ . .. <> ++ ^ || & %")
LISTS = words("list tuple array array_creation_expression array_expression collection_literal")
NAMES = words(
    "identifier simple_identifier constant name variable_name scalar variable field_identifier "
    "type_identifier value_name property_identifier"
)
is_call = matching("call|invocation|creation")
is_member = matching(
    "^(?:attribute|method_invocation|dot|field_access)$|member|navigation|field_expression|selector"
)
"""Whether a node takes a member of its first child."""
is_arguments = matching("argument|^(?:token_tree|call_suffix)$")
_FIELD = re.compile(r"%(?:\((?P<named>\w+)\))?[sdv]|\{(?P<field>\w*)(?:![rsa])?(?::[^{}]*)?\}")
_FORMATS = {"format", "formatted", "Sprintf", "sprintf", "Format", "format_map", "fmt", "printf"}
_SUMS = {"concat", "Concat", "paste0", "paste", "str", "strcat", "CONCAT"}
_TOGETHER = _FORMATS | _SUMS
_SAME = words(
    "strip lstrip rstrip trim trimIndent trimMargin stripMargin stripIndent strip_heredoc squish "
    "dedent unindent to_string to_owned toString into as_str String str encode decode freeze "
    "intern c_str chomp"
)
"""Methods after which a text reads as before. Any other may put something in."""
_JOINED_BY = re.compile(r"""\s*\.join\s*\(\s*(?:(?P<q>["'`])(?P<by>[^"'`\n]{0,20})(?P=q))?""")
_JOINS = re.compile(r"""(?P<q>["'])(?P<by>[^"'\n]{0,20})(?P=q)\s*\.join\s*\(\s*$""")
_MARGIN = re.compile(r"(?<=\n)[ \t]*\|")


class Texts:
    """The texts of one program."""

    def __init__(self, placed: Placed, language: Grammar) -> None:
        self.placed = placed
        self.code = masked(placed.text)
        self.root, found = language.parsed(self.code)
        self.literals = Literals(placed, self.code, self._constant, self.hole,
                                 escapes=language.escapes)  # fmt: skip
        self.texts, sums = found.get("text", []), found.get("sum", [])
        self.nodes = sorted([*self.texts, *sums], key=lambda n: (n.start_byte, -n.end_byte))
        """Texts and sums, each before its parts."""
        self.comments = [node.byte_range for node in found.get("comment", [])]
        self.constants: dict[tuple[int, str], list[tuple[int, Node]]] = defaultdict(list)
        self.inlined: set[int] = set()
        """Where the constants start that were put into another text."""
        self._open: set[int] = set()
        self._functions = sorted(node.byte_range for node in found.get("function", []))
        self._tops: dict[int, Node] = {}
        """The whole sum of every part of one. A node finds its parent slowly where it is deep."""
        for node in self.nodes:
            new = node.type in SUMS and node.id not in self._tops
            if new and (operator := self._operator(node)):
                terms, inner = self._terms(node, operator)
                self._tops.update((part.id, node) for part in (*terms, *inner))

    def scope(self, node: Node) -> int:
        """Where the function begins in which the node stands; -1 outside of all functions."""
        start = node.start_byte
        before = bisect.bisect_left(self._functions, (start, 0))
        for begin, end in reversed(self._functions[max(0, before - 64) : before]):
            if start < end:
                return begin
        return -1

    def top(self, node: Node) -> Node:
        """The sum that the node is a term of, or the node."""
        return self._tops.get(node.id, node)

    def whole(self, node: Node) -> Node:
        """The largest expression that is a text because this node is one."""
        node = self.top(node)
        while (parent := node.parent) is not None:
            kind = parent.type
            if is_hole(kind) and kind not in LISTS:
                break
            if kind in TEXTS or kind in CHAINS or (kind in SUMS and self._operator(parent)):
                node = parent
            elif is_member(kind) and _first(parent) == node:
                above = parent.parent
                first = above is not None and is_call(above.type) and above.children[0] == parent
                node = above if first and above is not None else parent
            elif is_arguments(kind) and (called := self.call_of(parent)) and called[1] in _TOGETHER:
                node = called[0]
            elif kind in LISTS and self._joint(parent) is not None:
                node = parent
            else:
                break
        return node

    def fold(self, node: Node | None) -> list[Placed] | None:
        """The parts of a text; None where the node is none."""
        if node is None or node.id in self._open:
            return None
        self._open.add(node.id)
        parts = self._fold(node)
        self._open.discard(node.id)
        return parts

    def _fold(self, node: Node) -> list[Placed] | None:
        kind = node.type
        if kind in TEXTS and (kind != "value" or node.child_count == 0):
            return self.literals.parts(node)
        if kind in SUMS and (operator := self._operator(node)):
            return self._sum(node, operator)
        if kind in CHAINS:
            return self.parts(node.named_children)
        if kind in NAMES or is_member(kind):
            found = self._constant(self.code[node.start_byte : node.end_byte], node)
            if found or kind in NAMES:
                return found
            first = _first(node)
            if kind != "method_invocation":
                return self.fold(first) if first is not None and first.type not in NAMES else None
        if is_call(kind):
            return self._call(node)
        if kind in LISTS and (between := self._joint(node)) is not None:
            return self.parts(node.named_children, between=between)
        if is_arguments(kind) and node.named_child_count >= 1:
            return self.fold(node.named_children[-1])  # a wrapper around one argument
        return None

    def _sum(self, node: Node, operator: str) -> list[Placed] | None:
        """Fold a sum from the left, without recursion: thousands of texts can be added."""
        if operator == "%":
            parts, right = self.fold(_first(node)), node.named_children[-1]
            values = right.named_children if right.type in LISTS else [right]
            return self._filled(parts, values) if parts is not None else None
        return self.parts(self._terms(node, operator)[0])

    def _terms(self, node: Node, operator: str) -> tuple[list[Node], list[Node]]:
        """The terms of a sum from left to right, and the sums inside of it."""
        terms: list[Node] = []
        inner: list[Node] = []
        at: Node | None = node
        while at is not None and at.type in SUMS and self._operator(at) == operator:
            inner.append(at)
            terms.append(at.named_children[-1])
            at = _first(at)
        return [*([at] if at is not None else []), *reversed(terms)], inner

    def parts(self, nodes: list[Node], *, between: str = "") -> list[Placed] | None:
        """Several texts, one after the other; None where none of the nodes is one."""
        found = [(node, self.fold(node)) for node in nodes if "comm" not in node.type]
        if all(parts is None for _, parts in found):
            return None
        result: list[Placed] = []
        for node, parts in found:
            if between and result:
                result.append(Placed.made(between, self.placed.place(node.start_byte)))
            result += self.hole(node) if parts is None else parts
        return result

    def hole(self, node: Node) -> list[Placed]:
        """What stands for an expression whose value is not known."""
        code = self.code[node.start_byte : node.end_byte]
        listed = is_list_of_values(code) or code.strip("${}@#() ") in names_of_lists(self.code)
        return [Placed.made(LISTED if listed else HOLE, self.placed.place(node.start_byte))]

    def _operator(self, node: Node) -> str:
        """The operator that puts texts together; empty for any other."""
        for child in node.children:
            if not child.is_named or "operator" in child.type:
                text = self.code[child.start_byte : child.end_byte]
                if text in OPERATORS:
                    return text
        return ""

    def call_of(self, arguments: Node) -> tuple[Node, str] | None:
        """The call that has these arguments, with the name of what is called."""
        at = arguments.parent
        while at is not None and is_arguments(at.type):
            arguments, at = at, at.parent
        if at is None or not (is_call(at.type) or "annotation" in at.type or "macro" in at.type):
            return None
        before = self.code[at.start_byte : arguments.start_byte]
        names = re.findall(r"\w+", before[-80:])
        return at, names[-1] if names else ""

    def _joint(self, node: Node) -> str | None:
        """What stands between the elements of a list that are joined; None where none are."""
        after = _JOINED_BY.match(self.code, node.end_byte)
        before = _JOINS.search(self.code[max(0, node.start_byte - 40) : node.start_byte])
        if (found := after or before) is None:
            return None
        return " " if found["by"] is None else ESCAPE.sub(lambda m: unescaped(m[0]), found["by"])

    def _call(self, node: Node) -> list[Placed] | None:
        arguments = next((c for c in node.children if is_arguments(c.type)), None)
        if arguments is None:
            return None
        called = self.call_of(arguments)
        name = called[1] if called else ""
        if arguments.type == "call_suffix" and arguments.named_children:
            arguments = arguments.named_children[0]
        given = [c for c in arguments.named_children if "comm" not in c.type]
        if name in _SUMS and (parts := self.parts(given, between=" " * (name == "paste"))):
            return parts
        receiver = _first(node)
        if receiver is not None and is_member(receiver.type):
            receiver = _first(receiver)
        named = receiver is None or receiver is arguments or receiver.type in NAMES
        own = self.fold(receiver) if not named else None
        if name == "join":
            both = (one for one in (receiver, *given[:1]) if one is not None)
            return self.fold(next((one for one in both if one.type in LISTS), None))
        if own is not None:
            if "argin" in name:  # stripMargin and trimMargin
                own = [p.replaced([(*m.span(), "") for m in _MARGIN.finditer(p.text)]) for p in own]
            if name in _FORMATS:
                return self._filled(own, given)
            space = Placed.made(" ", self.placed.place(node.start_byte))
            return own if name in _SAME else [*own, space, *self.hole(node)]
        if name in _FORMATS:
            for number, argument in enumerate(given):
                if (parts := self.fold(argument)) is not None:
                    return self._filled(parts, given[number + 1 :])
        return None

    def _filled(self, parts: list[Placed], values: list[Node]) -> list[Placed]:
        """Put values into the fields of a format. A value that is not known leaves a hole."""
        text = joined(parts)
        by_field: dict[str, Node] = {str(number): value for number, value in enumerate(values)}
        for value in values:
            if (keyword := value.child_by_field_name("name")) is not None:
                name = self.code[keyword.start_byte : keyword.end_byte]
                by_field[name] = value.named_children[-1]
        result: list[Placed] = []
        last = number = 0
        for match in _FIELD.finditer(text.text):
            field = match["named"] or match["field"] or ""
            given = by_field.get(field or str(number))
            number += not field
            made = HOLE if given is None else self.hole(given)[0].text
            filled = self.fold(given) or [Placed.made(made, text.place(match.start()))]
            result += [text.cut(last, match.start()), *filled]
            last = match.end()
        return [*result, text.cut(last, len(text.text))]

    def _constant(self, name: str, node: Node) -> list[Placed] | None:
        """The text that a name stands for: the last one given to it before its use."""
        name = name.strip("${}@#")
        short = name.rsplit(".", 1)[-1].rsplit("::", 1)[-1]
        for scope in (self.scope(node), -1):
            known = self.constants.get((scope, short))
            if not known:
                continue
            before = [value for start, value in known if start < node.start_byte]
            value = before[-1] if before else known[0][1]
            if value.start_byte <= node.start_byte < value.end_byte:
                if len(before) < 2:
                    continue  # sql = sql + "…"
                value = before[-2]
            if (parts := self.fold(value)) is not None:
                self.inlined.add(value.start_byte)
                return parts
        return None


def _first(node: Node) -> Node | None:
    children = node.named_children
    return children[0] if children else None
