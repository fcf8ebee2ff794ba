"""The grammars of tree-sitter: which file is which language, and what its nodes and texts are."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from membership_refactor.scan.parse.piece import Placed

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

_SUFFIXES = {
    "sql": ".sql .ddl .dml .psql .pgsql .mysql .plsql .pks .pkb .prc .fnc .trg .vw .tab "
    ".j2 .jinja .jinja2 .tmpl .tpl .template .ftl .vm .erb", "jpql": ".jpql .hql .jpaql",
    "java": ".java", "kotlin": ".kt .kts", "scala": ".scala .sc", "groovy": ".groovy .gradle .gvy",
    "python": ".py .pyi .pyw .pyx", "go": ".go", "ruby": ".rb .rake .ru", "csharp": ".cs .csx",
    "typescript": ".ts .mts .cts", "tsx": ".tsx", "javascript": ".js .mjs .cjs .jsx", "php":
    ".php .phtml .inc", "rust": ".rs", "perl": ".pl .pm .t .cgi", "bash": ".sh .bash .zsh .ksh",
    "r": ".r", "c": ".c .h .pc .pgc", "cpp": ".cc .cpp .cxx .hpp .hh", "elixir": ".ex .exs",
    "lua": ".lua", "swift": ".swift", "dart": ".dart", "powershell": ".ps1 .psm1",
    "clojure": ".clj .cljs .cljc", "julia": ".jl", "apex": ".cls .apex",
    "yaml": ".yml .yaml", "json": ".json .jsonc .json5 .avsc .tfstate", "toml": ".toml",
    "properties": ".properties .ini .env .cfg .conf", "notebook": ".ipynb",
    "xml": ".xml .ktr .kjb .rdl .rdlc .dtsx .twb .tds .jrxml .config .csproj .xsd .xsl .xslt .wsdl "
    ".bpmn .fmb .item .resx .dbml .edmx .svg .xaml .plist .mxml .nuspec .xmi",
}  # fmt: skip
KINDS = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
"""Suffix of a file to what is in it: SQL, JPQL, a program or data."""
DATA = ("yaml", "json", "toml", "properties", "notebook", "xml")


def words(text: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(text.split())


TEXTS = words(
    "string string_literal interpolated_string_expression template_string encapsed_string heredoc "
    "nowdoc heredoc_body heredoc_content raw_string raw_string_literal interpreted_string_literal "
    "verbatim_string_literal interpolated_string_literal ansi_c_string quoted_string sigil "
    "line_string_literal multi_line_string_literal str_lit command_string "
    "double_quote_scalar single_quote_scalar plain_scalar block_scalar value"
)
SUMS = words(
    "binary_expression binary_operator additive_expression infix_expression binary infix "
    "binary_op_expr"
)
WHOLE = words("heredoc_body heredoc_content plain_scalar block_scalar value")
"""Texts without quotes."""

_COMMENT = re.compile(r"comment|^pod$")


def matching(pattern: str) -> Callable[[str], bool]:
    """A test of the kind of a node, which is asked thousands of times for few kinds."""
    search = re.compile(pattern, re.X).search
    return lru_cache(maxsize=4096)(lambda kind: search(kind) is not None)


is_hole = matching(
    r"""interpolat(?:ion|ed_(?:expression|identifier))$ | (?:^|_)expansion$ | substitution
    | ^(?:template_interpolation|variable_name|member_access_expression|dynamic_variable_name
    |subscript_expression|scalar|array|variable|sub_expression|leading_key)$"""
)
"""Whether a node inside of a text stands for an expression of the program."""
is_content = matching("content|fragment|str_text|nowdoc_string|heredoc_body|nowdoc_body")
is_function = matching(
    r"""^(?!.*(?:invocation|call|type|declarator|parameters|body|name|modifier|ref))
    .*(?:function|method|lambda|closure|constructor|subroutine|func_literal)"""
)


class NoGrammar(Exception):
    """Raised where the grammars are not installed, or hold none for a language."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """A parser, and a query for what is read of a program."""

    parser: Parser
    query: Query
    escapes: bool
    """Whether the grammar names the escapes in a text."""

    def parsed(self, code: str) -> tuple[Node, dict[str, list[Node]]]:
        """The root, and nodes by text, sum, comment and function. ``code`` has to be ASCII."""
        from tree_sitter import QueryCursor

        root = self.parser.parse(code.encode("ascii")).root_node
        return root, QueryCursor(self.query).captures(root)


@lru_cache
def grammar(language: str) -> Grammar:
    """Load the grammar. Raises NoGrammar."""
    if not language:
        raise NoGrammar("in a file of a kind that is not read")
    try:
        from tree_sitter import Query
        from tree_sitter_language_pack import get_language, get_parser

        known = get_language(language)  # type: ignore[arg-type]
        parser = get_parser(language)  # type: ignore[arg-type]
    except (ImportError, LookupError) as error:
        message = f"in {language}, which is read after: pip install 'membership-refactor[scan]'"
        raise NoGrammar(message) from error
    numbers = filter(known.node_kind_is_named, range(known.node_kind_count))
    kinds = [kind for number in numbers if (kind := known.node_kind_for_id(number))]
    wanted: dict[str, Callable[[str], object]] = {
        "text": TEXTS.__contains__, "sum": SUMS.__contains__, "comment": _COMMENT.search,
        "function": is_function,
    }  # fmt: skip
    patterns = []
    for name, fits in wanted.items():
        if found := dict.fromkeys(f"({kind})" for kind in kinds if fits(kind)):
            patterns.append(f"[{' '.join(found)}] @{name}")
    return Grammar(parser, Query(known, "\n".join(patterns)), "escape_sequence" in kinds)


def masked(text: str) -> str:
    """The text in ASCII, so that offsets in bytes are offsets of characters."""
    if text.isascii():
        return text
    return re.sub(r"[^\x00-\x7f]", lambda m: " " if m[0].isspace() else "x", text)


def below(root: Node) -> Iterator[Node]:
    """Yield every node in the order of the text."""
    at = [root]
    while at:
        node = at.pop()
        yield node
        at += reversed(node.named_children)


_OPEN = re.compile(r"""[A-Za-z]*[$@#]*(?P<quote>(?<=@)["']\n|"{3,}|'{3}|["'`]|\[=*\[|[({])""")
ESCAPE = re.compile(
    r"\\(?:\r?\n|N\{[^}]*\}|x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}"
    r"|[0-7]{1,3}|.)",
    re.S,
)
_CODE = re.compile(r"\\(?:x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "s": " ",
            "\n": "", "\r": ""}  # fmt: skip

Constant = Callable[[str, "Node"], list[Placed] | None]
Hole = Callable[["Node"], list[Placed]]
Mark = tuple[int, int, list[Placed]]
"""What stands between two places of the program, and what it means."""


class Literals:
    """Reads the literals of one program.

    ``constant`` gives the text that a name stands for, or None; ``hole`` what stands for any other
    expression. ``escapes`` says whether the grammar names the escapes in a text.
    """

    def __init__(
        self, placed: Placed, code: str, constant: Constant, hole: Hole, *, escapes: bool
    ) -> None:
        self.placed, self.code, self.escapes = placed, code, escapes
        self.constant, self.hole = constant, hole

    def parts(self, node: Node) -> list[Placed]:
        """The text of a literal, with its escapes resolved and its constants put in."""
        start, end, raw = self._body(node)
        marks = list(self._marks(node, start, end))
        if not node.named_child_count and (quote := self.code[end : end + 1]) in ("'", '"'):
            # Some grammars take several literals in a row for one.
            between = re.finditer(rf"(?<!\\){quote}\s+{quote}", self.code[start:end])
            marks += [(start + m.start(), start + m.end(), []) for m in between]
        parts: list[Placed] = []
        last = start
        for first, stop, made in sorted(marks, key=lambda mark: mark[:2]):
            if first >= last:
                parts += [self._cut(last, first, raw), *made]
                last = stop
        return [*parts, self._cut(last, max(last, end), raw)]

    def _cut(self, start: int, end: int, raw: bool) -> Placed:
        """A part of the text, with the escapes resolved that the grammar does not name."""
        cut = self.placed.cut(start, end)
        found = ESCAPE.finditer(cut.text) if not (self.escapes or raw) else ()
        return cut.replaced([(*match.span(), unescaped(match[0])) for match in found])

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
            # Some grammars leave blanks at the border out.
            begin = min(begin, start + max(1, len(code[start:begin].rstrip())))
            stop += len(code[stop : end - 1]) - len(code[stop : end - 1].lstrip())
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
                new = unescaped(self.placed.text[first:last])
                yield first, last, [Placed.made(new, self.placed.place(first))]
            elif is_hole(kind):
                first, last = self._span(child)
                name = self.code[first:last].strip("${}@#() ")
                parts = self.constant(name, child) if name.isidentifier() else None
                yield first, last, self.hole(child) if parts is None else parts
            elif child.child_count:
                yield from self._marks(child, start, end)


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
