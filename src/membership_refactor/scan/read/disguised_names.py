"""Find names that a plain search misses: written by escapes, put together, or only in part.

No grammar is needed, so that it holds for every kind of file. What could make a name of the plan
and was not read leaves its place open.
"""

from __future__ import annotations

import base64
import bz2
import codecs
import contextlib
import html
import lzma
import re
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache

from membership_refactor.scan.parse.piece import Placed
from membership_refactor.scan.parse.put_in import BEFORE_TABLE
from membership_refactor.scan.read.grammars import unescaped

_ESCAPE = re.compile(
    r"[\\!^~@&=+%](?:(?<=[\\!^~@])\+?(?P<unicode>00(?:00)?[2-7][0-9a-f])"
    r"|(?<=\\)\\{0,3}(?P<code>(?-i:U[0-9A-Fa-f]{8})|N\{[^}\n]{1,60}\}|x\{[0-9a-f]{1,6}\}"
    r"|x[0-9a-f]{2}|u\{[0-9a-f]{1,6}\}|u+[0-9a-f]{4}|[01][0-7]{2}|[_.-])"
    r"|(?<=\\)o\{(?P<octal>[0-7]{1,6})\}|(?<=[\\=])(?P<line>\r?\n[ \t]*)"
    r"|(?<=&)(?P<entity>(?:\#x[0-9a-f]{1,6}|\#\d{1,7}|lowbar|UnderBar);)"
    r"|(?<=[=+])(?P<low>5F|AF8-)|(?<=%)(?P<url>[2-7][0-9a-f]))",
    re.I,
)
"""Escapes of programs, of U& names, XML, URLs and mail; and a line that goes on in the next."""
_GAP = (
    r"(?:[\"'`](?:(?:(?:/\*[^*]{0,80}\*/|(?://|--|\#)[^\n\"'`]{0,80}\n|[^A-Za-z0-9\"'`]"
    r"|[A-Za-z][A-Za-z.]{0,30}+\s*+\(|(?:95|0x5f|&h5f)\b){1,60}+(?:[A-Za-z]{1,2}&?)?)?[\"'`])?"
    r"|\n {6}-[ \t]+[\"'])"
)
"""Between two texts that follow each other: signs, calls such as ``.append(``, comments."""
_GAPS = re.compile(_GAP, re.I)
_PUT_IN_AFTER = r"(?=[{$#%<&@?*\[^]|\.[*+]|\\[(w]|[\"'`](?!\s*[+.&|<]*\s*[\"'`]))"
_PUT_IN_BEFORE = r"(?:(?<=[}%\])*?^#~|@/\"'`])|(?<=>)(?<!->)|(?<=\w__)|(?<=%[sdv])|&\w{1,30}[.;])"
_TEXT_BEFORE = re.compile(r"\w[\"'`](?:\s*[+.&|<]{1,2}\s*|\s+)[\"'`]\Z")
_PUT_IN = (
    r"(?:[\"'`]\s*\)?\s*[+.&|,]{1,2}[^\"'`;{}\n]{1,60}[+.&|,(]{1,2}\s*[\"'`]"
    r"|[^\s,;\"'`]{0,60}[}%)\]>])"
)
_LISTED = (
    r"\b(?:relname|table_?name)\W{1,4}(?:not\s+)?(?:i?like|~\*?|rlike|regexp|similar\s+to)\W{1,6}"
    r"[^'\"\n]{0,40}?"
)
"""Before a pattern of names of tables."""
_JOINT = re.compile(r"([\"'`])_\1|[}\])%]_[{%$#&<]|%[sdv]_%")
"""What puts an underscore between two parts."""
_JOINS_TWO = re.compile(
    r"[}\])%]_[{%$#&<]|%[sdv]_%|([\"'`])_\1\s*(?:[+&~]|\|\||\.join)|\.join\(\s*([\"'`])_\2"
)
_IN_PATTERN = re.compile(r"[%*?\[{\"'`]")
_CHANGE = re.compile(
    r"replac|gsub|\btr\b|translat|underscore|snake|join|split|substitut|\bsub\w*\(|strtr|printf"
    r"|format|parameteri[sz]e|tableize|\bs/|##",
    re.I,
)
"""What makes another text of one."""
_NEAR = 120
_LEAST = 4
"""So many letters of a name are a sign of it."""

_COMPRESSED = re.compile(
    r"(?<![A-Za-z0-9+/])(?:H4sI|eJ[w-z]|eN[m-z]|QlpoO|/Td6WFo|KLUv/)[A-Za-z0-9+/\s]{20,}={0,2}"
    r"|\b1[fF]8[bB]08[0-9a-fA-F\s]{30,}"
)
"""What gzip, zlib, bzip2, xz and zstd write, as text."""
_MOST = 20_000_000
"""So many bytes of a compressed text are read."""

Found = Iterator[tuple[int, str]]


class Disguises:
    """The ways to hide one of the names."""

    def __init__(self, names: frozenset[str]) -> None:
        in_parts = {name for name in names if "_" in name.strip("_")}
        every = names - {name.replace("_", "") for name in in_parts}
        long = sorted(name for name in every if len(name) > _LEAST)
        self._plain = _any(re.escape(name).replace("_", "_?") for name in every)
        first = _either(re.escape(name[:3]) + _optional(name[3:-1]) for name in long)
        last = _either(re.escape(n[at:]) for n in long for at in range(1, len(n) - _LEAST + 1))
        last += "(?![a-z0-9_])"
        self._in_sql = re.compile(
            rf"{BEFORE_TABLE}\s+(?:[\w\"`\[]{{1,64}}\.)?[\"`\[]?"
            rf"(?:{first}(?=[{{$#%<&@]|[\"'`]+\s*[+.&|,)])|{_PUT_IN}{last})"
        )
        self._middle = re.compile(rf"{first}(?<=\w{{{_LEAST}}}){_PUT_IN}{last}")
        heads, tails = ({n.split("_")[end] for n in in_parts} for end in (0, -1))
        head, tail = (
            _either(word for word in words if len(word) > _LEAST)
            for words in ({*heads, *map(str.title, heads)}, set(map(str.title, tails)))
        )
        self._camel = re.compile(
            rf"[\"'`]{head}(?:[\"'`]\s*\+\s*(?![\"'`\s])|\$\{{)"
            rf"|(?:[\w)\]]\s*\+\s*[\"'`]|\$\{{[^{{}}]{{1,60}}\}}){tail}[\"'`]"
        )
        self._begins = _any(map(_beginning, in_parts), after=_PUT_IN_AFTER)
        self._ends = [end for name in in_parts if (end := _end(name))]
        between = rf"(?:{_PUT_IN}|\[[^\]\n]{{1,6}}\]|\.\*|, ?|[-. /:#~|+%*?])"
        more = r"(?:__|_?[a-z0-9]\w{0,6}?)"  # letters that may be taken out again
        self._apart = _any(
            before + joint.join(map(re.escape, name.split("_"))) + after
            for name in in_parts
            for before, joint, after in (
                ("", between, ""), ("(?<=[\"'`])", more, "(?=[\"'`])"),
            )
        )  # fmt: skip
        self._parts = [{p for p in name.split("_") if len(p) >= _LEAST} for name in in_parts]
        self._words = {word for parts in self._parts for word in parts}
        words = [re.escape(word) for word in self._words]
        self._quoted = _any(f"{word}(?<=[\"'`]{word})(?=[\"'`])" for word in words)
        self._given = _any([f"({_either(words)})"], before=r"[:=]\s*[\"'`]", after=r"(?=[\"'`])")
        self._listed = _any(words, before=_LISTED)
        self._codes = [code for name in long for code in _codes(name)]
        self._numbers = [
            (raw[:3], _any([_numbers(raw)]))
            for name in long
            for raw in (name.encode(), name.upper().encode())
        ]

    def find(self, text: str) -> Found:
        """Yield the place of each, and what it may be."""
        decoded = _ESCAPE.sub(_meant, text)
        bare = _GAPS.sub("", decoded).lower()
        if len(self._plain.findall(bare)) != len(self._plain.findall(text.lower())):
            placed = _replaced(_replaced(Placed.at(text), _ESCAPE), _GAPS)
            for match in self._plain.finditer(_lower(placed.text)):
                at, name = placed.place(match.start()), placed.text[slice(*match.span())]
                if text[at : at + len(name)] != name:
                    yield at, f"{name} is written by escapes, or put together"
        found = list(self._in_part(decoded))
        if found and decoded != text:
            placed = _replaced(Placed.at(text), _ESCAPE)
            found = [(placed.place(at), message) for at, message in found]
        yield from found

    def parts(self, text: str) -> Found:
        """Yield the place of each part that is given to a name, and of what joins two parts."""
        lower = _lower(text)
        if any(word in lower for word in self._words):
            yield from ((match.start(1), match[1]) for match in self._given.finditer(lower))
        if (joint := _JOINS_TWO.search(lower)) is not None:
            yield joint.start(), "_"

    def _in_part(self, text: str) -> Found:
        lower = _lower(text)
        for match in self._in_sql.finditer(lower):
            yield match.end() - 1, f"a part of a name is put in at run time: {match[0]}"
        for match in self._middle.finditer(lower):
            yield match.start(), f"the middle of a name is put in at run time: {match[0]}"
        for at in self._in_code(text, lower):
            yield at, f"{text[at : at + 12]}\u2026 is a name in code"
        if not any(word in lower for word in self._words):
            return
        for match in self._camel.finditer(text):
            yield match.start(), f"the rest of a name is put in at run time: {match[0]}"
        for match in self._listed.finditer(lower):
            yield match.end() - 1, f"names of tables are looked for: {match[0]}"
        for match in self._begins.finditer(lower):
            at = match.start()
            if not lower[at - 1 : at].isalnum():
                yield at, f"a name may begin with {match[0]}: its rest is put in at run time"
        for last, before in self._ends:
            for match in last.finditer(lower):
                found = before.search(lower, max(0, match.start() - _NEAR), match.start())
                start, end = found.start() if found is not None else 0, match.end()
                folder = lower[start - 1] == "/" != lower[end : end + 1]
                known = _TEXT_BEFORE.search(lower, max(0, start - 24), start)
                if found is not None and not (folder or known):
                    name = f"a name may end in {lower[start:end]}"
                    yield match.start(), f"{name}: the rest is put in at run time"
        for match in self._apart.finditer(lower):
            if self._is_changed(text, match):
                yield match.start(), f"{match[0]} may be made a name"
        yield from self._joined(lower)

    def _in_code(self, text: str, lower: str) -> Iterator[int]:
        yield from (text.index(code) for code in self._codes if code in text)
        for match in _COMPRESSED.finditer(text):
            inside, sure = _unpacked(match[0]), not match[0].startswith("e")  # zlib's is a word
            if (sure and inside is None) or self._plain.search((inside or "").lower()):
                yield match.start()
        for first, pattern in self._numbers:
            if all(str(code) in lower or f"{code:02x}" in lower for code in first):
                yield from (match.start() for match in pattern.finditer(lower))

    def _is_changed(self, text: str, match: re.Match[str]) -> bool:
        """Whether the parts, with another sign between them, may become the name."""
        name = text[slice(*match.span())]
        if _IN_PATTERN.search(name):
            return True
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        symbol = before == ":" or (before == "'" and after != "'")
        if "-" in name and (name.isupper() or symbol):
            return True  # COBOL and Lisp write names with a hyphen
        start, end = max(0, match.start() - _NEAR), match.end() + _NEAR
        return _CHANGE.search(text, start, end) is not None

    def _joined(self, lower: str) -> Found:
        """Yield the parts that are texts of their own, where an underscore is put between some."""
        found = [(m.start(), m[0]) for m in self._quoted.finditer(lower)]
        if not found or _JOINT.search(lower) is None:
            return
        words = {word for _, word in found}
        whole = any(parts and words.issuperset(parts) for parts in self._parts)
        for at, word in found:
            if whole or _JOINT.search(lower, max(0, at - _NEAR), at + _NEAR):
                yield at, f"{word} may be joined to a name"
                return


@lru_cache(maxsize=8)
def disguises(names: frozenset[str]) -> Disguises:
    """The ways to hide the names, made once."""
    return Disguises(names)


def _either(patterns: Iterable[str]) -> str:
    """A pattern of any of the patterns; of nothing where there is none."""
    listed = "|".join(sorted(patterns, key=lambda pattern: (-len(pattern), pattern)))
    return f"(?:{listed or '(?!)'})"


def _any(patterns: Iterable[str], *, before: str = "", after: str = "") -> re.Pattern[str]:
    """A search in small letters."""
    return re.compile(f"{before}{_either(patterns)}{after}")


def _lower(text: str) -> str:
    """The text in small letters, each at its place."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower()[:1] for c in text)


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


def _end(name: str) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
    """The name's last part, and a pattern of what may stand before it; None if it is short."""
    last = name.rfind("_", 0, len(name) - _LEAST)
    if last < 1:
        return None
    heads = "|".join(re.escape(name[at:last]) for at in range(1, last + 1))
    before = re.compile(rf"{_PUT_IN_BEFORE}(?:{heads})_(?:{_GAP})?\Z")
    return re.compile(re.escape(name[last + 1 :]) + "(?![a-z0-9])"), before


def _codes(name: str) -> Iterator[str]:
    """The name backwards, in rot13, in base64, and in hexadecimal digits."""
    turned = codecs.encode(name, "rot13")
    yield from (name[::-1], name[::-1].upper(), turned, turned.upper())
    for raw in (name.encode(), name.upper().encode(), name.encode("utf-16-le")):
        yield raw.hex()
        yield raw.hex().upper()
        for shift in range(3):
            code = base64.b64encode(b"\0" * shift + raw).decode()
            yield code[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]


def _unpacked(code: str) -> str | None:
    """The text that was compressed and written in base64 or hexadecimal digits; None for others."""
    packed = "".join(code.split())
    for format_ in (zlib.decompressobj(wbits=47), bz2.BZ2Decompressor(), lzma.LZMADecompressor()):
        with contextlib.suppress(ValueError, OSError, EOFError, zlib.error, lzma.LZMAError):
            hexadecimal = packed[:4].lower() == "1f8b"
            raw = bytes.fromhex(packed) if hexadecimal else base64.b64decode(f"{packed}===")
            return format_.decompress(raw, _MOST).replace(b"\0", b"").decode("latin-1")
    return None


def _numbers(name: bytes) -> str:
    """A pattern of the numbers of the name's letters, in a list or in calls."""
    first, *rest = (f"(?:{code}|(?:0x)?{code:02x})" for code in name)
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
