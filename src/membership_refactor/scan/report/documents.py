"""Write the outcome as text, JSON or SARIF, and leave out what an earlier scan found."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from membership_refactor.consumers import Look
from membership_refactor.errors import WrongUse
from membership_refactor.scan.findings.dangers import CODES
from membership_refactor.scan.findings.values import FileOutcome, Place
from membership_refactor.scan.report.summary import ScanOutcome


class _Entry(NamedTuple):
    """One finding at its place, as it is shown. SARIF has a rule, a level and a length too."""

    place: Place
    text: str
    rule: str = ""
    level: str = "warning"
    length: int = 0


def _entries(found: FileOutcome) -> Iterator[_Entry]:
    for r in found.references:
        what = f"* ({len(r.columns)} columns)" if r.column == "*" else r.column
        gone = ", gone" if r.standing == "gone" else ""
        unsure = "" if r.certain else f" [unsure: {r.why}]"
        rule, level = ("reference", "error") if r.certain else ("unsure-reference", "warning")
        text = f"{r.kind} of {r.table}.{what}{gone}{unsure}"
        yield _Entry(r.place, text, rule, level, len(r.written))
    for use in found.tables:
        yield _Entry(use.place, f"table {use.table}: {use.why}", "table", "error")
    for danger in found.dangers:
        text = f"danger ({danger.code}): {danger.message}"
        yield _Entry(danger.place, text, f"danger-{danger.code}")
    for note in found.notes:
        text = f"{'open' if note.open else 'look at this'} ({note.look}): {note.message}"
        level = "warning" if note.open else "note"
        yield _Entry(note.place, text, f"look-{note.look.name.lower()}", level)


def as_text(outcome: ScanOutcome) -> str:
    """Write one finding to a line, then the table of consumers."""
    lines: list[str] = []
    for found in outcome.files:
        kept = (r for r in found.rewrites if r.new is None or (r.reason and not r.edits))
        left = [_Entry(rewrite.place, f"not rewritten: {rewrite.reason}") for rewrite in kept]
        entries = sorted([*_entries(found), *left], key=lambda e: (e.place.line, e.place.column))
        lines += [f"{entry.place}: {entry.text}" for entry in entries]
    for compared in outcome.comparisons:
        lines.append(f"{compared.place}: {compared.sentence}")
        if compared.example:
            lines += [f"    {line}" for line in compared.example.splitlines()]
        lines += [f"    {remark}" for remark in compared.remarks]
    return "\n".join([*lines, *([""] if lines else []), *_table(outcome)])


def _table(outcome: ScanOutcome) -> Iterator[str]:
    heads = ("consumer", "files", "statements", "references", "unsure", "dangers", "look at", "")
    rows: list[tuple[str, ...]] = [heads]
    for c in outcome.consumers:
        counts = (c.files, c.statements, c.references + c.tables, c.unsure, c.dangers, c.look)
        rows.append((c.name, *map(str, counts), "clear" if c.clear else "not clear"))
    first, *widths, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    for row, why in zip(rows, ("", *(c.why for c in outcome.consumers)), strict=True):
        numbers = map(str.rjust, row[1:-1], widths)
        line = "  ".join([row[0].ljust(first), *numbers, row[-1]]).rstrip()
        yield f"{line}: {why}" if why else line
    for consumer in outcome.consumers:
        for excluded in consumer.excluded:
            yield f"not read for {consumer.name}: {excluded}"
    yield ""
    per_second = outcome.scanned / outcome.seconds if outcome.seconds > 0 else 0
    yield (
        f"{outcome.plan} at {outcome.stage}: {outcome.scanned} files in {outcome.seconds:.1f} s "
        f"({per_second:.0f} a second)"
    )


def as_json(outcome: ScanOutcome) -> str:
    """Write one JSON document."""
    return json.dumps(document(outcome), indent=2, ensure_ascii=False)


def document(outcome: ScanOutcome) -> dict[str, Any]:
    """Make the document of plain values. A place becomes path, line and column."""
    return {**asdict(outcome, dict_factory=_plain), "findings": outcome.findings}


def _plain(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = {name: value for name, value in fields if name != "parts"}
    if (place := plain.pop("place", None)) is not None:
        where = {"path": place["path"], "line": place["line"], "column_number": place["column"]}
        plain = {**where, **plain}
    if "edits" in plain:
        plain["edits"] = [edit._asdict() for edit in plain["edits"]]
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


_RULES = {
    "reference": "A column that the refactoring takes away is used",
    "unsure-reference": "A column that the refactoring takes away may be used",
    "table": "A table that goes, or whose name gets another meaning, is used",
    **{f"danger-{code}": title for code, title in CODES.items()},
    **{f"look-{look.name.lower()}": f"Look at this: {look.value}" for look in Look},
}


def as_sarif(outcome: ScanOutcome, *, version: str = "") -> str:
    """Write one run with a result for each finding and note."""
    results = [_result(entry) for found in outcome.files for entry in _entries(found)]
    rules = [{"id": rule, "shortDescription": {"text": title}} for rule, title in _RULES.items()]
    driver = {"name": "membership-refactor scan", "version": version or "0", "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(entry: _Entry) -> dict[str, Any]:
    place = entry.place
    region = {"startLine": place.line, "startColumn": place.column}
    if entry.length:
        region["endColumn"] = place.column + entry.length
    before = "file://" if place.path.startswith("/") else ""
    file = {"uri": before + quote(place.path, errors="surrogateescape")}
    return {
        "ruleId": entry.rule, "ruleIndex": list(_RULES).index(entry.rule), "level": entry.level,
        "message": {"text": entry.text},
        "locations": [{"physicalLocation": {"artifactLocation": file, "region": region}}],
    }  # fmt: skip
