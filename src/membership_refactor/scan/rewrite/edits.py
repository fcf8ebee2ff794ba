"""Make edits of a text, place them in its file, show them as a diff or write them."""

from __future__ import annotations

import contextlib
import difflib
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from membership_refactor.consumers import Look
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.parse.piece import Edit, Placed, applied
from membership_refactor.scan.read.encoding import Decoded, decode, digest


class Overlap(Exception):
    """Raised where two edits change the same characters."""


def ordered(edits: Sequence[Edit]) -> list[Edit]:
    """Sort the edits; the same edit twice counts once. Raises Overlap."""
    result = sorted(dict.fromkeys(edits), key=lambda e: (e.start, e.end))
    for one, other in itertools.pairwise(result):
        if other.start < one.end or (one.start == other.start and one.end == other.end):
            raise Overlap
    return result


def in_file(
    edits: Sequence[Edit], placed: Placed, file_text: str, *, escape: str = ""
) -> tuple[Edit, ...] | None:
    """The edits at the file's offsets. None where the file does not hold the same text there."""
    result = []
    for edit in edits:
        start = placed.place(edit.start)
        end = placed.place(edit.end - 1) + 1 if edit.end > edit.start else start
        if file_text[start:end] != placed.text[edit.start : edit.end]:
            return None
        new = edit.text.replace(escape, "\\" + escape) if escape else edit.text
        result.append(Edit(start, end, new))
    return tuple(result)


def new_text(text: str, outcome: FileOutcome) -> str:
    """The text of the file with every statement in its new form."""
    kept: list[Edit] = []
    for rewritten in outcome.rewrites:
        # Two readings of one text, such as a constant of two statements: the first one counts.
        with contextlib.suppress(Overlap):
            kept = ordered([*kept, *rewritten.edits])
    return applied(text, kept)


def unified(outcomes: Sequence[FileOutcome]) -> Iterator[str]:
    """Yield the diff's lines, for ``patch -p1`` and ``git apply``."""
    for outcome, file in _changing(outcomes):
        if file is None:
            continue
        name, new = outcome.path.lstrip("/"), new_text(file.text, outcome)
        lines = difflib.unified_diff(_lines(file.text), _lines(new), f"a/{name}", f"b/{name}")
        for line in lines:
            yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _changing(outcomes: Sequence[FileOutcome]) -> Iterator[tuple[FileOutcome, Decoded | None]]:
    """Yield each file in which something changes. None for one that is not as it was read."""
    for outcome in outcomes:
        if outcome.digest and any(rewritten.edits for rewritten in outcome.rewrites):
            raw = Path(outcome.path).read_bytes()
            yield outcome, decode(raw) if digest(raw) == outcome.digest else None


def _lines(text: str) -> list[str]:
    """Split at newlines only. str.splitlines also splits at form feeds and the like."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def apply_to_files(
    outcomes: Sequence[FileOutcome], again: Callable[[FileOutcome], FileOutcome]
) -> list[tuple[str, str]]:
    """Write the new text into each file. Encoding, byte order mark and line ends stay.

    Each file is read again afterwards, by ``again``. Where that is not what was to be written, or
    where fewer statements are understood than before, the file gets its old bytes back. Returns
    each path, and why its file is as before; empty where it was written.
    """
    result = []
    for outcome, file in _changing(outcomes):
        path, why = Path(outcome.path), "it changed after it was read: scan again"
        if file is not None:
            before, changed = path.read_bytes(), new_text(file.text, outcome)
            path.write_bytes(file.encode(changed))
            now = decode(path.read_bytes())
            if now is None or now.text != changed or now.encoding != file.encoding:
                why = "the new text cannot be read again in the same encoding"
            else:
                why = _worse(outcome, again(outcome))
            if why:
                path.write_bytes(before)
        result.append((outcome.path, why))
    return result


def _worse(before: FileOutcome, after: FileOutcome) -> str:
    """Why the new file is less than the old one; empty where it is not."""
    if after.statements != before.statements:
        return f"it had {before.statements} statements and would have {after.statements}"
    not_read = {Look.UNPARSED, Look.FRAGMENT, Look.SKIPPED}
    old, new = (sum(n.look in not_read for n in found.notes) for found in (before, after))
    return "a statement of the new text cannot be parsed" if new > old else ""
