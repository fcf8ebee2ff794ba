"""``verify``: compare both sides of the split, row by row, while applications write."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option
from membership_refactor.counts import counted
from membership_refactor.inspect.all_comparisons import Verified, verify_all
from membership_refactor.inspect.verify import Finding, Verdict
from membership_refactor.steps.step import no_comparisons
from membership_refactor.steps.step_chain import Chain

NAME = "verify"
HELP = "compare both sides row by row; name every row and column that differs"
DESCRIPTION = (
    "Compare the old and the new tables row by row, and name every row and column that differs. "
    "Reads only, without row locks, while applications write. Exit status: 0 where all rows "
    "agree, 1 where some differ."
)
EXAMPLE = "membership-refactor verify --workers 2"
SHOWN = 20
"""How many findings of a comparison the text shows. JSON has them all."""


def workers_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--workers``."""
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="ranges of rows compared at a time (default 1)",
    )


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    workers_option(parser)


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 1 where anything differs."""
    runner = context.runner()
    verified = verify_all(runner, workers=max(options.workers, 1))
    context.show(document(verified), "\n".join(lines(verified, runner.chain)))
    return FINDINGS if verified.count else FINE


def document(verified: Verified) -> dict[str, Any]:
    """The document for JSON."""
    return {
        "revision": verified.revision,
        "findings": verified.count,
        "comparisons": [
            {
                "comparison": verdict.comparison.name,
                "authority": verdict.comparison.authority,
                "ranges": verdict.ranges,
                "rows": verdict.rows,
                "seconds": round(verdict.seconds, 3),
                "findings": found(verdict.findings),
            }
            for verdict in verified.verdicts
        ],
    }


def found(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"key": f.key, "difference": f.difference, "columns": list(f.columns)} for f in findings
    ]


def lines(verified: Verified, chain: Chain) -> list[str]:
    """The lines of the text."""
    if not verified.verdicts:
        comparing = [chain.revisions.of(s.name) for s in chain if s.compares is not no_comparisons]
        if verified.revision in comparing:
            return [
                f"{verified.revision}: nothing was compared, because the rows are in one table "
                "now. No write has reached the archive since."
            ]
        return [
            f"{verified.revision or 'base'}: there is no second table to compare with yet; "
            f"{comparing[0]} makes it."
        ]
    shown = []
    for verdict in verified.verdicts:
        count = len(verdict.findings)
        shown.append(
            f"{verified.revision} {verdict.comparison.name}: {counted(verdict.rows, 'row')} "
            f"in {counted(verdict.ranges, 'range')}, {verdict.seconds:.1f} s: "
            + (_counted(verdict) if count else "all agree")
        )
        shown += listed(verdict.findings)
    return shown


def listed(findings: Sequence[Finding]) -> list[str]:
    """One line for each of the first findings."""
    shown = [
        f"  {f.difference:<9} {f.key}{'  ' + ', '.join(f.columns) if f.columns else ''}"
        for f in findings[:SHOWN]
    ]
    if len(findings) > SHOWN:
        shown.append(f"  ... and {len(findings) - SHOWN:,} more (--format json lists them all)")
    return shown


def _counted(verdict: Verdict) -> str:
    kinds = dict.fromkeys(f.difference for f in verdict.findings)
    return ", ".join(
        f"{sum(1 for f in verdict.findings if f.difference == kind):,} {kind}" for kind in kinds
    )


def one_line(document: Any) -> str:
    """The document of JSON as one line."""
    if not document["comparisons"]:
        return "nothing to compare"
    rows = sum(comparison["rows"] for comparison in document["comparisons"])
    found = document["findings"]
    return f"{counted(rows, 'row')} compared, {f'{found:,} differ' if found else 'all agree'}"
