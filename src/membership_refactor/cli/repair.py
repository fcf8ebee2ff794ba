"""membership-refactor repair: puts right what verify finds, from the side that holds the truth."""

from __future__ import annotations

import argparse
import json
from typing import Any

from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.cli.verify import document, found, lines, listed, runner
from membership_refactor.execution.tenant_lock import alone
from membership_refactor.inspect.verify_and_repair import inspect, mend

NAME = "repair"
HELP = "show what verify finds; with --apply, put it right under a lock"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--apply", action="store_true", help="change the tables")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="ranges compared at a time (default 1)"
    )


def run(options: argparse.Namespace, context: Context) -> int:
    """Status 1 where something differs and was not put right."""
    chain = runner(context)
    if not options.apply:
        inspected = inspect(chain, workers=max(options.workers, 1))
        hint = "repair --apply puts this right." if inspected.count else "nothing to repair."
        _print(context, {**document(inspected), "applied": False}, [*lines(inspected), hint])
        return FINDINGS if inspected.count else FINE
    with alone(chain.engine, context.schema, label="repair"):
        inspected = inspect(chain, workers=max(options.workers, 1))
        done = mend(chain, inspected)
    shown, repairs = lines(inspected), []
    for verdict, repaired in done:
        shown.append(
            f"{verdict.comparison.name}: {len(repaired.mended):,} mended from "
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
        shown.append(f'what stood there before is in "{chain.ledger.name}".repair')
    _print(context, {**document(inspected), "applied": True, "repairs": repairs}, shown)
    return FINE


def _print(context: Context, data: dict[str, Any], text: list[str]) -> None:
    print(json.dumps(data, indent=2) if context.format == "json" else "\n".join(text))
