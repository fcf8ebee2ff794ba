"""Find out in which encoding a file is, and whether it is text at all."""

from __future__ import annotations

import codecs
import hashlib
from typing import NamedTuple

NO_TEXT = {
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".ico", ".webp", ".pdf", ".woff", ".woff2", ".ttf",
    ".otf", ".eot", ".mp3", ".mp4", ".wav", ".class", ".pyc", ".so", ".dll", ".exe", ".o", ".a",
}  # fmt: skip
"""Files that are no text. Compiled ones hold their strings as they are, so they are searched."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Decoded(NamedTuple):
    """The text of a file, and how it was read."""

    text: str
    encoding: str
    mark: bytes = b""
    guessed: str = ""
    """Why the encoding is a guess; empty where it is not."""

    def encode(self, text: str) -> bytes:
        """Write another text as this one was written."""
        return self.mark + text.encode(self.encoding)


def decode(raw: bytes) -> Decoded | None:
    """Decode by mark, as UTF-8, as UTF-16 or as cp1252; None for a binary file."""
    mark, first = next((one for one in _MARKS if raw.startswith(one[0])), (b"", "utf-8"))
    why, encodings = "", [first]
    if b"\0" in raw and not mark:
        # Nearly every second byte of usual text in UTF-16 is zero.
        halves = (("utf-16-le", raw[1::2]), ("utf-16-be", raw[::2]))
        zeros = [name for name, half in halves if half.count(0) > 0.9 * len(half)]
        why, encodings = "it has no mark", zeros
    elif not mark and not strange(raw):
        encodings += ["cp1252", "latin-1"]
    for encoding in encodings:
        try:
            return Decoded(raw[len(mark) :].decode(encoding), encoding, mark, why)
        except UnicodeDecodeError as error:
            why = why or f"not UTF-8 (byte {error.start})"
    return None


def digest(raw: bytes) -> str:
    """Tell the bytes of a file from any others."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def strange(raw: bytes) -> bool:
    """Whether a search for ASCII words in these bytes may miss text of another encoding."""
    if raw.isascii():
        return b"\0" in raw
    try:
        return "\0" in raw.decode("utf-8")
    except UnicodeDecodeError:
        # A text of an encoding like cp1252 is mostly ASCII. EBCDIC, for one, is not.
        high = len(raw.translate(None, bytes(range(128))))
        return b"\0" in raw or high > 0.3 * len(raw)
