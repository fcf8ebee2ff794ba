"""The grammars of tree-sitter: which file is which language, and what its nodes are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

_PROGRAMS = {
    "java": ".java", "kotlin": ".kt .kts", "scala": ".scala .sc", "groovy": ".groovy .gradle .gvy",
    "python": ".py .pyi .pyw .pyx", "go": ".go", "ruby": ".rb .rake .ru", "csharp": ".cs .csx",
    "typescript": ".ts .mts .cts", "tsx": ".tsx", "javascript": ".js .mjs .cjs .jsx", "php":
    ".php .phtml .inc", "rust": ".rs", "perl": ".pl .pm .t .cgi", "bash": ".sh .bash .zsh .ksh",
    "r": ".r", "c": ".c .h .pc .pgc", "cpp": ".cc .cpp .cxx .hpp .hh", "elixir": ".ex .exs",
    "lua": ".lua", "swift": ".swift", "dart": ".dart", "powershell": ".ps1 .psm1",
    "clojure": ".clj .cljs .cljc", "julia": ".jl", "apex": ".cls .apex",
}  # fmt: skip
LANGUAGES = {suffix: name for name, suffixes in _PROGRAMS.items() for suffix in suffixes.split()}
"""Suffix of a file to the language of the program in it."""


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
CHAINS = words(
    "concatenated_string chained_string concatenation parenthesized_expression literal "
    "unary_expression array_literal_expression range_expression format_expression "
    "multiplicative_expression parenthesized_statements"
)
"""Nodes that hold texts one after the other, or just one."""
SUMS = words(
    "binary_expression binary_operator additive_expression infix_expression binary infix "
    "binary_op_expr"
)
OPERATORS = words("+ . .. <> ++ ^ || & %")
LISTS = words("list tuple array array_creation_expression array_expression collection_literal")
NAMES = words(
    "identifier simple_identifier constant name variable_name scalar variable field_identifier "
    "type_identifier value_name property_identifier"
)
WHOLE = words("heredoc_body heredoc_content plain_scalar block_scalar value")
"""Texts without quotes."""

_COMMENT = re.compile(r"comment|^pod$")


def _matching(pattern: str) -> Callable[[str], bool]:
    """A test of the kind of a node, which is asked thousands of times for few kinds."""
    search = re.compile(pattern, re.X).search
    return lru_cache(maxsize=4096)(lambda kind: search(kind) is not None)


is_hole = _matching(
    r"""interpolat(?:ion|ed_(?:expression|identifier))$ | (?:^|_)expansion$ | substitution
    | ^(?:template_interpolation|variable_name|member_access_expression|dynamic_variable_name
    |subscript_expression|scalar|array|variable|sub_expression|leading_key)$"""
)
"""Whether a node inside of a text stands for an expression of the program."""
is_content = _matching("content|fragment|str_text|nowdoc_string|heredoc_body|nowdoc_body")
is_function = _matching(
    r"""^(?!.*(?:invocation|call|type|declarator|parameters|body|name|modifier|ref))
    .*(?:function|method|lambda|closure|constructor|subroutine|func_literal)"""
)
is_call = _matching("call|invocation|creation")
is_member = _matching(
    "^(?:attribute|method_invocation|dot|field_access)$|member|navigation|field_expression|selector"
)
"""Whether a node takes a member of its first child."""
is_arguments = _matching("argument|^(?:token_tree|call_suffix)$")


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
    try:
        from tree_sitter import Query
        from tree_sitter_language_pack import get_language, get_parser

        known = get_language(language)  # type: ignore[arg-type]
        parser = get_parser(language)  # type: ignore[arg-type]
    except (ImportError, LookupError) as error:
        message = f"in {language}, which is read after: pip install 'membership-refactor[scan]'"
        raise NoGrammar(message) from error
    kinds = [
        kind
        for number in range(known.node_kind_count)
        if known.node_kind_is_named(number) and (kind := known.node_kind_for_id(number))
    ]
    wanted = {
        "text": [kind for kind in kinds if kind in TEXTS],
        "sum": [kind for kind in kinds if kind in SUMS],
        "comment": [kind for kind in kinds if _COMMENT.search(kind)],
        "function": [kind for kind in kinds if is_function(kind)],
    }
    patterns = [
        f"[{' '.join(f'({kind})' for kind in dict.fromkeys(found))}] @{name}"
        for name, found in wanted.items()
        if found
    ]
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
