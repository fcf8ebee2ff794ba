"""Odd revision files: what their upgrade() calls is found by reading, and nothing is run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from membership_refactor.project.verb_calls import Calls, calls_of
from tests.benchmarks.usual_seconds import usual_seconds
from tests.project.revision_files import PLANS, STEPS, revision, write_revisions

OP, ORDERS = "from alembic import op", "from shop_plans import ORDERS"
HELPER = f"""
{OP}
import shop_plans


def copy_all(*plans, which="copy_table"):
    for plan in plans:
        op.copy_table(plan)


def one(plan, schema=None):
    op.copy_table(plan, schema=schema)
"""


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules that revisions import; forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)
    (tmp_path / "shop_plans.py").write_text(PLANS)
    (tmp_path / "shop_steps.py").write_text(HELPER)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("shop_"):
            del sys.modules[name]


def read(folder: Path, body: str, above: str) -> Calls:
    script = write_revisions(folder, {"a1": revision("a1", None, body, above=above)})
    found = script.get_revision("a1")
    assert found is not None
    return calls_of(found.module, STEPS)


def named(calls: Calls) -> list[tuple[str, str, str | None]]:
    return [(call.step, call.plan.name, call.schema) for call in calls.found]


COPY = [("copy_table", "orders", None)]
BOTH = [*COPY, ("copy_table", "customers", None)]


@pytest.mark.parametrize(
    ("above", "body", "expected"),
    [
        pytest.param(f"{OP}\n{ORDERS}", "op.copy_table(ORDERS)", COPY, id="plain"),
        pytest.param(
            f"from alembic import op as o\n{ORDERS}", "o.copy_table(ORDERS)", COPY, id="alias"
        ),
        pytest.param(
            f"import alembic.op as op\n{ORDERS}", "op.copy_table(ORDERS)", COPY, id="import as"
        ),
        pytest.param(
            f"import alembic\n{ORDERS}", "alembic.op.copy_table(ORDERS)", COPY, id="dotted op"
        ),
        pytest.param(
            f"from membership_refactor import op\n{ORDERS}",
            "op.copy_table(ORDERS)",
            COPY,
            id="typed op",
        ),
        pytest.param(
            f"from membership_refactor.op import copy_table as c\n{ORDERS}",
            "c(ORDERS)",
            COPY,
            id="verb alone",
        ),
        pytest.param(
            f"{OP}\nimport shop_plans as p", "op.copy_table(p.ORDERS)", COPY, id="dotted plan"
        ),
        pytest.param(f"{OP}\n{ORDERS}", "op.copy_table(plan=ORDERS)", COPY, id="keyword"),
        pytest.param(
            f"{OP}\n{ORDERS}",
            'op.copy_table(ORDERS, schema="archive")',
            [("copy_table", "orders", "archive")],
            id="schema",
        ),
        pytest.param(
            f"{OP}\n{ORDERS}\ndef go(p):\n    op.copy_table(p)", "go(ORDERS)", COPY, id="function"
        ),
        pytest.param(
            f"{OP}\n{ORDERS}",
            "op.copy_table(ORDERS)\nop.dual_write(ORDERS)",
            [*COPY, ("dual_write", "orders", None)],
            id="two verbs",
        ),
        pytest.param(
            f"{OP}\n{ORDERS}",
            "with op.get_context().autocommit_block():\n    op.copy_table(ORDERS)",
            COPY,
            id="block",
        ),
        pytest.param(
            f"{OP}\n{ORDERS}", "p = ORDERS\nop.copy_table(p)", COPY, id="name in function"
        ),
        pytest.param(
            f"{OP}\nfrom shop_plans import BOTH",
            "for p in BOTH:\n    op.copy_table(p)",
            BOTH,
            id="loop over a list",
        ),
        pytest.param(
            f"{OP}\nfrom shop_plans import *",
            "for p, s in ((ORDERS, 'a'), (CUSTOMERS, 'b')):\n    op.copy_table(p, schema=s)",
            [("copy_table", "orders", "a"), ("copy_table", "customers", "b")],
            id="loop over pairs",
        ),
        pytest.param(
            f"{OP}\n{ORDERS}",
            "if op.get_context().as_sql:\n    print('x')\nelse:\n    op.copy_table(ORDERS)",
            COPY,
            id="condition",
        ),
        pytest.param(
            f"{OP}\n{ORDERS}", "getattr(op, 'copy_table')(ORDERS)", COPY, id="getattr of a text"
        ),
        pytest.param(
            f"{ORDERS}\nimport shop_steps", "shop_steps.one(ORDERS)", COPY, id="other module"
        ),
        pytest.param(
            f"{ORDERS}\nfrom shop_steps import one",
            "one(ORDERS, schema='a')",
            [("copy_table", "orders", "a")],
            id="imported function",
        ),
        pytest.param(
            f"{OP}\nimport shop_plans",
            "from shop_plans import ORDERS as o\nop.copy_table(o)",
            COPY,
            id="import in function",
        ),
        pytest.param(
            f"{OP}\nfrom shop_plans import ORDERS\nPLANS = {{'o': ORDERS}}",
            "op.copy_table(PLANS['o'])",
            COPY,
            id="by key",
        ),
        pytest.param(
            f"{OP}\n{ORDERS}\ndef again(p):\n    op.copy_table(p)\n    again(p)",
            "again(ORDERS)",
            COPY,
            id="calls itself",
        ),
        pytest.param(OP, "op.execute('SELECT 1')", [], id="no verb"),
        pytest.param(ORDERS, "print('op.copy_table(ORDERS)')", [], id="in a text"),
    ],
)
def test_the_verbs_of_odd_files(
    tmp_path: Path, above: str, body: str, expected: list[tuple[str, str, str | None]]
) -> None:
    calls = read(tmp_path, body, above)
    assert named(calls) == expected
    assert calls.unread == ()


@pytest.mark.parametrize(
    ("above", "body"),
    [
        pytest.param(f"{OP}\nimport os", "op.copy_table(eval(os.environ['P']))", id="eval"),
        pytest.param(
            f"{OP}\nfrom shop_plans import plan", "op.copy_table(plan('x'))", id="made here"
        ),
        pytest.param(
            f"{OP}\nfrom shop_plans import ORDERS, CUSTOMERS",
            "if op.get_bind():\n    p = ORDERS\nelse:\n    p = CUSTOMERS\nop.copy_table(p)",
            id="either of two",
        ),
        pytest.param(
            f"{OP}\n{ORDERS}", "op.copy_table(ORDERS, schema=input())", id="unknown schema"
        ),
        pytest.param(f"{OP}\nimport os", "for p in os.environ:\n    op.copy_table(p)", id="loop"),
    ],
)
def test_what_only_a_run_could_tell_is_said_to_be_unread(
    tmp_path: Path, above: str, body: str
) -> None:
    calls = read(tmp_path, body, above)
    assert (named(calls), calls.unread) == ([], ("copy_table",))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('[("copy_table", ORDERS)]', COPY),
        ('(("copy_table", ORDERS, "archive"),)', [("copy_table", "orders", "archive")]),
        ("[]", []),
    ],
)
def test_a_constant_of_the_module_wins(
    tmp_path: Path, said: str, expected: list[tuple[str, str, str | None]]
) -> None:
    above = f"{OP}\n{ORDERS}\nrefactoring = {said}"
    assert named(read(tmp_path, "op.dual_write(ORDERS)", above)) == expected


def test_nothing_of_a_revision_is_run(tmp_path: Path) -> None:
    written = tmp_path / "written"
    body = f"open({str(written)!r}, 'w').close()\nop.copy_table(ORDERS)\nraise SystemExit"
    assert named(read(tmp_path, body, f"{OP}\n{ORDERS}")) == COPY
    assert not written.exists()


def test_three_hundred_revisions_are_read_in_a_second(tmp_path: Path) -> None:
    body = "\n".join(f"op.add_column('t', sa.Column('c{n}', sa.Text))" for n in range(20))
    above = f"{OP}\nimport sqlalchemy as sa"
    files = {
        f"r{n}": revision(f"r{n}", f"r{n - 1}" if n else None, body, above=above)
        for n in range(300)
    }
    modules = [found.module for found in write_revisions(tmp_path, files).walk_revisions()]

    def read_all() -> None:
        assert all(calls_of(module, STEPS) == Calls() for module in modules)

    assert usual_seconds(read_all, 1) < 1
