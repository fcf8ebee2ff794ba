"""What a comparison cannot decide is called not compared, and says why."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, event

from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.compare.comparer import Comparer
from membership_refactor.scan.compare.results import Verdict
from tests.scan.planted import CHILD, PARENT
from tests.scan.planted_kinds import JOINED

TIES = (
    (
        f"SELECT id, curriculum_end_date FROM {CHILD} WHERE person_id = 5 "
        "ORDER BY programme_end_date DESC LIMIT 1",
        f"SELECT cm.id, cm.curriculum_end_date FROM {JOINED} WHERE pm.person_id = 5 "
        "ORDER BY pm.programme_end_date DESC LIMIT 1",
    ),
    (
        "SELECT id, row_number() OVER (PARTITION BY person_id ORDER BY programme_start_date) AS n "
        f"FROM {CHILD}",
        "SELECT cm.id, row_number() OVER (PARTITION BY pm.person_id "
        f"ORDER BY pm.programme_start_date) AS n FROM {JOINED}",
    ),
    (
        "SELECT person_id, (array_agg(curriculum_id ORDER BY programme_end_date DESC))[1] AS c "
        f"FROM {CHILD} GROUP BY person_id",
        "SELECT pm.person_id, (array_agg(cm.curriculum_id ORDER BY pm.programme_end_date DESC))[1] "
        f"AS c FROM {JOINED} GROUP BY pm.person_id",
    ),
    (
        f"SELECT DISTINCT ON (person_id) person_id, curriculum_id FROM {CHILD} "
        "ORDER BY person_id, programme_end_date",
        f"SELECT DISTINCT ON (pm.person_id) pm.person_id, cm.curriculum_id FROM {JOINED} "
        "ORDER BY pm.person_id, pm.programme_end_date",
    ),
    (
        f"SELECT person_id, string_agg(rotation, ',') AS all_of_them FROM {CHILD} "
        "GROUP BY person_id",
        f"SELECT pm.person_id, string_agg(pm.rotation, ',') AS all_of_them FROM {JOINED} "
        "GROUP BY pm.person_id",
    ),
    (
        f"SELECT p.id, l.curriculum_id FROM person p CROSS JOIN LATERAL (SELECT cm.curriculum_id "
        f"FROM {CHILD} cm WHERE cm.person_id = p.id ORDER BY cm.rotation LIMIT 1) l",
        f"SELECT p.id, l.curriculum_id FROM person p CROSS JOIN LATERAL (SELECT cm.curriculum_id "
        f"FROM {JOINED} WHERE pm.person_id = p.id ORDER BY pm.rotation LIMIT 1) l",
    ),
)


@pytest.mark.parametrize(("old", "new"), TIES)
def test_a_statement_whose_ties_decide_is_not_compared(
    old: str, new: str, connection: Connection
) -> None:
    for seed in (1, 2, 3):
        compared = Comparer(connection, SPLIT, random_sets=3).compare(old, new, seed=seed)
        assert compared.verdict is Verdict.NOT_COMPARED, compared.example
        assert "ties" in compared.why and "ORDER BY" in compared.why


@pytest.mark.parametrize(("old", "new"), TIES[:1])
def test_a_unique_column_in_the_sort_key_makes_it_equal(
    old: str, new: str, connection: Connection
) -> None:
    old, new = old.replace(" LIMIT", ", id LIMIT"), new.replace(" LIMIT", ", cm.id LIMIT")
    compared = Comparer(connection, SPLIT).compare(old, new)
    assert compared.verdict is Verdict.EQUAL, f"{compared.why} {compared.example}"


def test_a_branch_that_no_row_takes_is_named(connection: Connection) -> None:
    case = "CASE WHEN md5({0}rotation) = 'q' THEN {0}programme_start_date ELSE {0}{1} END AS d"
    old = f"SELECT id, {case.format('', 'programme_end_date')} FROM {CHILD}"
    for then in ("programme_start_date", "programme_end_date"):
        text = case.format("pm.", "programme_end_date").replace(
            "THEN pm.programme_start_date", f"THEN pm.{then}"
        )
        compared = Comparer(connection, SPLIT, random_sets=3).compare(
            old, f"SELECT cm.id, {text} FROM {JOINED}"
        )
        assert compared.verdict is Verdict.NOT_COMPARED, compared.example
        assert "no row took the branch" in compared.why
        assert "programme_start_date" in compared.why


def test_an_order_that_is_never_decided_is_not_compared(connection: Connection) -> None:
    old = f"SELECT id FROM {CHILD} WHERE rotation = 'x' ORDER BY rotation"
    new = f"SELECT cm.id FROM {JOINED} WHERE pm.rotation = 'x' ORDER BY pm.rotation"
    compared = Comparer(connection, SPLIT, random_sets=3).compare(old, new)
    assert compared.verdict is Verdict.NOT_COMPARED, compared.example
    assert "order of the rows" in compared.why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            f"MERGE INTO {CHILD} cm USING person p ON p.id = cm.person_id WHEN MATCHED THEN DELETE",
            "only queries, INSERT, UPDATE and DELETE",
        ),
        (f"CREATE INDEX ON {CHILD} (person_id)", "only queries, INSERT, UPDATE and DELETE"),
        (f"SELECT no_function(rotation) FROM {CHILD}", "no_function"),
        (f"SELECT nextval('x'), rotation FROM {CHILD}", "nextval is volatile"),
        (f"SELECT id FROM {CHILD} WHERE id = setval('x', 9)", "setval is volatile"),
        (f"SELECT rotation, nick FROM {CHILD} JOIN person ON nick = rotation", "has no"),
        (f"SELECT cm.id, x.note FROM {CHILD} cm JOIN nowhere x ON x.id = cm.id", "nowhere."),
        (f"SELECT cm.id FROM {CHILD} cm, person p WHERE p.nick = cm.rotation", "no person.nick"),
    ],
)
def test_what_is_not_run_says_why_in_one_line(text: str, why: str, connection: Connection) -> None:
    compared = Comparer(connection, SPLIT).compare(text, text)
    assert compared.verdict is Verdict.NOT_COMPARED
    assert why in compared.why and "\n" not in compared.why


def test_the_users_own_functions_are_called(connection: Connection) -> None:
    for made in (
        "CREATE FUNCTION months(a date, b date) RETURNS int LANGUAGE sql IMMUTABLE "
        "AS $$ SELECT (b - a) / 30 $$",
        "CREATE FUNCTION memberships(p bigint) RETURNS text LANGUAGE plpgsql STABLE "
        f"AS $$ BEGIN RETURN (SELECT p FROM {CHILD} LIMIT 1); END $$",
        "CREATE FUNCTION counted() RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT 1 $$",
    ):
        connection.exec_driver_sql(made)
    connection.commit()
    call = "months({0}programme_start_date, {0}programme_end_date) AS m"
    comparer = Comparer(connection, SPLIT, random_sets=3)
    compared = comparer.compare(
        f"SELECT id, {call.format('')} FROM {CHILD}",
        f"SELECT cm.id, {call.format('pm.')} FROM {JOINED}",
    )
    assert compared.verdict is Verdict.EQUAL, f"{compared.why} {compared.example}"
    for text, why in (
        (f"SELECT memberships(person_id) FROM {CHILD}", "reads a table"),
        (f"SELECT counted(), person_id FROM {CHILD}", "volatile"),
    ):
        compared = comparer.compare(text, text)
        assert compared.verdict is Verdict.NOT_COMPARED and why in compared.why


INNER = {
    "reads a table": "LANGUAGE sql STABLE AS $$ SELECT min(person_id) FROM other $$",
    "is volatile": "LANGUAGE sql VOLATILE AS $$ SELECT 1::bigint $$",
    "reads a table, and": "LANGUAGE plpgsql STABLE AS $$ DECLARE n bigint; BEGIN "
    "EXECUTE 'SELECT 1' INTO n; RETURN n; END $$",
}


@pytest.mark.parametrize("why", INNER)
def test_what_a_function_calls_is_looked_at(why: str, connection: Connection) -> None:
    for made in (
        "CREATE TABLE other (person_id bigint)",
        f"CREATE FUNCTION inner_one() RETURNS bigint {INNER[why]}",
        "CREATE FUNCTION middle(p bigint) RETURNS bigint LANGUAGE plpgsql STABLE "
        "AS $$ BEGIN RETURN p + inner_one(); END $$",
        "CREATE FUNCTION outer_one(p bigint) RETURNS bigint LANGUAGE sql STABLE "
        "AS $$ SELECT middle(p) $$",
    ):
        connection.exec_driver_sql(made)
    connection.commit()
    text = f"SELECT outer_one(person_id) FROM {CHILD}"
    compared = Comparer(connection, SPLIT, random_sets=1).compare(text, text)
    assert compared.verdict is Verdict.NOT_COMPARED
    assert "inner_one, which middle calls," in compared.why and why in compared.why


def test_a_function_that_reads_a_view_or_stands_in_another_schema_is_looked_at(
    connection: Connection,
) -> None:
    for made in (
        "CREATE VIEW seen AS SELECT 1::bigint AS person_id",
        "CREATE SCHEMA elsewhere",
        "CREATE FUNCTION elsewhere.least_person() RETURNS bigint LANGUAGE sql STABLE "
        "BEGIN ATOMIC SELECT min(person_id) FROM public.seen; END",
    ):
        connection.exec_driver_sql(made)
    connection.commit()
    text = f"SELECT elsewhere.least_person(), rotation FROM {CHILD}"
    compared = Comparer(connection, SPLIT, random_sets=1).compare(text, text)
    assert compared.verdict is Verdict.NOT_COMPARED and "reads a table" in compared.why


def test_a_string_that_names_the_table_is_not_compared(connection: Connection) -> None:
    text = f"SELECT query_to_xml('TABLE public.{CHILD}', true, true, '')::text FROM {CHILD}"
    compared = Comparer(connection, SPLIT, random_sets=1).compare(text, text)
    assert compared.verdict is Verdict.NOT_COMPARED and "names the table" in compared.why


def test_lists_of_values_are_tried(connection: Connection) -> None:
    old = f"SELECT rotation FROM {CHILD} WHERE id = ANY(:ids)"
    new = f"SELECT pm.rotation FROM {JOINED} WHERE cm.id = ANY(:ids)"
    compared = Comparer(connection, SPLIT, random_sets=3).compare(old, new)
    assert compared.verdict is Verdict.EQUAL, f"{compared.why} {compared.example}"


def test_a_connection_that_is_lost_is_one_line_and_the_next_statement_runs(
    connection: Connection,
) -> None:
    comparer = Comparer(connection, SPLIT, random_sets=1)
    old, new = f"SELECT id, rotation FROM {CHILD}", f"SELECT cm.id, pm.rotation FROM {JOINED}"
    backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    connection.rollback()

    ended: list[object] = []

    def end_it(*given: object) -> None:
        if not ended and "json_populate_recordset" in str(given[2]):
            ended.append(given)
            with connection.engine.connect() as other:
                # The server answers once the backend is gone.
                other.exec_driver_sql("SELECT pg_terminate_backend(%s, 60000)", (backend,))

    event.listen(connection, "before_cursor_execute", end_it)
    lost = comparer.compare(old, new)
    assert lost.verdict is Verdict.NOT_COMPARED
    assert ended and lost.why and "\n" not in lost.why
    assert comparer.compare(old, new).verdict is Verdict.EQUAL


def test_another_count_of_changed_rows_is_a_remark(connection: Connection) -> None:
    old = f"UPDATE {CHILD} SET rotation = 'x' WHERE person_id = 2"
    new = (
        f"UPDATE {PARENT} pm SET rotation = 'x' WHERE pm.person_id = 2 AND EXISTS "
        f"(SELECT 1 FROM {CHILD} c WHERE c.programme_membership_uuid = pm.uuid)"
    )
    compared = Comparer(connection, SPLIT, random_sets=3).compare(old, new)
    assert compared.verdict is Verdict.EQUAL, f"{compared.why} {compared.example}"
    assert any("count of changed rows" in remark for remark in compared.remarks)
    same = f"UPDATE {CHILD} SET period_of_grace = 1 WHERE curriculum_id = 2"
    assert not Comparer(connection, SPLIT, random_sets=3).compare(same, same).remarks


@pytest.mark.parametrize("sets", [0, 1])
def test_rows_on_which_the_old_form_fails_are_left_out(sets: int, connection: Connection) -> None:
    old = f"SELECT id, 100 / curriculum_id AS share FROM {CHILD} WHERE rotation = 'x'"
    new = f"SELECT cm.id, 100 / cm.curriculum_id AS share FROM {JOINED} WHERE pm.rotation = 'x'"
    compared = Comparer(connection, SPLIT, random_sets=sets).compare(old, new)
    assert compared.verdict is Verdict.EQUAL, f"{compared.why} {compared.example}"
    wrong = new.replace("100 /", "101 /")
    compared = Comparer(connection, SPLIT, random_sets=sets).compare(old, wrong)
    assert compared.verdict is not Verdict.EQUAL
