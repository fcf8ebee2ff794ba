"""What trigger functions do with whole rows, read from their texts."""

from __future__ import annotations

import pytest

from membership_refactor.portrait import Routine, Table, Trigger
from membership_refactor.sql.application_code.whole_rows import whole_rows

DEFINITION = (
    "CREATE TRIGGER t AFTER UPDATE ON s.wide REFERENCING OLD TABLE AS gone NEW TABLE AS fresh "
    "FOR EACH STATEMENT EXECUTE FUNCTION f()"
)
BY_POSITION = (
    "BEGIN INSERT INTO history SELECT OLD.*; RETURN NULL; END",
    "BEGIN INSERT INTO history SELECT 'D', now(), (OLD).*; RETURN NULL; END",
    "BEGIN INSERT INTO history (a, b) SELECT NEW.*; RETURN NULL; END",
    "BEGIN IF TG_OP = 'DELETE' THEN INSERT INTO history VALUES (OLD.*); END IF; RETURN NULL; END",
    "BEGIN IF x THEN NULL; ELSE insert into history values (1, new.*, now()); END IF; END",
    "DECLARE h history%ROWTYPE; BEGIN h := NEW; RETURN NULL; END",
    "DECLARE h history; BEGIN h = OLD; RETURN NULL; END",
    "DECLARE h app.history%ROWTYPE := OLD; BEGIN RETURN NULL; END",
    "DECLARE h history; BEGIN SELECT OLD.* INTO h; RETURN NULL; END",
    "DECLARE h history; BEGIN h := ROW(NEW.*)::history; RETURN NULL; END",
    "DECLARE r record; BEGIN r := OLD; INSERT INTO history SELECT r.*; RETURN NULL; END",
    "DECLARE r record := OLD; BEGIN INSERT INTO history SELECT (r).*; RETURN NULL; END",
    "BEGIN INSERT INTO history SELECT (ROW(NEW.*)::history).*; RETURN NULL; END",
    "BEGIN UPDATE last SET (a, b) = (SELECT NEW.*); RETURN NULL; END",
    "BEGIN UPDATE last SET (a, b) = ROW(NEW.*); RETURN NULL; END",
    "BEGIN INSERT INTO history SELECT * FROM fresh; RETURN NULL; END",
    "BEGIN INSERT INTO history TABLE fresh; RETURN NULL; END",
    "BEGIN INSERT INTO history SELECT n.*, 'x' FROM fresh AS n; RETURN NULL; END",
    "BEGIN INSERT INTO history SELECT now(), * FROM gone WHERE id > 1; RETURN NULL; END",
    "BEGIN FOR r IN SELECT * FROM gone LOOP INSERT INTO history VALUES (r.*); END LOOP; END",
    "BEGIN INSERT INTO history SELECT * FROM wide WHERE id = NEW.id; RETURN NULL; END",
    "BEGIN EXECUTE 'INSERT INTO history SELECT ($1).*' USING OLD; RETURN NULL; END",
    "BEGIN EXECUTE format('INSERT INTO %I SELECT $1.*', 'h') USING OLD; RETURN NULL; END",
)
PERHAPS = (
    "BEGIN PERFORM log_it(OLD); RETURN NULL; END",
    "BEGIN INSERT INTO log VALUES (NEW::text); RETURN NULL; END",
    "BEGIN INSERT INTO log VALUES (format('%s', NEW)); RETURN NULL; END",
)
BY_NAME = (
    "BEGIN INSERT INTO audit VALUES (row_to_json(OLD), to_jsonb(NEW.*)); RETURN NULL; END",
    "BEGIN IF NEW.* IS DISTINCT FROM OLD.* THEN RETURN NEW; END IF; RETURN COALESCE(NEW, OLD); END",
    "BEGIN IF ROW(NEW.*) IS DISTINCT FROM ROW(OLD.*) THEN NEW.a := now(); END IF; RETURN NEW; END",
    "BEGIN IF NEW = OLD THEN RETURN OLD; END IF; IF (OLD.*) = (NEW.*) THEN RETURN OLD; END IF; END",
    "BEGIN INSERT INTO history (id, a) VALUES (OLD.id, OLD.a * 2); RETURN NULL; END",
    "BEGIN INSERT INTO counts SELECT count(*) FROM fresh; RETURN NULL; END",
    "BEGIN INSERT INTO h (id) SELECT n.id FROM fresh n JOIN gone o USING (id) "
    "WHERE n.* IS DISTINCT FROM o.*; RETURN NULL; END",
    "BEGIN FOR r IN SELECT * FROM gone LOOP INSERT INTO h (id) VALUES (r.id); END LOOP; END",
    "BEGIN NEW := jsonb_populate_record(NEW, '{}'); RETURN NEW; END",
    "-- INSERT INTO history SELECT OLD.*\nBEGIN /* h := NEW; */ RETURN NEW; END",
    "BEGIN PERFORM pg_notify('x', row_to_json(NEW)::text); RETURN NEW; END",
    "BEGIN INSERT INTO audit SELECT hstore(OLD.*) - hstore(NEW.*); RETURN NULL; END",
    "DECLARE x int; BEGIN SELECT count(*) INTO x FROM wide; RETURN NEW; END",
)


def found(body: str, *, enabled: str = "O") -> set[bool]:
    table = Table(
        schema="s",
        name="wide",
        columns=(),
        triggers=(Trigger(name="t", definition=DEFINITION, function="f()", enabled=enabled),),
        routines=(Routine(name="f()", used_by=("trigger t",), body=body),),
    )
    return {use.certain for use in whole_rows(table)}


@pytest.mark.parametrize("body", BY_POSITION)
def test_what_depends_on_the_position_of_columns_is_found(body: str) -> None:
    assert True in found(body)
    assert found(body, enabled="D") == set()


@pytest.mark.parametrize("body", PERHAPS)
def test_what_may_depend_on_it_is_only_suspected(body: str) -> None:
    assert found(body) == {False}


@pytest.mark.parametrize("body", BY_NAME)
def test_what_uses_names_or_compares_rows_is_left_alone(body: str) -> None:
    assert found(body) == set()
