"""Each revision's `--sql` as text, on the tables that 0001 creates; and for an id of two columns.

`python -m tests.offline.golden` writes it to `tests/offline/sql/`, where the difference that a
change makes can be read.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Portrait
from membership_refactor.script import Pace, Prediction, predicted, print_head, print_step
from membership_refactor.sql.names import Names
from membership_refactor.steps import steps_of
from membership_refactor.steps.step import Direction
from tests.chain.subjects import COMPOSITE
from tests.fixtures.steps import SHIPPED as CHAIN
from tests.fixtures.steps import STEPS, step_of
from tests.offline.several_ids import portrait

FOLDER = Path(__file__).parent / "sql"
PORTRAIT = re.compile(r'\{"format": "membership-refactor portrait".*?\}(?=\$body)')
"""Half of every script, and no SQL: what the tables have to look like where it begins."""
NAMES = Names(SPLIT, "public")
OF_TWO_IDS = (
    ("0003", Direction.UP),
    ("0004", Direction.UP),
    ("0008", Direction.UP),
    ("0008", Direction.DOWN),
)
"""The steps whose texts compare and list ids most."""


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


def of_two_ids(revision: str, direction: Direction) -> str:
    """The same for the plan whose id has two columns."""
    steps = replace(CHAIN, steps=steps_of(COMPOSITE.plan))
    made = predicted(COMPOSITE.names, steps, portrait())
    step = step_of(revision)
    printed = print_step(
        steps[step], made.situation(step, direction), direction, steps, pace=Pace()
    )
    return PORTRAIT.sub("(portrait)", printed)


def texts() -> dict[Path, str]:
    steps = [(r, d) for r in STEPS for d in Direction]
    return (
        {FOLDER / "head.sql": head()}
        | {FOLDER / f"{r}_{d}.sql": text(r, d) for r, d in steps}
        | {FOLDER / f"two_ids_{r}_{d}.sql": of_two_ids(r, d) for r, d in OF_TWO_IDS}
    )


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for file, content in texts().items():
        file.write_bytes(content.encode())


if __name__ == "__main__":
    write()
