"""Mask: template text becomes text that parses, with a map back to the file.

"It parsed" proves nothing about a template (``FROM wide FILTER_HERE`` reads as an alias, ``#{x}``
starts a MySQL comment), so placeholders, macros and holes are filled before parsing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from membership_refactor.scan.consumers import Macro
from membership_refactor.scan.parse.keywords import keywords
from membership_refactor.scan.parse.placed_text import Placed
from membership_refactor.scan.parse.tokens import Token, arguments, closing, significant

_TABLE_BEFORE = {"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "USING"}
_VALUE_BEFORE = {
    "IN", "LIKE", "ILIKE", "LIMIT", "OFFSET", "BETWEEN", "THEN", "ELSE", "VALUES", "SELECT", "IS",
    "AS", "INTERVAL", "DATE", "TIMESTAMP", "SET", "RETURN", "BY",
}  # fmt: skip
_TYPED = {"DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL"}
_CAPITALS = re.compile(r"\b[A-Z][A-Z0-9_]{2,}\b")
_MARKS = re.compile(r"[?:%${@<]")
_REF = re.compile(r"""\{\{\s*(?:ref|source)\s*\(\s*(?:['"][^'"]+['"]\s*,\s*)?['"]([^'"]+)['"]""")


@dataclass(frozen=True, slots=True)
class Hole:
    """Text that is put in at run time. Offsets are the file's."""

    text: str
    offset: int
    free: bool = True
    """Any text; otherwise it stands where only a value or a name can."""


@dataclass(frozen=True, slots=True)
class UnknownMacro:
    """A word that looks like a macro nobody declared, with the words of its arguments."""

    name: str
    offset: int
    arguments: tuple[tuple[tuple[str, int], ...], ...] = ()
    """Per argument its words, each with its offset in the file."""


@dataclass(slots=True)
class Masked:
    """A statement that can be given to the parser."""

    placed: Placed
    holes: list[Hole] = field(default_factory=list)
    macros: list[UnknownMacro] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    """Name of a placeholder to its text in the file."""


def mask(placed: Placed, dialect: str, macros: Sequence[Macro], *, fill: str = "guess") -> Masked:
    """Macros expanded, placeholders named, holes filled.

    ``fill`` is what stands for a hole: a guess from the word before it, or for another try
    ``value``, ``blank`` or ``name``.
    """
    masked = Masked(placed)
    for _ in range(4):  # a macro's expansion may hold another one
        expanded = _expand(masked.placed, dialect, macros)
        if expanded is None:
            break
        masked.placed = expanded
    _unknown_macros(masked, dialect, tight=fill != "guess")
    _fill(masked, dialect, fill)
    return masked


def _expand(placed: Placed, dialect: str, macros: Sequence[Macro]) -> Placed | None:
    by_name = {macro.name.lower(): macro for macro in macros}
    if not by_name or not any(name in placed.text.lower() for name in by_name):
        return None
    found = significant(placed.text, dialect)
    edits: list[tuple[int, int, str]] = []
    pieces: list[Placed] = []
    last = index = 0
    while index < len(found):
        token = found[index]
        macro = by_name.get(token.text.lower()) if token.kind == "word" else None
        if macro is None:
            index += 1
            continue
        end, values = token.end, []
        if index + 1 < len(found) and found[index + 1].text == "(":
            close = closing(found, index + 1)
            values = [
                placed.cut(found[a].start, found[b - 1].end)
                for a, b in arguments(found, index + 1, close)
                if b > a
            ]
            end, index = found[close].end, close
        pieces += [placed.cut(last, token.start), *_expansion(macro, values, placed, token)]
        edits.append((token.start, end, ""))
        last = end
        index += 1
    if not edits:
        return None
    pieces.append(placed.cut(last, len(placed.text)))
    return _glued(pieces)


def _expansion(
    macro: Macro, values: Sequence[Placed], placed: Placed, token: Token
) -> list[Placed]:
    """The expansion's own text stands at the macro's name, its arguments where they are written."""
    here = placed.place(token.start)
    if not macro.parameters:
        return [Placed(macro.expansion, [here] * (len(macro.expansion) + 1))]
    given = dict(zip(macro.parameters, values, strict=False))
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, macro.parameters)) + r")\b")
    parts: list[Placed] = []
    last = 0
    for match in pattern.finditer(macro.expansion):
        own = macro.expansion[last : match.start()]
        parts.append(Placed(own, [here] * (len(own) + 1)))
        if match[1] in given:
            parts.append(given[match[1]])
        last = match.end()
    rest = macro.expansion[last:]
    parts.append(Placed(rest, [here] * (len(rest) + 1)))
    return parts


def _glued(parts: Sequence[Placed]) -> Placed:
    offsets: list[int] = []
    for part in parts:
        offsets.extend(part.offsets[: len(part.text)])
    offsets.append(parts[-1].place(len(parts[-1].text)))
    return Placed("".join(part.text for part in parts), offsets)


def _unknown_macros(masked: Masked, dialect: str, *, tight: bool) -> None:
    """Blanks words that stand where SQL wants no word, and records them."""
    placed = masked.placed
    known = keywords()
    if not tight and not any(word not in known for word in _CAPITALS.findall(placed.text)):
        return
    found = significant(placed.text, dialect)
    qualifiers = {a.text.lower() for a, b in itertools.pairwise(found) if b.text == "."}
    edits: list[tuple[int, int, str]] = []
    skip = -1
    for index, token in enumerate(found):
        if index <= skip or token.kind != "word" or token.word in known or index == 0:
            continue
        before = found[index - 1]
        after = found[index + 1] if index + 1 < len(found) else None
        call = after is not None and after.text == "("
        if not _ends_expression(before, known) or (after is not None and after.text == "."):
            continue
        if token.text.lower() in qualifiers:
            continue
        capitals = token.text.isupper() and len(token.text) >= 3
        third = (
            index >= 2
            and before.kind in ("word", "quoted")
            and found[index - 2].kind in ("word", "quoted")
            and found[index - 2].word not in known
            and before.word not in known
        )
        alias_list = call and before.kind in ("word", "quoted") and not capitals
        shouting = placed.text.isupper()
        third = third and tight
        if not (third or (capitals and not shouting) or (tight and call and not alias_list)):
            continue
        if index >= 1 and before.word == "AS":
            continue
        end, words = token.end, []
        if call:
            close = closing(found, index + 1)
            end, skip = found[close].end, close
            words = [
                tuple((t.text, placed.place(t.start)) for t in found[a:b] if t.kind == "word")
                for a, b in arguments(found, index + 1, close)
            ]
        masked.macros.append(UnknownMacro(token.text, placed.place(token.start), tuple(words)))
        edits.append((token.start, end, " "))
    if edits:
        masked.placed = placed.replaced(edits)


def _ends_expression(token: Token, known: frozenset[str]) -> bool:
    if token.kind == "word":
        return token.word not in known or token.word in ("NULL", "TRUE", "FALSE", "END")
    if token.kind in ("string", "quoted", "number", "param", "hole"):
        return True
    return token.text == ")"


def _fill(masked: Masked, dialect: str, fill: str) -> None:
    placed = masked.placed
    if not _MARKS.search(placed.text):
        return
    found = significant(placed.text, dialect)
    edits: list[tuple[int, int, str]] = []
    number = 0
    for index, token in enumerate(found):
        before = found[index - 1] if index else None
        if token.kind == "string" and ("${" in token.text or "#{" in token.text):
            masked.holes.append(Hole(token.text, placed.place(token.start), free=False))
        elif token.kind == "param" and not token.text.startswith("@"):
            text = _parameter(token.text, index)
            masked.parameters[text[1:]] = token.text
            if before is not None and before.word in _TYPED:
                edits.append((before.start, token.end, f"CAST({text} AS {before.text})"))
            elif text != token.text:
                edits.append((token.start, token.end, text))
        elif token.kind in ("jinja", "hole"):
            number += 1
            new, hole = _filling(token, before, found, index, number=number, fill=fill)
            if hole:
                free = new.strip() in ("", "1 = 1") and not _glued_to_name(found, index)
                masked.holes.append(Hole(token.text, placed.place(token.start), free=free))
            edits.append((token.start, token.end, new))
    if edits:
        edits.sort()
        apart = [e for n, e in enumerate(edits) if n == 0 or e[0] >= edits[n - 1][1]]
        masked.placed = placed.replaced(apart)


def _glued_to_name(found: Sequence[Token], index: int) -> bool:
    after = found[index + 1] if index + 1 < len(found) else None
    return after is not None and after.kind == "word" and after.start == found[index].end


def _parameter(text: str, index: int) -> str:
    if text.startswith(":"):
        return text
    digits = re.sub(r"\D", "", text)
    if digits:
        return f":p{digits}"
    named = re.search(r"\((\w+)\)", text)
    return f":{named[1]}" if named else f":q{index}"


def _filling(
    token: Token,
    before: Token | None,
    found: Sequence[Token],
    index: int,
    *,
    number: int,
    fill: str,
) -> tuple[str, bool]:
    text = token.text
    if text.startswith(("{#", "{%")):
        return " ", text.startswith("{%")
    if (named := _REF.match(text)) is not None:
        return named[1], False
    if text.startswith("#{") and not text.startswith("#{#"):
        # A bound parameter of MyBatis; text is put in by the dollar form only.
        value = re.sub(r"\W", "_", text[2:-1].split(",")[0].strip()) or "x"
        return f":{value}", False
    value, name = f":hole_{number}", f"hole_{number}"
    after = found[index + 1] if index + 1 < len(found) else None
    if after is not None and after.start == token.end and after.kind in ("word", "punct"):
        # Part of a name, such as ${prefix}table, or a schema before its dot.
        if after.kind == "word":
            return "", True
        if after.text == ".":
            return name, True
    if fill != "guess":
        return {"value": value, "blank": " ", "name": name}[fill], True
    if before is None:
        return " ", True
    if before.word in _TABLE_BEFORE:
        return name, True
    if before.word in ("WHERE", "ON", "AND", "OR", "NOT", "HAVING", "WHEN"):
        return "1 = 1", True
    operator = before.kind == "punct" and before.text not in (")", "]", "*", ";", ".")
    if operator or before.word in _VALUE_BEFORE:
        return value, True
    return " ", True
