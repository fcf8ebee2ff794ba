"""Small tables of both plans at every stage, and a hand that writes past all triggers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import psycopg

from membership_refactor.database import libpq_url
from membership_refactor.sql.quoting import ident
from tests.chain.driver import Chain, Subject, build, insert
from tests.chain.fixed import layer
from tests.chain.subjects import MEMBERSHIP, ODD

START = date(2020, 1, 1)
GROUPS, IN_A_GROUP = 6, 2


def memberships() -> Iterable[dict[str, Any]]:
    """Ids 1 to 12: six groups of two, gaps and empty strings in the key."""
    for n in range(GROUPS * IN_A_GROUP):
        g = n // IN_A_GROUP
        yield {
            "id": n + 1,
            "person_id": g % 3 + 1,
            "programme_id": 1,
            "programme_membership_type": (None, "A", "")[g % 3],
            "programme_start_date": None if g == 5 else START + timedelta(days=g),
            "rotation": f"r{g}",
            "leaving_reason": None if g % 2 else "left",
            "curriculum_id": n % 3,
            "intrepid_id": f"i{n}",
            "amended_date": "2020-01-01 00:00:00+00",
        }


TEXT_IDS = ("A 'one'", "Z", "a", 'b "2"', "c\\3", "d", "é", "ö", "日本", "~", "1", "10")


def odd_rows() -> Iterable[dict[str, Any]]:
    """The same shape under names that need quoting, with a text primary key."""
    for n, id in enumerate(TEXT_IDS):
        g = n // IN_A_GROUP
        yield {
            'Schlüssel "%"': id,
            "first key %": None if g == 5 else f"k{g % 3}",
            "order": (-1, 0, 1)[g % 3],
            'né "q"': START + timedelta(days=g),
            "agrees %": g,
            "First\\": f"f{g}",
            "max num": f"{g}.50",
            "stays ü": f"s{n}",
            'um "%d"': "2020-01-01 00:00:00",
        }


ROWS: dict[str, Callable[[], Iterable[dict[str, Any]]]] = {
    MEMBERSHIP.plan.name: memberships,
    ODD.plan.name: odd_rows,
}
VALUES = {MEMBERSHIP.plan.name: "rotation", ODD.plan.name: "First\\"}
"""A column of the parent outside the key."""


def at(revision: str, subject: Subject, template_database: Any) -> Chain:
    """The tables as they stand at ``revision``."""

    def first(url: str) -> None:
        build(subject, insert(subject, ROWS[subject.plan.name]()))(url)
        if subject.plan.name == MEMBERSHIP.plan.name:
            Chain(url, subject).run("SELECT setval('public.programme_membership_id_seq', 100)")

    last = max(r for r in (subject.start, *subject.revisions) if r <= revision)
    partitioned = any("PARTITION BY" in text for text in subject.create)
    name = f"verify {subject.plan.fingerprint} {partitioned}"
    return Chain(template_database(layer(last, subject=subject, name=name, first=first)), subject)


def tamper(chain: Chain, *texts: str) -> None:
    """What only a superuser can: no trigger fires, the tool's included; none is left changed."""
    with psycopg.connect(libpq_url(chain.url)) as pg:
        found = pg.execute(
            "SELECT t.tgrelid::regclass::text, t.tgname, t.tgenabled FROM pg_trigger AS t "
            "JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n "
            "ON n.oid = c.relnamespace WHERE n.nspname = %s",
            (chain.subject.schema,),
        ).fetchall()
        tables = {table for table, _, _ in found}
        for table in tables:
            pg.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        for text in texts:
            pg.execute(text.encode())
        states = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}
        for table, name, state in found:
            how = states[state]
            pg.execute(f"ALTER TABLE {table} {how} TRIGGER {ident(name)}".encode())
