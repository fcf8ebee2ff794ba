"""``repair``: correct the rows that verify finds, and the tool's own objects."""

from __future__ import annotations

import argparse
from typing import Any

from membership_refactor.cli.verb import FINDINGS, FINE, Context, plan_option
from membership_refactor.cli.verify import document, found, lines, listed, workers_option
from membership_refactor.counts import counted
from membership_refactor.execution.tenant_lock import alone
from membership_refactor.inspect.all_comparisons import (
    objects_to_repair,
    repair_all,
    repair_objects,
    verify_all,
)

NAME = "repair"
HELP = "show the rows that verify finds, and own objects that changed; with --apply, correct them"
DESCRIPTION = (
    "Show the rows in which the two sides differ, and triggers, functions and partitions that are "
    "not as the last step left them. With --apply, make those again, read each row again under a "
    "lock and correct it from the side that holds the truth; what it replaces is kept in the "
    "ledger. Without --apply it only reads. Exit status: 0, or 1 where something is wrong and was "
    "not corrected."
)
EXAMPLE = "membership-refactor repair --apply"


def configure(parser: argparse.ArgumentParser) -> None:
    plan_option(parser)
    parser.add_argument(
        "--apply", action="store_true", help="correct the rows (default: only show them)"
    )
    workers_option(parser)


def run(options: argparse.Namespace, context: Context) -> int:
    """Return 1 where something is wrong and was not corrected."""
    chain = context.runner()
    if not options.apply:
        objects = objects_to_repair(chain)
        verified = verify_all(chain, workers=max(options.workers, 1))
        wrong = bool(objects or verified.count)
        fix = f"`{chain.chain.revisions.verb('repair')} --apply` corrects these."
        hint = fix if wrong else "Nothing to repair."
        shown = [*objects, *lines(verified, chain.chain), hint]
        context.show(
            {**document(verified), "applied": False, "objects": list(objects)}, "\n".join(shown)
        )
        return FINDINGS if wrong else FINE
    with alone(chain.engine, chain.schema, label="repair"):
        objects = repair_objects(chain)
        verified = verify_all(chain, workers=max(options.workers, 1))
        done = repair_all(chain, verified)
    shown, repairs = [*objects, *lines(verified, chain.chain)], []
    for verdict, repaired in done:
        shown.append(
            f"{verdict.comparison.name}: {counted(len(repaired.mended), 'row')} corrected from "
            f"{verdict.comparison.authority}, {len(repaired.agreed):,} agreed when read again"
        )
        shown += listed(repaired.mended)
        repairs.append(
            {
                "comparison": verdict.comparison.name,
                "mended": found(repaired.mended),
                "agreed": list(repaired.agreed),
            }
        )
    if repairs:
        shown.append(f'The values that were replaced are in "{chain.ledger.name}".repair.')
    context.show(
        {**document(verified), "applied": True, "objects": list(objects), "repairs": repairs},
        "\n".join(shown),
    )
    return FINE


def one_line(document: Any) -> str:
    """The document of JSON as one line."""
    mended = sum(len(repaired["mended"]) for repaired in document.get("repairs", ()))
    done = f", {mended:,} corrected" if document["applied"] else ""
    return f"{counted(document['findings'], 'difference')}{done}"
