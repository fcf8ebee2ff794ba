"""The parts of the documents that are made from the code: `python -m tests.docs.generated` writes
them again."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from membership_refactor.checks.check import Check
from membership_refactor.inspect.lock_forecast import LockUse, locks_of, locks_of_keys
from membership_refactor.planning import TableSplit
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Portrait
from membership_refactor.script.prediction import Prediction, predicted
from membership_refactor.sql.ledger.table_definitions import MEASURED, TABLES
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import qualified
from membership_refactor.steps import steps_of
from membership_refactor.steps.actions import Action
from membership_refactor.steps.revision_text import RevisionText, revision_text
from membership_refactor.steps.step import Direction
from membership_refactor.steps.step_chain import Chain
from membership_refactor.x_names import X_NAMES
from tests.fixtures.steps import SHIPPED as CHAIN
from tests.fixtures.steps import STEPS

ROOT = Path(__file__).parents[2]
SCHEMA = "public"
LEDGER = {**TABLES, **MEASURED}
"""Every table of the ledger, with its columns."""


def texts() -> dict[str, RevisionText]:
    script = ScriptDirectory.from_config(Config(ROOT / "alembic.ini"))
    return {r.revision: revision_text(r.module.__doc__ or "") for r in script.walk_revisions()}


def steps_table() -> str:
    """README: what each step does, as the revision files say it."""
    lines = ["| step | what it does |", "|---|---|"]
    for revision, step in sorted(STEPS.items()):
        lines.append(f"| {revision} `{step.name}` | {texts()[revision].title} |")
    return "\n".join(lines)


def _sentence(text: str) -> str:
    """Its first letter is a capital, unless it begins with the name of a table or column."""
    return text if "_" in text.split(maxsplit=1)[0] else text[:1].upper() + text[1:]


def prediction() -> Prediction:
    """The chain over the tables that 0001 creates."""
    names = Names(SPLIT, SCHEMA)
    empty = Portrait(schema=SCHEMA, tables=())
    return predicted(names, CHAIN, empty)


SHAPES = {
    "in place": replace(SPLIT, copy=None, retired="", parent="membership"),
    "kept columns": replace(SPLIT, keep=("person_id", "programme_id")),
    "rename": TableSplit(name="rename", source=SPLIT.source, copy=SPLIT.copy),
}
"""Plans of other shapes over the same table."""


def prediction_of(plan: TableSplit) -> Prediction:
    """The steps of such a plan over the tables that 0001 creates."""
    wide = prediction().before[SPLIT.steps[0]]
    return predicted(Names(plan, SCHEMA), Chain(steps_of(plan)), wide)


def locks(chain: Prediction, name: str, direction: Direction) -> tuple[LockUse, ...]:
    """Those on tables that applications use, of a step on the tables that 0001 creates."""
    step = chain.chain[name]
    s = chain.situation(name, direction)
    before, after = chain.before[name], chain.after[name]
    actions: Sequence[Action] = step.up(s) if direction is Direction.UP else step.down(s)
    private = {qualified(t.schema, t.name) for t in after.tables if before.find(t.name) is None}
    if name in ("create_parent", "rebuild_parent"):
        private.add(chain.names.parent)
    ledger = f'"{chain.names.ledger}".'
    found = (before, after) if direction is Direction.UP else (after, before)
    used = (*locks_of(actions, private=private), *locks_of_keys(actions, *found))
    return tuple(u for u in used if not u.table.startswith(ledger))


def locks_tables() -> str:
    """docs/reference/locks.md: every lock, both ways."""
    lines = []
    for revision, step in sorted(STEPS.items()):
        lines += [f"## {revision} {step.name}", "", *_both_ways(prediction(), step.name)]
    return "\n".join(lines).rstrip()


def locks_of_shape(shape: str) -> str:
    """The same for the steps of a plan of that shape."""
    chain = prediction_of(SHAPES[shape])
    lines = []
    for step in chain.chain:
        lines += [f"### {step.name} ({shape})", "", *_both_ways(chain, step.name)]
    return "\n".join(lines).rstrip()


def _both_ways(chain: Prediction, step: str) -> Iterator[str]:
    for direction in Direction:
        yield from (f"{_sentence(str(direction))}:", "")
        used = locks(chain, step, direction)
        for u in used:
            times = f", {u.times} times" if u.times > 1 else ""
            yield f"- {u.mode} on `{u.table.split('.')[1].strip(chr(34))}`{times}: {u.how_long}"
        if not used:
            yield "- none on a table in use"
        yield ""


def operations_table() -> str:
    """Reference: the verbs of `op`, in the order of the chain."""
    lines = ["| upgrade | downgrade | what the upgrade does |", "|---|---|---|"]
    for revision, step in sorted(STEPS.items()):
        title = texts()[revision].title
        lines.append(f"| `op.{step.name}` | `op.undo_{step.name}` | {title} |")
    return "\n".join(lines)


def options_table() -> str:
    """Reference: the names that `-x` takes, as the command line explains them."""
    rows = (f"| `{name}` | {_sentence(text)} |" for name, text in X_NAMES.items())
    return "\n".join(["| name | meaning |", "|---|---|", *rows])


def step_table(revision: str) -> str:
    """Runbook: what the revision file and the step itself say."""
    step, said = STEPS[revision], texts()[revision]
    situation = prediction().situation(step.name, Direction.UP)
    pages = [f"[{d}grade](reference/sql/{revision}-{d}.md)" for d in Direction]
    rows = {
        "Deploy": _sentence(said.deploy),
        "Locks": _sentence(said.locks),
        "Asks before it begins": _sentences(step.before_up(situation)),
        "Asks at its end": _sentences(step.after_up(situation)),
        "Evidence": _sentences(step.gates(situation)),
        "Undo": _sentence(said.undo),
        "SQL": " · ".join(pages),
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items() if v)])


def _sentences(checks: Iterable[Check]) -> str:
    return "<br>".join(f"{_sentence(check.sentence)}." for check in checks)


def ledger_table(name: str) -> str:
    """docs/reference/ledger.md: the columns of one table, as they are created."""
    columns = [line.strip().rstrip(",") for line in LEDGER[name].strip().splitlines()]
    return "\n".join(["```sql", *columns, "```"])


def benchmark_table() -> str:
    """README: what the move costs, as the last run of the benchmark wrote it."""
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    found = re.search(r"^## What it costs\n\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert found, "docs/benchmarks.md has no table of costs"
    return found.group(1).rstrip()


MADE: dict[tuple[str, str], Callable[[], str]] = {
    ("README.md", "steps"): steps_table,
    ("README.md", "benchmark"): benchmark_table,
    ("docs/reference/locks.md", "locks"): locks_tables,
    **{
        ("docs/reference/locks.md", shape): (lambda shape=shape: locks_of_shape(shape))  # type: ignore[misc]
        for shape in SHAPES
    },
    ("docs/reference/operations.md", "operations"): operations_table,
    ("docs/reference/options.md", "options"): options_table,
    **{
        ("docs/runbook.md", revision): (lambda revision=revision: step_table(revision))  # type: ignore[misc]
        for revision in STEPS
    },
    **{
        ("docs/reference/ledger.md", name): (lambda name=name: ledger_table(name))  # type: ignore[misc]
        for name in LEDGER
    },
}


def stated(document: str, block: str) -> str:
    """What stands between the markers of that block."""
    return _found(document, block).group(2)


def _found(document: str, block: str) -> re.Match[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.search(rf"(<!-- made: {block} -->\n)(.*?)(\n<!-- end -->)", text, re.DOTALL)
    assert found, f"{document} has no block {block}"
    return found


def write() -> None:
    for (document, block), make in MADE.items():
        found = _found(document, block)
        text = found.string
        new = text[: found.start(2)] + make() + text[found.end(2) :]
        (ROOT / document).write_text(new, encoding="utf-8")
        print(f"{document}: {block}", file=sys.stderr)


if __name__ == "__main__":
    write()
