"""pg_dump's text: cut into entries, and what a clone must not have."""

from __future__ import annotations

from membership_refactor.rehearsal.dump_text import Entry, entries, left_out

TEXT = r"""--
-- PostgreSQL database dump
--

\restrict abc

SET statement_timeout = 0;
SET transaction_timeout = 0;

--
-- Name: t; Type: TABLE; Schema: app; Owner: o
--

CREATE TABLE app.t (a text DEFAULT '-- Name: x; Type: y');


--
-- Name: EVENT TRIGGER watcher; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EVENT TRIGGER watcher IS 'x';


--
-- Name: USER MAPPING o SERVER s; Type: USER MAPPING; Schema: -; Owner: o
--

CREATE USER MAPPING FOR o SERVER s OPTIONS (password 'secret');


\unrestrict abc
"""


def test_each_object_is_an_entry_with_its_type_and_name() -> None:
    found = list(entries(TEXT))
    assert [(e.type, e.name) for e in found] == [
        ("SESSION", "settings"),
        ("TABLE", "t"),
        ("COMMENT", "EVENT TRIGGER watcher"),
        ("USER MAPPING", "USER MAPPING o SERVER s"),
    ]
    assert found[1].text.strip() == "CREATE TABLE app.t (a text DEFAULT '-- Name: x; Type: y');"


def test_commands_of_psql_and_settings_of_newer_servers_are_not_run() -> None:
    text = "".join(e.text for e in entries(TEXT))
    assert "restrict" not in text and "transaction_timeout" not in text
    assert "SET statement_timeout = 0;" in text


def test_what_is_left_out_is_told_without_what_it_holds() -> None:
    found = list(entries(TEXT))
    assert [bool(e.why_left_out) for e in found] == [False, False, True, True]
    (line,) = left_out(found)
    assert line.startswith("user mapping USER MAPPING o SERVER s: it holds a password")
    assert "secret" not in line


def test_publications_come_along_and_extensions_with_workers_do_not() -> None:
    assert Entry("PUBLICATION", "feed", "").why_left_out is None
    assert Entry("EXTENSION", "pg_cron", "").why_left_out
    assert Entry("EXTENSION", "citext", "").why_left_out is None
    assert Entry("SUBSCRIPTION", "reader", "").why_left_out


def test_an_empty_dump_has_its_settings_only() -> None:
    assert [e.type for e in entries("SET a = 1;\n")] == ["SESSION"]
