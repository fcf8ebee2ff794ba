"""Write the outcome as JSON, and compare its findings with those of an earlier scan."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from membership_refactor.errors import WrongUse
from membership_refactor.scan.report.summary import ScanOutcome


def as_json(outcome: ScanOutcome) -> str:
    """Write one JSON document."""
    return json.dumps(document(outcome), indent=2, ensure_ascii=False)


def document(outcome: ScanOutcome) -> dict[str, Any]:
    """Make the document of plain values. A place becomes path, line and column."""
    return {**asdict(outcome, dict_factory=_plain), "findings": outcome.findings}


def _plain(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(fields)
    if (place := plain.pop("place", None)) is not None:
        where = {"path": place["path"], "line": place["line"], "column_number": place["column"]}
        plain = {**where, **plain}
    if "edits" in plain:
        plain["edits"] = [
            dict(zip(("start", "end", "text"), e, strict=True)) for e in plain["edits"]
        ]
    return plain


_HINT = "Make it with: membership-refactor scan … --format json > FILE"
_KINDS = ("references", "tables", "dangers", "notes")
_PLACE = {"path", "line", "column_number", "offset"}


def read_baseline(path: Path) -> Counter[str]:
    """Count the findings of an earlier outcome in JSON. Raises WrongUse."""
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        return Counter(key for file in earlier["files"] for _, key in _keys(file))
    except FileNotFoundError:
        raise WrongUse(f"There is no baseline {path}.", hint=_HINT) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"The baseline {path} is no outcome of a scan: {type(error).__name__}: {error}."
        raise WrongUse(message, hint=_HINT) from None


def leave_out(outcome: ScanOutcome, baseline: Counter[str]) -> int:
    """Take the findings that the baseline has out of the files. Returns how many are new.

    Lines do not count, since they move with every edit: what counts is path, kind and text, and
    how often they occur.
    """
    left = baseline.copy()
    new = 0
    for shown, found in zip(document(outcome)["files"], outcome.files, strict=True):
        keep: dict[str, list[bool]] = {kind: [] for kind in _KINDS}
        for kind, key in _keys(shown):
            keep[kind].append(left[key] <= 0)
            left[key] -= 1
        for kind, stays in keep.items():
            setattr(found, kind, list(itertools.compress(getattr(found, kind), stays)))
        new += len(found.references) + len(found.tables) + len(found.dangers)
        new += sum(note.open for note in found.notes)
    return new


def _keys(file: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield kind and key of each finding, in order."""
    for kind in _KINDS:
        for entry in file[kind]:
            what = {name: value for name, value in entry.items() if name not in _PLACE}
            # A message may name lines.
            text = json.dumps(what, sort_keys=True, ensure_ascii=False).partition(" (line ")[0]
            yield kind, f"{file['consumer']}|{file['path']}|{kind}|{text}"
