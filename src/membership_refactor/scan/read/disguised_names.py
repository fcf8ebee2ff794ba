"""Find names that a plain search misses: written by escapes, put together, or only in part.

No grammar is needed, so that it holds for every kind of file. What could make a name of the plan
and was not read leaves its place open.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from membership_refactor.scan.parse.piece import Placed, small
from membership_refactor.scan.parse.put_in import BEFORE_TABLE
from membership_refactor.scan.read.coded_names import Codes
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
_JOINTS = [f"_{sign}" for sign in "{%$#&<\"'`"]
"""One of these is in each."""
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
_SHORT = 3
"""So many are one where the rest of the name stands in the same file."""

Found = Iterator[tuple[int, str]]


class Disguises:
    """The ways to hide one of the names."""

    def __init__(self, names: frozenset[str]) -> None:
        in_parts = {name for name in names if "_" in name.strip("_")}
        every = names - {name.replace("_", "") for name in in_parts}
        long = sorted(name for name in every if len(name) > _LEAST)
        self._plain = _any(re.escape(name).replace("_", "_?") for name in every)
        self._codes = Codes(long, self._plain)
        first, last = (_either(map(half, long)) for half in (_first, _last))
        self._in_sql = re.compile(
            rf"{BEFORE_TABLE}\s+(?:[\w\"`\[]{{1,64}}\.)?[\"`\[]?"
            rf"(?:{first}(?=[{{$#%<&@]|[\"'`]+\s*[+.&|,)])|{_PUT_IN}{last})"
        )
        self._middle = re.compile(rf"{first}(?<=\w{{{_LEAST}}}){_PUT_IN}{last}")
        self._halves = [
            (
                name,
                re.compile(rf"(?<![a-z0-9_])({_first(name)}){_PUT_IN_AFTER}"),
                re.compile(rf"{_PUT_IN_BEFORE}({_last(name, _SHORT)})"),
            )
            for name in long
        ]
        head = _either(w for n in in_parts if len(w := n.split("_")[0]) > _LEAST)
        tail = _either(w.title() for n in in_parts if len(w := n.split("_")[-1]) > _LEAST)
        self._camel = re.compile(
            rf"[\"'`](?i:{head})(?:[\"'`]\s*\+\s*(?![\"'`\s])|\$\{{)"
            rf"|(?:[\w)\]]\s*\+\s*[\"'`]|\$\{{[^{{}}]{{1,60}}\}}){tail}[\"'`]"
        )
        self._begins = _any(map(_beginning, in_parts), before="(?<![a-z0-9])", after=_PUT_IN_AFTER)
        self._ends = _any(
            [f"({_either(map(_ending, in_parts))})"], before=_PUT_IN_BEFORE, after="(?![a-z0-9])"
        )
        between = rf"(?:{_PUT_IN}|\[[^\]\n]{{1,6}}\]|\.\*|, ?|[-. /:#~|+%*?])"
        more = r"(?:__|_?[a-z0-9]\w{0,6}?)"  # letters that may be taken out again
        apart = [[re.escape(part) for part in name.split("_")] for name in in_parts]
        quoted = (rf"(?<=[\"'`]){more.join(parts)}(?=[\"'`])" for parts in apart)
        self._apart = _any([*map(between.join, apart), *quoted])
        self._parts = [{p for p in name.split("_") if len(p) >= _LEAST} for name in in_parts]
        self._words = {word for parts in self._parts for word in parts}
        words = [re.escape(word) for word in self._words]
        self._quoted = _any(f"{word}(?<=[\"'`]{word})(?=[\"'`])" for word in words)
        self._given = _any([f"({_either(words)})"], before=r"[:=]\s*[\"'`]", after=r"(?=[\"'`])")
        self._listed = _any(words, before=_LISTED)

    def find(self, text: str) -> Found:
        """Yield the place of each, and what it may be."""
        read = _replaced(Placed.at(text), _ESCAPE)
        bare = _GAPS.sub("", read.text).lower()
        if len(self._plain.findall(bare)) != len(self._plain.findall(text.lower())):
            whole = _replaced(read, _GAPS)
            for match in self._plain.finditer(small(whole.text)):
                at, name = whole.place(match.start()), whole.text[slice(*match.span())]
                if text[at : at + len(name)] != name:
                    yield at, f"{name} is written by escapes, or put together"
        for at, message in self._in_part(read.text):
            yield read.place(at), message

    def parts(self, text: str) -> Found:
        """Yield the place of each part that is given to a name, and of what joins two parts."""
        lower = small(text)
        if any(word in lower for word in self._words):
            yield from ((match.start(1), match[1]) for match in self._given.finditer(lower))
        joins = any(sign in lower for sign in _JOINTS)
        if joins and (joint := _JOINS_TWO.search(lower)) is not None:
            yield joint.start(), "_"

    def _in_part(self, text: str) -> Found:
        lower = small(text)
        for match in self._in_sql.finditer(lower):
            yield match.end() - 1, f"a part of a name is put in at run time: {match[0]}"
        for match in self._middle.finditer(lower):
            yield match.start(), f"the middle of a name is put in at run time: {match[0]}"
        for at in self._codes.places(text, lower):
            yield at, f"{text[at : at + 12]}\u2026 is a name in code"
        yield from self._cut(lower)
        if not any(word in lower for word in self._words):
            return
        for match in self._camel.finditer(text) if "+" in text or "${" in text else ():
            yield match.start(), f"the rest of a name is put in at run time: {match[0]}"
        for match in self._listed.finditer(lower):
            yield match.end() - 1, f"names of tables are looked for: {match[0]}"
        for match in self._begins.finditer(lower):
            message = f"a name may begin with {match[0]}: its rest is put in at run time"
            yield match.start(), message
        for match in self._ends.finditer(lower):
            start, end = match.span(1)
            folder = lower[start - 1] == "/" != lower[end : end + 1]
            if not (folder or _TEXT_BEFORE.search(lower, max(0, start - 24), start)):
                yield start, f"a name may end in {match[1]}: the rest is put in at run time"
        for match in self._apart.finditer(lower):
            if self._is_changed(text, match):
                yield match.start(), f"{match[0]} may be made a name"
        yield from self._joined(lower)

    def _cut(self, lower: str) -> Found:
        """Yield the end of each name whose other pieces stand in the same text."""
        for name, head, tail in self._halves:
            known = {len(match[1]) for match in head.finditer(lower)}
            for at in range(_SHORT, len(name)) if known else ():
                ends = range(at + 1, len(name)) if at in known else ()
                pieces = {end: rf"[\"'`]{re.escape(name[at:end])}[\"'`]" for end in ends}
                known |= {end for end, piece in pieces.items() if re.search(piece, lower)}
            for match in tail.finditer(lower) if known else ():
                if len(name) - len(match[1]) in known:
                    yield match.start(1), f"{match[1]} may end a name that begins in this file"

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


disguises = lru_cache(maxsize=8)(Disguises)
"""The ways to hide names, made once."""


def _either(patterns: Iterable[str]) -> str:
    """A pattern of any of the patterns; of nothing where there is none."""
    listed = "|".join(sorted(patterns, key=lambda pattern: (-len(pattern), pattern)))
    return f"(?:{listed or '(?!)'})"


def _any(patterns: Iterable[str], *, before: str = "", after: str = "") -> re.Pattern[str]:
    """A search in small letters."""
    return re.compile(f"{before}{_either(patterns)}{after}")


def _optional(letters: str) -> str:
    """A pattern of as many of the letters as follow."""
    pattern = ""
    for letter in reversed(letters):
        pattern = f"(?:{re.escape(letter)}{pattern})?"
    return pattern


def _first(name: str) -> str:
    """A pattern of the first letters of the name, as many as follow."""
    return re.escape(name[:_SHORT]) + _optional(name[_SHORT:-1])


def _last(name: str, least: int = _LEAST) -> str:
    """A pattern of the last letters of the name, where a word ends."""
    ends = (re.escape(name[at:]) for at in range(1, len(name) - least + 1))
    return f"{_either(ends)}(?![a-z0-9_])"


def _beginning(name: str) -> str:
    """A pattern of any beginning of the name that ends behind an underscore, or later."""
    at = name.find("_", _LEAST)
    rest = f"(?:{_GAP})?_{_optional(name[at + 1 : -1])}"
    return f"{re.escape(name[:at])}{rest}" if at > 0 else "(?!)"


def _ending(name: str) -> str:
    """A pattern of the name's last part, behind any end of those before it."""
    last = name.rfind("_", 0, len(name) - _LEAST)
    heads = _either(re.escape(name[at:last]) for at in range(1, last + 1))
    return f"{heads}_(?:{_GAP})?{re.escape(name[last + 1 :])}"


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
