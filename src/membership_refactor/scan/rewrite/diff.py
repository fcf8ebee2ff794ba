"""Show rewritten statements as a unified diff, or write them into the files."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from membership_refactor.scan.findings.reasons_to_look import Look
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.read.encoding import Decoded, decode, digest
from membership_refactor.scan.rewrite.edits import Edit, Overlap, applied, ordered


def new_text(text: str, outcome: FileOutcome) -> str:
    """The text of the file with every statement in its new form."""
    edits = [Edit(*edit) for rewritten in outcome.rewrites for edit in rewritten.edits]
    try:
        return applied(text, ordered(edits))
    except Overlap:
        # Two readings of one text: a constant that stands in two statements, for instance.
        kept: list[Edit] = []
        for rewritten in outcome.rewrites:
            try:
                kept = ordered([*kept, *(Edit(*edit) for edit in rewritten.edits)])
            except Overlap:
                continue
        return applied(text, kept)


def unified(outcomes: Sequence[FileOutcome]) -> Iterator[str]:
    """Yield the diff's lines, for ``patch -p1`` and ``git apply``."""
    for outcome, file, changed in _changed(outcomes):
        name = outcome.path.lstrip("/")
        lines = difflib.unified_diff(_lines(file.text), _lines(changed), f"a/{name}", f"b/{name}")
        for line in lines:
            yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _changed(outcomes: Sequence[FileOutcome]) -> Iterator[tuple[FileOutcome, Decoded, str]]:
    """Yield outcome, file and new text of every file that changes, if it is as it was read."""
    for outcome in outcomes:
        if _has_edits(outcome):
            raw = Path(outcome.path).read_bytes()
            file = decode(raw) if digest(raw) == outcome.digest else None
            changed = new_text(file.text, outcome) if file is not None else ""
            if file is not None:
                yield outcome, file, changed


def _has_edits(outcome: FileOutcome) -> bool:
    """Whether it is a file, and something in it changes."""
    return outcome.digest != "" and any(rewritten.edits for rewritten in outcome.rewrites)


def _lines(text: str) -> list[str]:
    """Split at newlines only. str.splitlines also splits at form feeds and the like."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


class Applied(NamedTuple):
    """What became of the files that were to change."""

    written: int
    undone: list[tuple[str, str]]
    """Path of each file that is as before, and why."""


def apply_to_files(
    outcomes: Sequence[FileOutcome], again: Callable[[FileOutcome], FileOutcome]
) -> Applied:
    """Write the new text into each file. Encoding, byte order mark and line ends stay.

    Each file is read again afterwards, by ``again``. Where that is not what was to be written, or
    where fewer statements are understood than before, the file gets its old bytes back.
    """
    written = 0
    wanted = {outcome.path for outcome in outcomes if _has_edits(outcome)}
    undone: list[tuple[str, str]] = []
    for outcome, file, changed in _changed(outcomes):
        path = Path(outcome.path)
        wanted.discard(outcome.path)
        before = path.read_bytes()
        path.write_bytes(file.encode(changed))
        after = decode(path.read_bytes())
        if after is None or after.text != changed or after.encoding != file.encoding:
            why = "the new text cannot be read again in the same encoding"
        else:
            why = _worse(outcome, again(outcome))
        if why:
            path.write_bytes(before)
            undone.append((outcome.path, why))
        else:
            written += 1
    changed_since = "it changed after it was read: scan again"
    return Applied(written, [*undone, *((path, changed_since) for path in sorted(wanted))])


def _worse(before: FileOutcome, after: FileOutcome) -> str:
    """Why the new file is less than the old one; empty where it is not."""
    if after.statements != before.statements:
        return f"it had {before.statements} statements and would have {after.statements}"
    not_read = {Look.UNPARSED, Look.FRAGMENT, Look.SKIPPED}
    old, new = (sum(n.look in not_read for n in found.notes) for found in (before, after))
    return "a statement of the new text cannot be parsed" if new > old else ""
