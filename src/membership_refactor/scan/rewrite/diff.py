"""Show rewritten statements as a unified diff, or write them into the files."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.read.encoding import Decoded, decode
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
    for path, file, changed in _changed(outcomes):
        name = path.lstrip("/")
        lines = difflib.unified_diff(_lines(file.text), _lines(changed), f"a/{name}", f"b/{name}")
        for line in lines:
            yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _changed(outcomes: Sequence[FileOutcome]) -> Iterator[tuple[str, Decoded, str]]:
    """Yield path, file and new text of every file that changes."""
    for outcome in outcomes:
        if any(rewritten.edits for rewritten in outcome.rewrites):
            file = decode(Path(outcome.path).read_bytes())
            changed = new_text(file.text, outcome) if file is not None else ""
            if file is not None and changed != file.text:
                yield outcome.path, file, changed


def _lines(text: str) -> list[str]:
    """Split at newlines only. str.splitlines also splits at form feeds and the like."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def apply_to_files(outcomes: Sequence[FileOutcome]) -> int:
    """Write the new text into each file. Encoding, byte order mark and line ends stay."""
    written = 0
    for path, file, changed in _changed(outcomes):
        Path(path).write_bytes(file.encode(changed))
        written += 1
    return written
