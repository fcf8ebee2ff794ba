"""Write the outcome as SARIF 2.1.0, for code review."""

from __future__ import annotations

import json
from typing import Any

from membership_refactor.scan.findings.dangers import CODES
from membership_refactor.scan.findings.values import Place
from membership_refactor.scan.parse.piece import Look
from membership_refactor.scan.report.summary import ScanOutcome

_RULES = {
    "reference": "A column that the refactoring takes away is used",
    "unsure-reference": "A column that the refactoring takes away may be used",
    "table": "A table that goes, or whose name gets another meaning, is used",
    **{f"danger-{code}": title for code, title in CODES.items()},
    **{f"look-{look.name.lower()}": f"Look at this: {look.value}" for look in Look},
}


def as_sarif(outcome: ScanOutcome, *, version: str = "") -> str:
    """Write one run with a result for each finding and note."""
    results: list[dict[str, Any]] = []
    for found in outcome.files:
        for r in found.references:
            rule = "reference" if r.certain else "unsure-reference"
            message = f"{r.kind} of {r.table}.{r.column}: {r.standing} at {outcome.stage}"
            if r.why:
                message += f" ({r.why})"
            level = "error" if r.certain else "warning"
            results.append(_result(rule, level, message, r.place, len(r.written)))
        for use in found.tables:
            results.append(_result("table", "error", f"{use.table}: {use.why}", use.place))
        for danger in found.dangers:
            rule = f"danger-{danger.code}"
            results.append(_result(rule, "warning", danger.message, danger.place))
        for note in found.notes:
            rule = f"look-{note.look.name.lower()}"
            results.append(
                _result(rule, "warning" if note.open else "note", note.message, note.place)
            )
    driver = {
        "name": "membership-refactor scan",
        "version": version or "0",
        "rules": [
            {"id": rule, "shortDescription": {"text": title}} for rule, title in _RULES.items()
        ],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(rule: str, level: str, message: str, place: Place, length: int = 0) -> dict[str, Any]:
    region: dict[str, int] = {"startLine": place.line, "startColumn": place.column}
    if length:
        region["endColumn"] = place.column + length
    location = {"artifactLocation": {"uri": _uri(place.path)}, "region": region}
    return {
        "ruleId": rule,
        "ruleIndex": list(_RULES).index(rule),
        "level": level,
        "message": {"text": message},
        "locations": [{"physicalLocation": location}],
    }


def _uri(path: str) -> str:
    from urllib.parse import quote

    return ("file://" if path.startswith("/") else "") + quote(path, errors="surrogateescape")
