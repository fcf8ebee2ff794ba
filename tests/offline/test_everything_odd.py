"""Scripts where names need quoting, keys have gaps, the owner is another, and writers are about."""

from __future__ import annotations

import threading
from dataclasses import replace

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.portrait import Portrait, differences
from membership_refactor.portrait.document import from_json, to_json
from membership_refactor.sql.quoting import ident, literal
from tests.chain.driver import REVISIONS, Chain, Subject, build, insert, snapshot
from tests.chain.subjects import ODD, UNCHANGED
from tests.fixtures.databases import TemplateDatabase
from tests.offline.scripts import Script

REFERENCES = (-1, 0, 1, 32767, None)


def odd_row(n: int, *, of: Subject) -> dict[str, object]:
    """Five values in each key column, every second one of them a gap or a sentinel."""
    row: dict[str, object] = {
        of.plan.last_id: f"{n:04d} %s 'x' \\",
        "first key %": (None, "", "a", "A ", "ä\\")[n % 5],
        "order": REFERENCES[n % 3],
        'né "q"': (None, "1800-01-01", "infinity")[n % 3],
        "b$ody$": None,
        "{last}": (True, None)[n % 2],
        "agrees %": n % 5,
        "latest{first}": f"v{n}",
        "late json": f'{{"n": {n}}}',
        "First\\": f"f{n}"[:20],
        "max num": n,
        "max'date": "2020-02-02",
        "stays ü": None if n % 7 else "%(here)s",
        "not in the plan": f"extra {n}",
    }
    if of.plan.changed:
        row[of.plan.changed] = f"2020-01-01 00:00:{n % 60:02d}"
    return row


def portrait_file(chain: Chain) -> Portrait:
    """As ``-x portrait=FILE`` brings it."""
    return from_json(to_json(chain.portrait()))


@pytest.mark.parametrize("subject", [ODD, UNCHANGED], ids=["odd", "unchanged"])
def test_names_that_need_quoting_and_keys_with_gaps(
    template_database: TemplateDatabase, subject: Subject
) -> None:
    # The policy "agree" is kept: "agrees %" is n % 5, as is the first column of the key.
    rows = [odd_row(n, of=subject) for n in range(60)]
    made = build(subject, insert(subject, rows))
    name = f"offline {subject.plan.changed}"
    online = Chain(template_database(name, made), subject)
    chain = Chain(template_database(name, made), subject)
    script = Script(chain, portrait_file(chain))
    legacy = snapshot(chain)
    for revision in REVISIONS:
        script.up(revision).fine()
        online.up(revision)
        one, two = snapshot(chain), snapshot(online)
        assert differences(one.portrait, two.portrait, ignore_order=False) == ()
        assert (one.tables, one.own) == (two.tables, two.own)
    script.down().fine()
    back = snapshot(chain)
    assert differences(back.portrait, legacy.portrait) == ()
    assert back.tables == legacy.tables


def test_everything_belongs_to_the_tables_owner_who_may_create_nothing_else(
    script: Script,
) -> None:
    owner = f'own "{script.chain.engine.url.database}" er'
    chain = script.chain
    chain.run(
        f"CREATE ROLE {ident(owner)}",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {ident(owner)}",
        f"REVOKE CREATE ON DATABASE {ident(chain.engine.url.database or '')} FROM PUBLIC",
        *(
            f"ALTER TABLE {ident(t)} OWNER TO {ident(owner)}"
            for (t,) in chain.query(
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"
            )
        ),
    )
    try:
        owned = replace(script, legacy=portrait_file(chain))
        owned.up().fine()
        strangers = (
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname IN ('public', 'public_refactor') "
            f"AND pg_get_userbyid(c.relowner) <> {literal(owner)} UNION ALL "
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            f"WHERE n.nspname = 'public_refactor' AND p.proowner::regrole::text = 'postgres'"
        )
        assert chain.query(strangers) == []
        owned.down().fine()
    finally:
        chain.run(
            f"REASSIGN OWNED BY {ident(owner)} TO CURRENT_USER",
            f"DROP OWNED BY {ident(owner)}",
            f"DROP ROLE {ident(owner)}",
        )


def test_nothing_is_lost_while_a_writer_goes_on(script: Script) -> None:
    """One writer of the source until 0004; each of its commits is found in the end."""
    written: list[tuple[int, str]] = []
    done = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            with psycopg.connect(libpq_url(script.chain.url), autocommit=True) as connection:
                n = 0
                while not done.is_set():
                    n += 1
                    key, value = n % 2_900 + 1, f"round {n}"
                    found = connection.execute(
                        "UPDATE programme_membership SET intrepid_id = %s, "
                        "programme_start_date = CASE WHEN %s %% 5 = 0 "
                        "THEN programme_start_date + 1 ELSE programme_start_date END "
                        "WHERE id = %s RETURNING id",
                        (value, n, key),
                    ).fetchone()
                    if found:
                        written.append((key, value))
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        script.up("0003", "0004").fine()
    finally:
        done.set()
        writer.join()
    assert failures == []
    assert len(written) > 100
    script.up(*REVISIONS[2:]).fine()
    now = dict(script.chain.query("SELECT id, intrepid_id FROM curriculum_membership"))
    last = dict(written)
    assert {key: now[key] for key in last} == last
