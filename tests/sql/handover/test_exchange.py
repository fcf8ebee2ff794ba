"""0005 and back: every part changes hands within one transaction, and comes back as it was."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.portrait import Server, Table, differences
from membership_refactor.sql.ddl.copy_portrait import cloned, copy_differences
from membership_refactor.sql.ddl.create import create_table
from membership_refactor.sql.handover.dependents import handover_obstacles
from membership_refactor.sql.handover.exchange import (
    hand_back,
    hand_back_locks,
    hand_over,
    hand_over_locks,
    validate_after_hand_back,
    validate_after_hand_over,
)
from membership_refactor.sql.handover.retired import recreate_retired, retired_table
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.statements import Statement
from tests.fixtures.portraits import Catalog
from tests.portrait.everything import HOSTILE, PLAIN, Everything

BOTH = pytest.mark.parametrize("names", [PLAIN, HOSTILE], ids=["plain names", "hostile names"])


class Split:
    """The source with everything and its copy, as they stand at 0004."""

    def __init__(self, catalog: Catalog, names: Everything) -> None:
        self.catalog = catalog
        self.names = names
        self.plan = names.plan
        self.own = Names(self.plan, names.schema)
        catalog.run([*names.statements(), *names.surroundings(), *names.publication()])
        catalog.run(
            [
                f"CREATE SCHEMA {ident(self.own.ledger)} AUTHORIZATION {names.quoted_owner}",
                # An ordinary role may change a publication that is its own.
                f"ALTER PUBLICATION {ident(names.published)} OWNER TO {names.quoted_owner}",
                f"GRANT CREATE ON DATABASE {ident(str(catalog.value('SELECT current_database()')))}"
                f" TO {names.quoted_owner}",
            ]
        )
        self.source = self.table(names.table)
        copy = cloned(self.source, name=self.plan.child, link=self.plan.link)
        self.run(create_table(copy))
        self.copy = self.table(self.plan.child)

    def table(self, name: str) -> Table:
        return replace(self.catalog.table(self.names.schema, name), rows=None, bytes=None)

    def run(self, statements: Iterable[Statement]) -> None:
        """As the owner, who is no superuser."""
        self.catalog.run(statements, role=self.names.quoted_owner)

    def over(self) -> None:
        self.run(
            [
                *(Statement(f"LOCK TABLE {t} IN {m} MODE") for t, m in self.over_locks),
                *hand_over(self.own, self.source),
            ]
        )
        self.run(validate_after_hand_over(self.source))

    @property
    def over_locks(self) -> tuple[tuple[str, str], ...]:
        return tuple((t, m.value) for t, m in hand_over_locks(self.own, self.source))

    def back(self) -> None:
        now = self.table(self.plan.child)
        self.run(
            [
                *(
                    Statement(f"LOCK TABLE {t} IN {m.value} MODE")
                    for t, m in hand_back_locks(self.own, now)
                ),
                *hand_back(self.own, self.source, now),
            ]
        )
        self.run(validate_after_hand_back(self.source, now))


@BOTH
def test_over_and_back_gives_the_same_portraits(catalog: Catalog, names: Everything) -> None:
    split = Split(catalog, names)

    split.over()
    split.back()

    assert split.table(names.table) == split.source
    assert split.table(split.plan.child) == split.copy


@BOTH
def test_twice_over_and_back_gives_the_same_portraits(catalog: Catalog, names: Everything) -> None:
    split = Split(catalog, names)

    for _ in range(2):
        split.over()
        split.back()

    assert split.table(names.table) == split.source
    assert copy_differences(split.plan, split.source, split.table(split.plan.child)) == ()


@BOTH
def test_the_copy_has_what_the_source_had(catalog: Catalog, names: Everything) -> None:
    split = Split(catalog, names)

    split.over()

    copy = split.table(split.plan.child)
    before = split.source
    assert copy.column("id").identity == "by default"
    assert copy.column("id").sequence == before.column("id").sequence
    assert [t.name for t in copy.triggers] == [t.name for t in before.triggers]
    assert [t.enabled for t in copy.triggers] == [t.enabled for t in before.triggers]
    assert [(r.name, r.enabled) for r in copy.rules] == [(r.name, r.enabled) for r in before.rules]
    assert copy.publications == before.publications
    assert [(k.name, k.validated) for k in copy.incoming] == [
        (k.name, k.validated) for k in before.incoming
    ]
    assert {d.name for d in copy.dependents if not d.by_text} == {
        d.name for d in before.dependents if not d.by_text
    }
    assert copy.grants == before.grants


@BOTH
def test_the_retired_table_keeps_its_shape_and_frees_every_name(
    catalog: Catalog, names: Everything
) -> None:
    split = Split(catalog, names)
    with_link = {index.name for index in split.copy.indexes}

    split.over()

    retired = split.table(split.plan.retired)
    expected = retired_table(split.plan, split.source)
    assert differences(expected, retired, without=("incoming",)) == ()
    assert [d for d in retired.dependents if not d.by_text] == []
    assert retired.incoming == ()
    names_now = catalog.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE n.nspname = {_literal(names.schema)}"
        " UNION SELECT k.conname FROM pg_constraint k JOIN pg_namespace n"
        f" ON n.oid = k.connamespace WHERE n.nspname = {_literal(names.schema)}"
        " AND k.contype <> 'f'"
    )
    taken = {str(name) for (name,) in names_now}
    source = split.source
    assert not taken & {source.name, *(index.name for index in source.indexes)}
    assert not taken & {constraint.name for constraint in source.constraints}
    assert with_link <= taken


def test_every_write_to_the_retired_table_is_refused_with_55000(catalog: Catalog) -> None:
    split = Split(catalog, PLAIN)
    split.over()

    for write in (
        "INSERT INTO s.pm_retired (id, person_id) VALUES (1, 1)",
        "UPDATE s.pm_retired SET note = 'x'",
        "DELETE FROM s.pm_retired",
        "TRUNCATE s.pm_retired",
        "SET session_replication_role = replica; UPDATE s.pm_retired SET note = 'x'",
    ):
        with (
            psycopg.connect(libpq_url(catalog.url)) as connection,
            pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as refused,
        ):
            connection.execute(write)
        assert refused.value.diag.message_primary == "s.pm_retired is retired and cannot be written"
        assert refused.value.diag.message_hint == ("Write to s.cm; the rows have been moved there.")
    assert catalog.value("SELECT count(*) FROM s.pm_retired") == 0


def test_the_sequence_goes_on_where_it_stood(catalog: Catalog) -> None:
    split = Split(catalog, PLAIN)
    catalog.run(["INSERT INTO s.other VALUES (1)"])
    last = catalog.value("SELECT nextval('s.pm_id_seq')")

    split.over()
    catalog.run(["INSERT INTO s.cm (person_id) VALUES (1)"])
    after_over = catalog.value("SELECT max(id) FROM s.cm")
    split.back()
    catalog.run(["DELETE FROM s.cm", "INSERT INTO s.pm (person_id) VALUES (1)"])
    after_back = catalog.value("SELECT max(id) FROM s.pm")

    assert isinstance(last, int)
    assert isinstance(after_over, int)
    assert isinstance(after_back, int)
    assert last < after_over < after_back


def test_a_view_and_a_function_read_the_copy_and_then_the_source_again(catalog: Catalog) -> None:
    split = Split(catalog, PLAIN)
    catalog.run(
        [
            "INSERT INTO s.other VALUES (1)",
            "ALTER TABLE s.cm DISABLE ROW LEVEL SECURITY",
            "INSERT INTO s.cm (person_id, note, amt) VALUES (1, 'in the copy', 2)",
            "ALTER TABLE s.cm ENABLE ROW LEVEL SECURITY",
        ]
    )
    seen = "SELECT note, s.counted() FROM s.seen"

    assert catalog.rows(seen) == []
    split.over()
    assert catalog.rows(seen) == [("in the copy", 1)]
    split.back()
    assert catalog.rows(seen) == []


def test_a_view_that_was_changed_meanwhile_keeps_the_change(catalog: Catalog) -> None:
    split = Split(catalog, PLAIN)
    split.over()
    catalog.run(
        [
            "CREATE OR REPLACE VIEW s.seen WITH (security_barrier=true) AS"
            " SELECT pm.id, pm.note FROM s.cm pm WHERE pm.amt > 99"
        ]
    )

    split.back()

    (view,) = (d for d in split.table("pm").dependents if d.kind == "view")
    assert view.definition is not None
    assert "99" in view.definition
    assert "FROM s.pm\n" in view.definition


def test_a_writer_that_waits_for_the_lock_lands_in_no_retired_table(catalog: Catalog) -> None:
    split = Split(catalog, PLAIN)
    catalog.run(["INSERT INTO s.other VALUES (1)"])
    url = libpq_url(catalog.url)
    with (
        psycopg.connect(url) as mover,
        psycopg.connect(url, autocommit=True) as watcher,
        psycopg.connect(url, autocommit=True) as writer,
    ):
        for table, mode in split.over_locks:
            mover.execute(f"LOCK TABLE {table} IN {mode} MODE".encode())
        for statement in hand_over(split.own, split.source):
            mover.execute(statement.text.encode())
        writer.pgconn.send_query(b"INSERT INTO s.pm (person_id) VALUES (1)")
        _wait_for_a_waiter(watcher, writer)
        mover.commit()
        result = writer.pgconn.get_result()
        assert result is not None
        assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"42P01"
        writer.pgconn.get_result()
    assert catalog.value("SELECT count(*) FROM s.pm_retired") == 0


def test_a_prepared_insert_into_the_copy_that_waits_draws_the_next_id(catalog: Catalog) -> None:
    split = Split(catalog, PLAIN)
    catalog.run(["INSERT INTO s.other VALUES (1)", "INSERT INTO s.cm (person_id) VALUES (1)"])
    url = libpq_url(catalog.url)
    with (
        psycopg.connect(url) as mover,
        psycopg.connect(url, autocommit=True) as watcher,
        psycopg.connect(url, autocommit=True) as writer,
    ):
        writer.execute("SET plan_cache_mode = force_generic_plan")
        writer.execute("PREPARE w (text) AS INSERT INTO s.cm (person_id, note) VALUES (1, $1)")
        writer.execute("EXECUTE w ('before')")
        for statement in hand_over(split.own, split.source):
            mover.execute(statement.text.encode())
        writer.pgconn.send_query(b"EXECUTE w ('waiting')")
        _wait_for_a_waiter(watcher, writer)
        mover.commit()
        result = writer.pgconn.get_result()
        assert result is not None
        assert result.status == psycopg.pq.ExecStatus.COMMAND_OK
        writer.pgconn.get_result()
        writer.execute("EXECUTE w ('after')")

    drawn = [row[0] for row in catalog.rows("SELECT id FROM s.cm ORDER BY id")]
    notes = catalog.rows("SELECT note FROM s.cm WHERE note <> 'n%''s' ORDER BY id")
    assert len(set(drawn)) == 4
    assert notes == [("before",), ("waiting",), ("after",)]


def test_no_id_is_drawn_between_the_reading_of_the_position_and_its_writing(
    catalog: Catalog,
) -> None:
    split = Split(catalog, PLAIN)
    first = catalog.value("SELECT nextval('s.pm_id_seq')")
    url = libpq_url(catalog.url)
    with (
        psycopg.connect(url) as mover,
        psycopg.connect(url, autocommit=True) as watcher,
        psycopg.connect(url, autocommit=True) as writer,
    ):
        for statement in hand_over(split.own, split.source):
            mover.execute(statement.text.encode())
        writer.pgconn.send_query(b"SELECT pg_catalog.nextval('s.pm_id_seq')")
        _wait_for_a_waiter(watcher, writer)
        mover.commit()
        result = writer.pgconn.get_result()
        assert result is not None
        # The sequence it waited for has gone ("could not open relation with OID"): an error, and
        # never an id that somebody else has.
        assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"XX000"
        writer.pgconn.get_result()
        drawn = writer.execute("SELECT nextval('s.pm_id_seq')").fetchone()
    assert isinstance(first, int)
    assert drawn is not None
    assert drawn[0] > first


def test_an_id_drawn_while_the_sequence_is_waited_for_is_not_drawn_again(
    catalog: Catalog,
) -> None:
    """Its position is read only under the lock: who has drawn from it holds it until he commits,
    and may draw again."""
    split = Split(catalog, PLAIN)
    url = libpq_url(catalog.url)
    with (
        ThreadPoolExecutor(1) as pool,  # outermost: it waits for who waits for the writer
        psycopg.connect(url) as mover,
        psycopg.connect(url, autocommit=True) as watcher,
        psycopg.connect(url, autocommit=True) as writer,
    ):

        def hand() -> None:
            for statement in hand_over(split.own, split.source):
                mover.execute(statement.text.encode())
            mover.commit()

        writer.execute("BEGIN")
        writer.execute("SELECT nextval('s.pm_id_seq')")
        handing = pool.submit(hand)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %s"
        while watcher.execute(waiting, [mover.info.backend_pid]).fetchone() != (1,):
            assert not handing.done()
        # More than the session has drawn ahead already (CACHE).
        several = "SELECT max(nextval('s.pm_id_seq')) FROM generate_series(1, 3)"
        last = writer.execute(several).fetchone()
        writer.execute("COMMIT")
        handing.result(30)
        drawn = writer.execute("SELECT nextval('s.pm_id_seq')").fetchone()
    assert last is not None
    assert drawn is not None
    assert drawn[0] > last[0]


@BOTH
def test_the_retired_structure_is_made_again_from_the_ledgers_portrait(
    catalog: Catalog, names: Everything
) -> None:
    split = Split(catalog, names)
    split.over()
    before = split.table(split.plan.retired)
    catalog.run([f"DROP TABLE {qualified(names.schema, split.plan.retired)}"])

    split.run(recreate_retired(split.own, split.source))

    after = split.table(split.plan.retired)
    assert differences(before, after, ignore_order=False) == ()
    assert replace(after, dependents=()) == replace(before, dependents=())
    split.back()
    assert split.table(names.table) == split.source


def test_a_self_reference_of_the_retired_table_is_gone(catalog: Catalog) -> None:
    split = Split(catalog, PLAIN)

    retired = retired_table(split.plan, split.source)

    assert retired.foreign_keys == ()
    assert len(split.source.foreign_keys) == 2


def test_a_serial_changes_hands_and_comes_back(catalog: Catalog) -> None:
    catalog.run(["CREATE TABLE public.t (id serial PRIMARY KEY, k bigint)"])
    names = Everything(schema="public", table="t", copy="t2", retired="t_old")
    _plan, own = names.plan, Names(names.plan, "public")
    catalog.run([f"CREATE SCHEMA {ident(own.ledger)}"])
    source = catalog.table("public", "t")
    catalog.run(create_table(cloned(source, name="t2", link="link")))
    copy = catalog.table("public", "t2")

    catalog.run(hand_over(own, source))
    catalog.run(["INSERT INTO public.t2 (k) VALUES (7)"])
    assert catalog.value("SELECT pg_get_serial_sequence('public.t2', 'id')") == "public.t_id_seq"
    catalog.run(hand_back(own, source, catalog.table("public", "t2")))

    assert _stable(catalog.table("public", "t")) == _stable(source)
    assert _stable(catalog.table("public", "t2")) == _stable(copy)


@pytest.mark.parametrize("kind", ["ALWAYS", "BY DEFAULT"])
@pytest.mark.parametrize("type_name", ["smallint", "integer"])
def test_an_identity_of_any_kind_changes_hands_and_comes_back(
    catalog: Catalog, kind: str, type_name: str
) -> None:
    catalog.run(
        [
            f"CREATE TABLE public.t (id {type_name} GENERATED {kind} AS IDENTITY"
            " (START -3 INCREMENT -2 MINVALUE -99 MAXVALUE -1) PRIMARY KEY, k bigint)",
            "INSERT INTO public.t (k) VALUES (1)",
            "CREATE SCHEMA public_refactor",
        ]
    )
    names = Everything(schema="public", table="t", copy="t2", retired="t_old")
    _plan, own = names.plan, Names(names.plan, "public")
    source = catalog.table("public", "t")
    catalog.run(create_table(cloned(source, name="t2", link="link")))
    copy = catalog.table("public", "t2")

    catalog.run(hand_over(own, source))
    catalog.run(["INSERT INTO public.t2 (k) VALUES (7)"])
    assert catalog.rows("SELECT id FROM public.t2") == [(-5,)]
    assert catalog.table("public", "t2").column("id").sequence == source.column("id").sequence
    catalog.run(hand_back(own, source, catalog.table("public", "t2")))

    assert _stable(catalog.table("public", "t")) == _stable(source)
    assert _stable(catalog.table("public", "t2")) == _stable(copy)


def test_nothing_in_the_lock_reads_a_table(catalog: Catalog) -> None:
    split = Split(catalog, PLAIN)
    now = replace(split.copy, incoming=split.source.incoming)

    for statement in (
        *hand_over(split.own, split.source),
        *hand_back(split.own, split.source, now),
    ):
        assert "VALIDATE" not in statement.text
        if "FOREIGN KEY" in statement.text:
            assert statement.text.endswith("NOT VALID")


def test_dependents_and_tables_of_other_owners_are_named(catalog: Catalog) -> None:
    catalog.run([*PLAIN.statements(), *PLAIN.surroundings()])
    catalog.run(
        [
            f"GRANT CREATE ON SCHEMA s TO {PLAIN.writer}",
            f"ALTER VIEW s.seen OWNER TO {PLAIN.writer}",
            f"ALTER TABLE s.detail OWNER TO {PLAIN.writer}",
        ]
    )
    server = Server(user=PLAIN.owner, acts_as=(PLAIN.owner,))

    found = handover_obstacles(catalog.table("s", "pm"), server=server)

    assert len(found) == 2
    assert found[0].startswith('view s.seen belongs to "pm_writer"')
    assert found[1].startswith('table "s"."detail" belongs to "pm_writer"')


def test_default_privileges_do_not_open_the_new_sequence(catalog: Catalog) -> None:
    split = Split(catalog, PLAIN)
    catalog.run(
        [
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {split.names.quoted_owner}"
            " GRANT ALL ON SEQUENCES TO PUBLIC"
        ]
    )

    split.over()

    assert split.table("cm").column("id").sequence == split.source.column("id").sequence


def test_what_cannot_be_moved_is_named_beforehand(catalog: Catalog) -> None:
    catalog.run([*PLAIN.statements(), *PLAIN.surroundings()])
    catalog.run(
        [
            "CREATE MATERIALIZED VIEW s.stored AS SELECT id FROM s.pm",
            "CREATE FUNCTION s.shown(s.pm) RETURNS text LANGUAGE sql AS 'SELECT $1.note'",
            "CREATE TABLE s.row_of (one s.pm)",
            "CREATE RULE on_pm AS ON INSERT TO s.other DO ALSO DELETE FROM s.pm WHERE id < 0",
            "ALTER TABLE s.other ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY by_pm ON s.other USING (EXISTS (SELECT FROM s.pm WHERE pm.id = 1))",
            "CREATE TABLE s.parts (pm_id bigint REFERENCES s.pm) PARTITION BY LIST (pm_id)",
        ]
    )

    found = "\n".join(handover_obstacles(catalog.table("s", "pm")))

    assert "materialized view s.stored" in found
    assert "function s.shown(s.pm)" in found
    assert "s.row_of" in found
    assert "rule on_pm on s.other" in found
    assert "policy by_pm on s.other" in found
    assert 'partitioned table "s"."parts"' in found
    assert "s.seen" not in found
    assert "s.counted" not in found


def _wait_for_a_waiter(watcher: psycopg.Connection, writer: psycopg.Connection) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %s"
    while watcher.execute(waiting, [writer.info.backend_pid]).fetchone() != (1,):
        assert writer.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE


def _stable(table: Table) -> Table:
    return replace(table, rows=None, bytes=None)


def _literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
