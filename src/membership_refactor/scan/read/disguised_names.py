"""Find names that a plain search misses: written by escapes, put together, or only in part.

No grammar is needed, so that it holds for every kind of file. What could make a name of the plan
and was not read leaves its place open.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from membership_refactor.scan.parse.piece import Placed
from membership_refactor.scan.read.literals import unescaped

_ESCAPE = re.compile(
    r"[\\!^~@&=+%](?:(?<=[\\!^~@])\+?(?P<unicode>00(?:00)?[2-7][0-9a-f])"
    r"|(?<=\\)\\{0,3}(?P<code>(?-i:U[0-9A-Fa-f]{8})|N\{[^}\n]{1,60}\}|x\{[0-9a-f]{1,6}\}"
    r"|x[0-9a-f]{2}|u\{[0-9a-f]{1,6}\}|u+[0-9a-f]{4}|[01][0-7]{2}|[_.-])"
    r"|(?<=\\)o\{(?P<octal>[0-7]{1,6})\}|(?<=\\)(?P<line>\r?\n[ \t]*)"
    r"|(?<=&)(?P<entity>(?:\#x[0-9a-f]{1,6}|\#\d{1,7}|lowbar|UnderBar);)"
    r"|(?<=[=+])(?P<low>5F|AF8-)|(?<=%)(?P<url>[2-7][0-9a-f]))",
    re.I,
)
"""Escapes of programs, of U& names, XML, URLs and mail; and a line that goes on in the next."""
_GAP = (
    r"[\"'`](?:(?:/\*[^*]{0,80}\*/|(?://|--|\#)[^\n\"'`]{0,80}\n|[^A-Za-z0-9\"'`]"
    r"|[A-Za-z]{1,12}+\s*+\(|(?:95|0x5f|&h5f)\s*+\)){0,60}+(?:[A-Za-z]{1,2}&?)?[\"'`])?"
)
"""Between two texts that follow each other: signs, calls such as ``.append(``, comments."""
_GAPS = re.compile(_GAP, re.I)
_PUT_IN_AFTER = r"(?=[{$#%<&@?*\[]|[\"'`](?!\s*[+.&|<]*\s*[\"'`]))"
_PUT_IN_BEFORE = r"(?:(?<=[}%\])*?\"'`])|(?<=[%?]>)|(?<=%[sdv])|&\w{1,30}[.;]|@\w{1,30}@)"
_TEXT_BEFORE = re.compile(r"\w[\"'`]\s*[+.&|<]{0,2}\s*[\"'`]\Z")
_IN_SQL = r"\b(?:from|join|into|update|table)\s+(?:[\w\"`\[]{1,64}\.)?[\"`\[]?"
_JOINT = re.compile(r"([\"'`])_\1|[}\])%]_[{%$#&<]|%[sdv]_%")
"""What puts an underscore between two parts."""
_CHANGE = re.compile(
    r"replac|gsub|\btr\b|translat|underscore|snake|join|split|substitut|\bsub\w*\(|strtr|printf"
    r"|format|parameteri[sz]e|tableize|\bs/",
    re.I,
)
"""What makes another text of one."""
_NEAR = 120
_LEAST = 4
"""So many letters of a name are a sign of it."""

Found = Iterator[tuple[int, str]]


class Disguises:
    """The ways to hide one of the names."""

    def __init__(self, names: frozenset[str]) -> None:
        in_parts = {name for name in names if "_" in name.strip("_")}
        every = names - {name.replace("_", "") for name in in_parts}
        self._plain = _any(re.escape(name).replace("_", "_?") for name in every)
        begins, ends = map(_beginning, in_parts), map(_end, in_parts)
        self._begins = _any(begins, before=r"(?<![A-Za-z0-9])", after=_PUT_IN_AFTER)
        self._ends = _any(ends, before=_PUT_IN_BEFORE, after=r"(?![A-Za-z0-9])")
        self._cut = _any(
            (re.escape(n[:3]) + _optional(n[3:-1]) for n in every if len(n) > _LEAST),
            before=_IN_SQL, after=r"(?=[{$#%<&@]|[\"'`]+\s*[+.&|,)])",
        )  # fmt: skip
        between = r"(?:\[_\]|\.\*|[-. /:#~|+%*?])"
        self._apart = _any(between.join(map(re.escape, name.split("_"))) for name in in_parts)
        self._parts = [
            [part for part in name.split("_") if len(part) >= _LEAST] for name in in_parts
        ]
        words = {part for parts in self._parts for part in parts}
        self._words = _any(map(re.escape, words), before="(?<=[\"'`])", after="(?=[\"'`])")
        self._needed = words
        long = sorted(name for name in every if len(name) > _LEAST)
        self._codes = [code for name in long for code in _codes(name)]
        self._numbers = _any(_numbers(spelled) for name in long for spelled in (name, name.upper()))

    def find(self, text: str) -> Found:
        """Yield the place of each, and what it may be."""
        decoded = _ESCAPE.sub(_meant, text)
        bare = _GAPS.sub("", decoded)
        if len(self._plain.findall(bare)) != len(self._plain.findall(text)):
            yield from self._hidden(text)
        found = list(self._in_part(decoded))
        if found and decoded != text:
            placed = _replaced(Placed.at(text), _ESCAPE)
            found = [(placed.place(at), message) for at, message in found]
        yield from found

    def _hidden(self, text: str) -> Found:
        placed = _replaced(_replaced(Placed.at(text), _ESCAPE), _GAPS)
        for match in self._plain.finditer(placed.text):
            at = placed.place(match.start())
            if text[at : at + len(match[0])] != match[0]:
                yield at, f"{match[0]} is written by escapes, or put together"

    def _in_part(self, text: str) -> Found:
        for match in self._cut.finditer(text):
            yield match.end() - 1, f"a part of a name is put in at run time: {match[0]}"
        codes = [text.index(code) for code in self._codes if code in text]
        for at in [*codes, *(m.start() for m in self._numbers.finditer(text))]:
            yield at, f"{text[at : at + 12]}\u2026 is a name in code"
        lower = text.lower()
        if not any(word in lower for word in self._needed):
            return
        for match in self._begins.finditer(text):
            yield match.start(), f"a name may begin with {match[0]}: its rest is put in at run time"
        for match in self._ends.finditer(text):
            if not _TEXT_BEFORE.search(text, max(0, match.start() - 24), match.start()):
                yield match.start(), f"a name may end in {match[0]}: the rest is put in at run time"
        for match in self._apart.finditer(text):
            if self._is_changed(text, match):
                yield match.start(), f"{match[0]} may be made a name"
        yield from self._joined(text)

    def _is_changed(self, text: str, match: re.Match[str]) -> bool:
        """Whether the parts, with another sign between them, may become the name."""
        if not match[0].replace("-", "").isalpha():
            sign = match[0].strip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
            if sign in ("%", "*", ".*", "?", "[_]"):
                return True  # the pattern of a name
        elif match[0].isupper() or _is_symbol(text, *match.span()):
            return True  # COBOL and Lisp write names with a hyphen
        start, end = max(0, match.start() - _NEAR), match.end() + _NEAR
        return _CHANGE.search(text, start, end) is not None

    def _joined(self, text: str) -> Found:
        """Yield the parts that are texts of their own, where an underscore is put between some."""
        found = [(m.start(), m[0].lower()) for m in self._words.finditer(text)]
        if not found or _JOINT.search(text) is None:
            return
        words = {word for _, word in found}
        whole = any(parts and words.issuperset(parts) for parts in self._parts)
        for at, word in found:
            if whole or _JOINT.search(text, max(0, at - _NEAR), at + _NEAR):
                yield at, f"{word} may be joined to a name"
                return


def _is_symbol(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return before == ":" or (before == "'" and after != "'")


@lru_cache(maxsize=8)
def disguises(names: frozenset[str]) -> Disguises:
    """The ways to hide the names, made once."""
    return Disguises(names)


def _any(patterns: Iterable[str], *, before: str = "", after: str = "") -> re.Pattern[str]:
    """A search for any of the patterns; for nothing where there is none."""
    listed = "|".join(sorted(patterns, key=lambda pattern: (-len(pattern), pattern)))
    return re.compile(f"{before}(?:{listed or '(?!)'}){after}", re.I)


def _optional(letters: str) -> str:
    """A pattern of as many of the letters as follow."""
    pattern = ""
    for letter in reversed(letters):
        pattern = f"(?:{re.escape(letter)}{pattern})?"
    return pattern


def _beginning(name: str) -> str:
    """A pattern of any beginning of the name that ends behind an underscore, or later."""
    for at, letter in enumerate(name):
        if letter == "_" and at >= _LEAST:
            return f"{re.escape(name[:at])}(?:{_GAP})?_{_optional(name[at + 1 : -1])}"
    return "(?!)"


def _end(name: str) -> str:
    """A pattern of any end of the name that starts at an underscore, or before it."""
    last = name.rfind("_", 0, len(name) - _LEAST)
    rest = f"_(?:{_GAP})?{re.escape(name[last + 1 :])}"
    return "|".join(re.escape(name[at:last]) + rest for at in range(1, last + 1)) or "(?!)"


def _codes(name: str) -> Iterator[str]:
    """The name backwards, in base64, and in hexadecimal digits."""
    yield name[::-1]
    for raw in (name.encode(), name.upper().encode()):
        yield raw.hex()
        yield raw.hex().upper()
        for shift in range(3):
            code = base64.b64encode(b"\0" * shift + raw).decode()
            yield code[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]


def _numbers(name: str) -> str:
    """A pattern of the numbers of the name's letters, in a list or in calls."""
    first, *rest = (f"(?:{code}|0x{code:02x})" for code in name.encode())
    return f"\\b{first}" + "".join(rf"\D{{1,12}}{code}" for code in rest)


def _meant(escape: re.Match[str]) -> str:
    """What an escape stands for. A line that goes on is nothing."""
    if number := escape["unicode"] or escape["url"]:
        return chr(int(number, 16))
    if code := escape["code"] or escape["octal"]:
        return unescaped("\\" + code)
    return html.unescape(escape[0]) if escape["entity"] else "_" * bool(escape["low"])


def _replaced(placed: Placed, pattern: re.Pattern[str]) -> Placed:
    meant = _meant if pattern is _ESCAPE else lambda match: ""
    return placed.replaced([(*m.span(), meant(m)) for m in pattern.finditer(placed.text)])
