"""Write the outcome as JSON. The keys are the names of the values' fields."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from membership_refactor.scan.compare.verdict import Compared
from membership_refactor.scan.findings.values import FileOutcome, Place, Rewritten
from membership_refactor.scan.report.summary import ScanOutcome


def as_json(outcome: ScanOutcome) -> str:
    """Write one JSON document."""
    return json.dumps(document(outcome), indent=2, ensure_ascii=False)


def document(outcome: ScanOutcome) -> dict[str, Any]:
    """Make the document of plain values."""
    return {
        "plan": outcome.plan,
        "stage": outcome.stage,
        "scanned": outcome.scanned,
        "seconds": round(outcome.seconds, 3),
        "findings": outcome.findings,
        "consumers": [asdict(consumer) for consumer in outcome.consumers],
        "files": [_file(found) for found in outcome.files],
        "comparisons": [_comparison(compared) for compared in outcome.comparisons],
    }


def _file(found: FileOutcome) -> dict[str, Any]:
    return {
        "path": found.path,
        "consumer": found.consumer,
        "statements": found.statements,
        "references": [_placed(r, r.place) for r in found.references],
        "tables": [_placed(t, t.place) for t in found.tables],
        "dangers": [_placed(d, d.place) for d in found.dangers],
        "notes": [_placed(n, n.place) for n in found.notes],
        "rewrites": [_rewritten(r) for r in found.rewrites],
    }


def _placed(value: Any, place: Place) -> dict[str, Any]:
    plain = asdict(value)
    del plain["place"]
    return {"line": place.line, "column_number": place.column, **plain}


def _rewritten(value: Rewritten) -> dict[str, Any]:
    return {
        "line": value.place.line, "form": value.form, "reason": value.reason, "old": value.old,
        "new": value.new, "dialect": value.dialect,
        "edits": [{"start": e[0], "end": e[1], "text": e[2]} for e in value.edits],
    }  # fmt: skip


def _comparison(compared: Compared) -> dict[str, Any]:
    plain = asdict(compared)
    del plain["place"]
    return {"path": compared.place.path, "line": compared.place.line, **plain}
