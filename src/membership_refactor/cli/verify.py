"""membership-refactor verify: compares both sides of where the chain stands, while writers run."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect.verify import Finding, Verdict
from membership_refactor.inspect.verify_and_repair import Inspected, inspect
from membership_refactor.plans.chain import SPLIT, STEPS, TABLES

NAME = "verify"
HELP = "compare both sides of where the chain stands; names every row and column that differs"
SHOWN = 20
"""Findings of a comparison in the text; JSON has them all."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="ranges compared at a time (default 1)"
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Status 1 where anything differs."""
    inspected = inspect(runner(context), workers=max(options.workers, 1))
    if context.format == "json":
        print(json.dumps(document(inspected), indent=2))
    else:
        print("\n".join(lines(inspected)))
    return FINDINGS if inspected.count else FINE


def runner(context: Context) -> Runner:
    """The chain that ships, in the schema and with the options of the command line."""
    return Runner(
        context.engine(),
        SPLIT,
        context.schema,
        steps=STEPS,
        options=context.request.options,
        progress=context.request.progress,
        tables=TABLES,
    )


def document(inspected: Inspected) -> dict[str, Any]:
    """What JSON shows."""
    return {
        "revision": inspected.revision,
        "findings": inspected.count,
        "comparisons": [
            {
                "comparison": verdict.comparison.name,
                "authority": verdict.comparison.authority,
                "ranges": verdict.ranges,
                "rows": verdict.rows,
                "seconds": round(verdict.seconds, 3),
                "findings": found(verdict.findings),
            }
            for verdict in inspected.verdicts
        ],
    }


def found(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"key": f.key, "difference": f.difference, "columns": list(f.columns)} for f in findings
    ]


def lines(inspected: Inspected) -> list[str]:
    """What the text shows."""
    if not inspected.verdicts:
        return [f"{inspected.revision}: there is nothing to compare before 0003."]
    shown = []
    for verdict in inspected.verdicts:
        count = len(verdict.findings)
        shown.append(
            f"{inspected.revision} {verdict.comparison.name}: {verdict.rows:,} rows in "
            f"{verdict.ranges} ranges, {verdict.seconds:.1f} s: "
            + (_counted(verdict) if count else "all agree")
        )
        shown += listed(verdict.findings)
    return shown


def listed(findings: Sequence[Finding]) -> list[str]:
    """A line for each of the first findings."""
    shown = [
        f"  {f.difference:<9} {f.key}{'  ' + ', '.join(f.columns) if f.columns else ''}"
        for f in findings[:SHOWN]
    ]
    if len(findings) > SHOWN:
        shown.append(f"  … and {len(findings) - SHOWN:,} more (--format json lists them all)")
    return shown


def _counted(verdict: Verdict) -> str:
    kinds = dict.fromkeys(f.difference for f in verdict.findings)
    return ", ".join(
        f"{sum(1 for f in verdict.findings if f.difference == kind):,} {kind}" for kind in kinds
    )
