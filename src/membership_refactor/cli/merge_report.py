"""Show what a merge did, or would do."""

from __future__ import annotations

import json
import sys
from typing import Any

from membership_refactor.cli.verb import Context
from membership_refactor.counts import counted
from membership_refactor.enrollment.collide import Move, Removal
from membership_refactor.enrollment.decide import Decision
from membership_refactor.enrollment.merge import FIRST, MergeReport
from membership_refactor.planning import UniqueIdentity


def show(context: Context, plan: UniqueIdentity, report: MergeReport, *, applied: bool) -> None:
    """Print the report, as text or JSON."""
    if context.format == "json":
        json.dump(_as_dict(plan, report, applied), sys.stdout, default=str)
        print()
        return
    for decision in report.decisions:
        print(_sentence(plan, decision))
    for reason, groups in _by_reason(report).items():
        first = "; ".join(", ".join(map(str, ids)) for ids in groups[:FIRST])
        more = f" and {counted(len(groups) - FIRST, 'more group')}" if len(groups) > FIRST else ""
        print(f"left unchanged: {first}{more}: {reason}")
    for reference in report.references:
        print(f"not declared: {reference}")
    verb = "merged" if applied else "to merge"
    print(
        f"{counted(report.merged, 'learner')} {verb}, {counted(report.removed, 'row')} fewer, "
        f"{counted(len(report.left), 'group')} left unchanged"
    )
    if applied and report.run is not None:
        print(
            f"Recorded as run {report.run}. To undo it: "
            f"membership-refactor merge-duplicates --undo {report.run}"
        )
    elif report.references:
        print(
            f"{counted(len(report.references), 'column')} without a foreign key may refer to these "
            "rows. --apply refuses until each is declared: with --dependent TABLE.COLUMN if a "
            "merge has to move its rows, with --leave TABLE.COLUMN --reason TEXT if it "
            "stays as it is."
        )
    elif not applied and report.decisions:
        print("Nothing has been changed. Add --apply to merge.")
    if report.untried:
        print(
            f"Only read, not tried: {report.untried}. What a constraint or a trigger would refuse "
            "is not known.",
            file=sys.stderr,
        )


def _by_reason(report: MergeReport) -> dict[str, list[tuple[Any, ...]]]:
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for ids, reason in report.left.items():
        groups.setdefault(reason, []).append(ids)
    return groups


def _sentence(plan: UniqueIdentity, decision: Decision) -> str:
    losers = ", ".join(str(loser.id) for loser in decision.losers)
    takes = ", ".join(f"{column} {value}" for column, value in decision.values)
    said = [f"{plan.table} {decision.survivor.id} is kept, {losers} merged into it"]
    if takes:
        said.append(f"takes {takes}")
    for step in decision.resolution.steps:
        if isinstance(step, Removal):
            said.append(
                f"{step.child.dependent.table} {step.child.id} is removed in favour of {step.by}"
            )
        else:
            said.append(_moved(step))
    return "; ".join(said)


def _moved(step: Move) -> str:
    takes = "".join(f", {column} {value}" for column, value in step.values)
    return f"{step.child.dependent.table} {step.child.id} moves to {step.parent}{takes}"


def _as_dict(plan: UniqueIdentity, report: MergeReport, applied: bool) -> dict[str, Any]:
    return {
        "table": plan.table,
        "applied": applied,
        "run": report.run,
        "merged": report.merged,
        "removed": report.removed,
        "decisions": [
            {
                "survivor": decision.survivor.id,
                "losers": [loser.id for loser in decision.losers],
                "takes": dict(decision.values),
                "dependents": [
                    {
                        "table": step.child.dependent.table,
                        "id": step.child.id,
                        "action": "removed" if isinstance(step, Removal) else "moved",
                        "to": step.by if isinstance(step, Removal) else step.parent,
                    }
                    for step in decision.resolution.steps
                ],
            }
            for decision in report.decisions
        ],
        "left": [{"ids": list(ids), "reason": why} for ids, why in report.left.items()],
        "not_declared": report.references,
        "tried": applied or not report.untried,
    }
