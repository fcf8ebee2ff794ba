"""Show rewritten statements as a unified diff, or write them into the files."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.read.scan_file import decode
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
    for outcome in outcomes:
        if not any(rewritten.edits for rewritten in outcome.rewrites):
            continue
        text, _ = decode(Path(outcome.path).read_bytes())
        changed = new_text(text, outcome)
        if changed == text:
            continue
        for line in difflib.unified_diff(
            _lines(text), _lines(changed),
            f"a/{outcome.path.lstrip('/')}", f"b/{outcome.path.lstrip('/')}",
        ):  # fmt: skip
            if line.endswith("\n"):
                yield line
            else:
                yield line + "\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Split at newlines only. str.splitlines also splits at form feeds and the like."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def apply_to_files(outcomes: Sequence[FileOutcome]) -> int:
    """Write the new text into each file. Encoding, byte order mark and line ends stay."""
    written = 0
    for outcome in outcomes:
        if not any(rewritten.edits for rewritten in outcome.rewrites):
            continue
        path = Path(outcome.path)
        raw = path.read_bytes()
        text, remark = decode(raw)
        changed = new_text(text, outcome)
        if changed == text:
            continue
        encoding = "utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8"
        if remark:
            encoding = "utf-16" if "UTF-16" in remark else "cp1252"
        path.write_bytes(changed.encode(encoding))
        written += 1
    return written
