"""Find names in code: backwards, rot13, base64, hexadecimal digits, numbers, compressed text."""

from __future__ import annotations

import base64
import bz2
import codecs
import contextlib
import lzma
import re
import zlib
from collections.abc import Iterable, Iterator

_COMPRESSED = re.compile(
    r"(?<![A-Za-z0-9+/])(?:H4sI|eJ[w-z]|eN[m-z]|QlpoO|/Td6WFo|KLUv/)[A-Za-z0-9+/\s]{20,}={0,2}"
    r"|\b1[fF]8[bB]08[0-9a-fA-F\s]{30,}"
)
"""What gzip, zlib, bzip2, xz and zstd write, as text."""
_STARTS = ("H4sI", "eJ", "eN", "QlpoO", "/Td6WFo", "KLUv/")
_MOST = 20_000_000
"""So many bytes of a compressed text are read."""


class Codes:
    """The names in every code. ``plain`` finds the names as they are, in small letters."""

    def __init__(self, names: Iterable[str], plain: re.Pattern[str]) -> None:
        self._plain = plain
        both = [written for name in names for written in (name, name.upper())]
        self._codes = [code for written in both for code in _codes(written)]
        self._numbers = [_numbers(written.encode()) for written in both]
        self._begun = re.compile("|".join(begun for _, _, begun in self._numbers) or "(?!)")

    def places(self, text: str, lower: str) -> Iterator[int]:
        """Yield where each begins. ``lower`` is the text in small letters."""
        yield from (text.index(code) for code in self._codes if code in text)
        begun = any(start in text for start in _STARTS) or "1f8b08" in lower
        for match in _COMPRESSED.finditer(text) if begun else ():
            inside, sure = _unpacked(match[0]), not match[0].startswith("e")  # zlib's is a word
            if (sure and inside is None) or self._plain.search((inside or "").lower()):
                yield match.start()
        if not any(all(d in lower or x in lower for d, x in one) for one, _, _ in self._numbers):
            return
        for _, pattern, _ in self._numbers if self._begun.search(lower) else ():
            yield from (match.start() for match in re.finditer(pattern, lower))


def _codes(name: str) -> Iterator[str]:
    yield from (name[::-1], codecs.encode(name, "rot13"))
    for raw in (name.encode(), name.encode("utf-16-le")):
        yield from (raw.hex(), raw.hex().upper())
        for shift in range(3):
            code = base64.b64encode(b"\0" * shift + raw).decode()
            yield code[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]


def _numbers(name: bytes) -> tuple[list[tuple[str, str]], str, str]:
    """The numbers of the first letters, and patterns of all and of the first of them, in a list
    or in calls."""
    codes = [(str(code), f"{code:02x}") for code in name]
    first, *rest = (f"(?:{decimal}|(?:0x)?{digits})" for decimal, digits in codes)
    every = [first, *(rf"\D{{1,12}}{code}" for code in rest)]
    return codes[:3], rf"\b{''.join(every)}", rf"\b{''.join(every[:3])}"


def _unpacked(code: str) -> str | None:
    """The text that was compressed and written in base64 or hexadecimal digits; None for others."""
    packed = "".join(code.split())
    for format_ in (zlib.decompressobj(wbits=47), bz2.BZ2Decompressor(), lzma.LZMADecompressor()):
        with contextlib.suppress(ValueError, OSError, EOFError, zlib.error, lzma.LZMAError):
            hexadecimal = packed[:4].lower() == "1f8b"
            raw = bytes.fromhex(packed) if hexadecimal else base64.b64decode(f"{packed}===")
            return format_.decompress(raw, _MOST).replace(b"\0", b"").decode("latin-1")
    return None
