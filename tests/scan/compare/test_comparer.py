"""Planted errors are told apart, right forms are equal, the corpus is equal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Connection

from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.compare.comparer import Comparer
from membership_refactor.scan.compare.results import Compared, Verdict
from tests.scan.corpus_reader import CONSUMERS, STAGES, corpus, scanned
from tests.scan.planted import CHILD, LINK, PARENT, PLANTED, RIGHT, Planted
from tests.scan.planted_kinds import JOINED

SEEDS = range(1, 6)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_planted_error_is_caught_at_each_of_five_seeds(
    planted: Planted, connection: Connection
) -> None:
    comparer = Comparer(connection, SPLIT)
    for seed in SEEDS:
        compared = comparer.compare(planted.old, planted.wrong, seed=seed, forms=("interim",))
        assert compared.verdict is Verdict.DIFFERENT
        assert "before" in compared.example or "rows" in compared.example


@pytest.mark.slow
@pytest.mark.parametrize("right", RIGHT, ids=lambda right: right.name)
def test_a_right_form_raises_no_alarm_at_twenty_seeds(
    right: Planted, connection: Connection
) -> None:
    comparer = Comparer(connection, SPLIT)
    for seed in range(1, 21):
        compared = comparer.compare(right.old, right.wrong, seed=seed, forms=("interim",))
        assert compared.verdict is Verdict.EQUAL, compared.example


GRACE = "SET period_of_grace = 0"
OTHERS = (
    ("lower(rotation)", "pm.rotation"),
    ("initcap(rotation)", "pm.rotation"),
    ("trim(rotation)", "ltrim(pm.rotation)"),
    ("trim(rotation)", "rtrim(pm.rotation)"),
    ("nullif(rotation, '')", "pm.rotation"),
    ("abs(rotation_id)", "pm.rotation_id"),
    ("nullif(rotation_id, 0)", "pm.rotation_id"),
    ("length(rotation::text)", "length(trim(pm.rotation))"),
)
CONDITIONS = (
    ("rotation <> ''", "pm.rotation IS NOT NULL"),
    ("rotation IS NULL", "coalesce(pm.rotation, '') = ''"),
    ("substring(rotation, 1, 3) = 'abc'", "substring(pm.rotation, 1, 2) = 'ab'"),
    *(
        (f"programme_end_date > programme_start_date + {old}",
         f"pm.programme_end_date {sign} pm.programme_start_date + {new}")
        for old, sign, new in (
            ("interval '1 year'", ">", "interval '2 years'"),
            ("interval '30 days'", ">=", "interval '30 days'"),
            ("30", ">", "31"),
        )
    ),
    ("programme_start_date <= programme_end_date - interval '1 month'",
     "pm.programme_start_date < pm.programme_end_date - interval '1 month'"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("old", "wrong"),
    [
        *(
            (f"SELECT id, {a} AS x FROM {CHILD}", f"SELECT cm.id, {b} AS x FROM {JOINED}")
            for a, b in OTHERS
        ),
        *(
            (f"SELECT id FROM {CHILD} WHERE {a}", f"SELECT cm.id FROM {JOINED} WHERE {b}")
            for a, b in CONDITIONS
        ),
        (
            f"UPDATE {CHILD} {GRACE} WHERE rotation IS NULL",
            f"UPDATE {CHILD} cm {GRACE} FROM {PARENT} pm WHERE {LINK} "
            "AND coalesce(pm.rotation, '') = ''",
        ),
    ],
)
def test_a_wrong_function_or_a_wrong_gap_of_dates_is_not_called_equal(
    old: str, wrong: str, connection: Connection
) -> None:
    comparer = Comparer(connection, SPLIT)
    for seed in (1, 2):
        compared = comparer.compare(old, wrong, seed=seed, forms=("interim",))
        assert compared.verdict is Verdict.DIFFERENT, compared.sentence


def test_a_function_whose_body_is_parsed_reads_a_table_too(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE FUNCTION n() RETURNS bigint STABLE LANGUAGE sql "
        "BEGIN ATOMIC SELECT count(*) FROM curriculum_membership; END"
    )
    connection.commit()
    text = "SELECT id, n() AS n FROM curriculum_membership"
    compared = Comparer(connection, SPLIT).compare(text, text)
    assert compared.verdict is Verdict.NOT_COMPARED
    assert "the function n reads a table" in compared.why


def test_equal_results_without_a_row_are_not_called_equal(connection: Connection) -> None:
    text = "SELECT id FROM curriculum_membership WHERE 1 = 2"
    assert Comparer(connection, SPLIT).compare(text, text).verdict is Verdict.NOT_COMPARED


def test_a_count_that_is_always_zero_is_not_called_equal(connection: Connection) -> None:
    old = "SELECT count(*) FROM curriculum_membership WHERE person_id IS NULL AND 1 = 2"
    new = (
        "SELECT count(*) FROM curriculum_membership cm JOIN programme_membership pm "
        "ON pm.uuid = cm.programme_membership_uuid WHERE pm.person_id IS NULL AND 1 = 2"
    )
    assert Comparer(connection, SPLIT).compare(old, new).verdict is Verdict.NOT_COMPARED


def test_a_forgotten_reference_fails_at_the_current_structure(connection: Connection) -> None:
    text = "SELECT id, person_id FROM curriculum_membership"
    compared = Comparer(connection, SPLIT).compare(text, text)
    assert compared.verdict is Verdict.DIFFERENT
    assert "current" in compared.why and "person_id" in compared.why


def test_a_volatile_function_is_not_compared_and_named(connection: Connection) -> None:
    text = "SELECT random(), rotation FROM curriculum_membership"
    compared = Comparer(connection, SPLIT).compare(text, text)
    assert compared.verdict is Verdict.NOT_COMPARED
    assert "RAND" in compared.why.upper()


def test_a_fault_of_the_comparison_is_raised_and_is_no_verdict(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(
        "membership_refactor.scan.compare.to_postgres.Forms.parameter_types", broken
    )
    text = "SELECT id, curriculum_id FROM curriculum_membership"
    with pytest.raises(KeyError, match="a fault of ours"):
        Comparer(connection, SPLIT).compare(text, text)
    monkeypatch.undo()
    assert Comparer(connection, SPLIT).compare(text, text).verdict is Verdict.EQUAL


def test_an_error_of_the_server_is_not_compared_and_named(connection: Connection) -> None:
    text = "SELECT id, curriculum_id / 0 FROM curriculum_membership"
    compared = Comparer(connection, SPLIT).compare(text, text)
    assert compared.verdict is Verdict.NOT_COMPARED
    assert "division by zero" in compared.why


def test_nothing_is_left_in_the_database(connection: Connection) -> None:
    Comparer(connection, SPLIT).compare(RIGHT[0].old, RIGHT[0].wrong)
    left = connection.exec_driver_sql(
        "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname LIKE 'mr_compare%%'"
    ).scalar_one()
    assert left == 0


@pytest.mark.slow
def test_the_mechanical_queries_of_the_corpus_are_rewritten_and_equal(
    connection: Connection, tmp_path: Path
) -> None:
    verdicts: Counter[str] = Counter()
    comparers: dict[str, Comparer] = {}
    weak: list[tuple[str, Compared]] = []
    for statement in corpus():
        if statement.group == "jpql" or not (statement.query and statement.mechanical):
            continue
        for rewritten in scanned(statement, tmp_path, rewrite=True).rewrites:
            if rewritten.new is None:
                verdicts["left"] += 1
                continue
            comparer = comparers.setdefault(
                statement.group,
                Comparer(
                    connection, SPLIT, STAGES.get(statement.group, Stage.INTERIM),
                    CONSUMERS[statement.group],
                ),
            )  # fmt: skip
            compared = comparer.compare(rewritten.old, rewritten.new, rewritten.dialect)
            verdicts[compared.verdict] += 1
            if compared.verdict is not Verdict.EQUAL:
                weak.append((statement.name, compared))
    assert verdicts[Verdict.DIFFERENT] == 0, weak
    assert verdicts[Verdict.EQUAL] >= 0.95 * verdicts.total(), weak


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        *(
            (form.format("{0}programme_end_date"), form.format("({0}programme_end_date + 1)"))
            for form in (
                "date_part('month', {})",
                "extract(year FROM {})",
                "extract(decade FROM {})",
                "date_trunc('quarter', {})",
                "to_char({}, 'YYYY-MM')",
            )
        ),
        (
            "to_char({0}programme_end_date, 'YYYY')",
            "to_char({0}programme_end_date, 'IYYY')",
        ),
        (
            "{0}programme_end_date + interval '1 year'",
            "{0}programme_end_date + interval '365 days'",
        ),
        (
            "daterange({0}programme_start_date, {0}programme_end_date) @> date '2020-01-01'",
            "daterange({0}programme_start_date, {0}programme_end_date, '[]') @> date '2020-01-01'",
        ),
        ("length({0}rotation)", "octet_length({0}rotation)"),
    ],
)
def test_functions_that_nearly_give_the_same_are_told_apart(
    right: str, wrong: str, connection: Connection
) -> None:
    old = f"SELECT id, {right.format('')} AS v FROM {CHILD}"
    form = f"SELECT cm.id, {{}} AS v FROM {JOINED}".format
    comparer = Comparer(connection, SPLIT)
    for text, verdict in ((right, Verdict.EQUAL), (wrong, Verdict.DIFFERENT)):
        compared = comparer.compare(old, form(text.format("pm.")), forms=("interim",))
        assert compared.verdict is verdict, f"{compared.why} {compared.example}"


def test_a_condition_among_the_results_has_to_be_true_and_false(connection: Connection) -> None:
    old = f"SELECT id, rotation ~ '^unusual$' AS v FROM {CHILD}"
    new = f"SELECT cm.id, pm.rotation ~ '^unusual$' AS v FROM {JOINED}"
    compared = Comparer(connection, SPLIT, random_sets=2).compare(old, new, forms=("interim",))
    assert compared.verdict is Verdict.NOT_COMPARED
    assert "no row took the branch" in compared.why and "is true" in compared.why
