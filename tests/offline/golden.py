"""Each revision's `--sql` as text, on the tables that 0001 creates.

`python -m tests.offline.golden` writes it to `tests/offline/sql/`, where the difference that a
change makes can be read.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from membership_refactor.plans.chain import CHAIN
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Portrait
from membership_refactor.script import Pace, Prediction, predicted, print_head, print_step
from membership_refactor.sql.names import Names
from membership_refactor.steps.step import Direction
from tests.fixtures.steps import STEPS

FOLDER = Path(__file__).parent / "sql"
PORTRAIT = re.compile(r'\{"format": "membership-refactor portrait".*?\}(?=\$body)')
"""Half of every script, and no SQL: what the tables have to look like where it begins."""
NAMES = Names(SPLIT, "public")


@cache
def prediction() -> Prediction:
    empty = Portrait(schema=NAMES.schema, tables=())
    return predicted(NAMES, CHAIN, empty)


def head() -> str:
    """What a script begins with, here at 0003; the others differ by the state they ask for."""
    return print_head(NAMES, prediction().before["copy_table"], "copy_table", Direction.UP)


def text(revision: str, direction: Direction) -> str:
    """What `alembic upgrade` or `downgrade` prints for the one step."""
    printed = print_step(
        STEPS[revision],
        prediction().situation(STEPS[revision].name, direction),
        direction,
        CHAIN,
        pace=Pace(),
    )
    return PORTRAIT.sub("(portrait)", printed)


def texts() -> dict[Path, str]:
    steps = ((r, d) for r in STEPS for d in Direction)
    return {FOLDER / "head.sql": head()} | {FOLDER / f"{r}_{d}.sql": text(r, d) for r, d in steps}


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for file, content in texts().items():
        file.write_bytes(content.encode())


if __name__ == "__main__":
    write()
