"""A random hammer: several sessions at random levels, and a serial model that must agree."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import ISOLATIONS
from tests.sql.parallel import playground

EXPECTED = {"40001", "40P01", "23503", "23505", "23514"}
"""A retry, a parent that is not there, a key or an id that is taken, a contradiction."""


def statements(rng: random.Random) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Old-style and new-style writes over few keys, so that they meet."""
    while True:
        child, person = rng.randrange(40), rng.randrange(4)
        kind, value = rng.choice(["a", "b", None]), rng.choice(["x", "y", None])
        yield rng.choice(
            [
                ("INSERT INTO tis.cm (id, person, type, rotation) VALUES (%s, %s, %s, %s)"
                 " ON CONFLICT (id) DO NOTHING", (child, person, kind, value)),
                ("INSERT INTO tis.cm (id, pm_uuid) SELECT %s, uuid FROM tis.pm"
                 " WHERE person = %s LIMIT 1 ON CONFLICT (id) DO NOTHING", (child, person)),
                ("INSERT INTO tis.pm (person, type, rotation) VALUES (%s, %s, %s)",
                 (person, kind, value)),
                ("UPDATE tis.cm SET rotation = %s WHERE id = %s", (value, child)),
                ("UPDATE tis.cm SET leaving = %s WHERE person = %s", (value, person)),
                ("UPDATE tis.cm SET type = %s WHERE id = %s", (kind, child)),
                ("UPDATE tis.cm SET type = %s, rotation = %s WHERE person = %s",
                 (kind, value, person)),
                ("UPDATE tis.cm SET pm_uuid = (SELECT uuid FROM tis.pm WHERE person = %s"
                 " LIMIT 1) WHERE id = %s AND EXISTS (SELECT FROM tis.pm WHERE person = %s)",
                 (person, child, person)),
                ("UPDATE tis.pm SET rotation = %s WHERE person = %s", (value, person)),
                ("UPDATE tis.pm SET type = %s WHERE person = %s", (kind, person)),
                ("DELETE FROM tis.cm WHERE id = %s", (child,)),
                ("DELETE FROM tis.cm WHERE person = %s", (person,)),
                ("DELETE FROM tis.pm WHERE person = %s", (person,)),
            ]
        )  # fmt: skip


def hammer(url: str, seed: int, until: float, faults: list[str], counts: dict[str, int]) -> None:
    rng = random.Random(seed)
    work = statements(rng)
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("SET deadlock_timeout = '20ms'")
        while time.monotonic() < until:
            end = "committed"
            try:
                connection.execute(f"BEGIN ISOLATION LEVEL {rng.choice(ISOLATIONS)}")
                for _ in range(rng.randrange(1, 4)):
                    text, parameters = next(work)
                    if rng.random() < 0.2:
                        connection.execute("SAVEPOINT s")
                        connection.execute(text, parameters)
                        if rng.random() < 0.5:
                            connection.execute("ROLLBACK TO SAVEPOINT s")
                    else:
                        connection.execute(text, parameters)
                connection.execute("COMMIT" if rng.random() < 0.9 else "ROLLBACK")
            except psycopg.Error as error:
                end = error.sqlstate or "lost"
                if end not in EXPECTED:
                    faults.append(f"seed {seed}: {end}: {error}")
                    return
                connection.execute("ROLLBACK")
            counts[end] = counts.get(end, 0) + 1


def assault(url: str, seed: int, seconds: float) -> dict[str, int]:
    """Hammers away and looks at single snapshots meanwhile; ends in sound tables."""
    until = time.monotonic() + seconds
    faults: list[str] = []
    counts: dict[str, int] = {}
    threads = [
        threading.Thread(target=hammer, args=(url, seed * 100 + n, until, faults, counts))
        for n in range(5)
    ]
    for thread in threads:
        thread.start()
    with psycopg.connect(libpq_url(url)) as watch:
        watch.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ

        def query(text: str) -> list[Any]:
            return watch.execute(text.encode()).fetchall()

        while any(thread.is_alive() for thread in threads):
            assert playground.broken(query) == {}, f"seed {seed}, while writing"
            watch.commit()
        assert playground.broken(query) == {}, f"seed {seed}, at the end"
    assert not faults, faults
    return counts


@pytest.mark.parametrize("seed", [1, 2])
def test_random_writers_never_part_the_tables(
    seed: int, template_database: TemplateDatabase
) -> None:
    counts = assault(template_database("parallel", playground.build), seed, 6)
    assert counts.get("committed", 0) > 100, counts


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(11, 15))
def test_random_writers_never_part_the_tables_for_long(
    seed: int, template_database: TemplateDatabase
) -> None:
    assault(template_database("parallel", playground.build), seed, 60)


class Model:
    """Parent and child as plain dictionaries, one statement at a time: what a writer expects.

    Keys are (person, type); a group is a list of child ids that share one [key, value].
    """

    def __init__(self) -> None:
        self.groups: dict[tuple[int, str | None], str | None] = {}
        self.explicit: set[tuple[int, str | None]] = set()
        self.children: dict[int, tuple[int, str | None]] = {}

    def tidy(self) -> None:
        used = set(self.children.values())
        for key in [k for k in self.groups if k not in used and k not in self.explicit]:
            del self.groups[key]

    def insert(self, child: int, key: tuple[int, str | None], value: str | None) -> None:
        if child not in self.children:
            self.children[child] = key
            self.groups[key] = value

    def move(self, child: int, key: tuple[int, str | None]) -> None:
        before = self.children.get(child)
        if before is None or before == key:
            return
        alone = list(self.children.values()).count(before) == 1
        if key not in self.groups:
            self.groups[key] = self.groups[before]
            if alone and before in self.explicit:
                # The whole group has moved: its parent took the new key, whoever made it.
                self.explicit.remove(before)
                self.explicit.add(key)
        self.children[child] = key
        self.tidy()

    def value(self, child: int, value: str | None) -> None:
        if child in self.children:
            self.groups[self.children[child]] = value

    def delete(self, child: int) -> None:
        self.children.pop(child, None)
        self.tidy()

    def parent(self, key: tuple[int, str | None], value: str | None) -> bool:
        if key in self.groups:
            return False
        self.groups[key] = value
        self.explicit.add(key)
        return True

    def give(self, child: int, key: tuple[int, str | None]) -> None:
        if child in self.children and key in self.groups:
            self.children[child] = key
            self.tidy()


@pytest.mark.parametrize("seed", range(6))
def test_a_long_serial_history_ends_as_the_model_says(
    seed: int, template_database: TemplateDatabase
) -> None:
    rng, model = random.Random(seed), Model()
    url = template_database("parallel", playground.build)
    same = "person = %s AND type IS NOT DISTINCT FROM %s"
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        run = connection.execute
        for _ in range(250):
            child, value = rng.randrange(12), rng.choice(["x", "y", None])
            key = (rng.randrange(3), rng.choice(["a", None]))
            match rng.randrange(6):
                case 0 | 1:
                    run("INSERT INTO tis.cm (id, person, type, rotation) VALUES (%s, %s, %s, %s)"
                        " ON CONFLICT DO NOTHING", (child, *key, value))  # fmt: skip
                    model.insert(child, key, value)
                case 2:
                    run("UPDATE tis.cm SET person = %s, type = %s WHERE id = %s", (*key, child))
                    model.move(child, key)
                case 3:
                    run("UPDATE tis.cm SET rotation = %s WHERE id = %s", (value, child))
                    model.value(child, value)
                case 4:
                    run("DELETE FROM tis.cm WHERE id = %s", (child,))
                    model.delete(child)
                case _ if rng.random() < 0.4:
                    made = run("INSERT INTO tis.pm (person, type, rotation) VALUES (%s, %s, %s)"
                               " ON CONFLICT DO NOTHING", (*key, value)).rowcount  # fmt: skip
                    assert bool(made) == model.parent(key, value)
                case _:
                    run(f"UPDATE tis.cm SET pm_uuid = p.uuid FROM (SELECT uuid FROM tis.pm"
                        f" WHERE {same}) AS p WHERE id = %s", (*key, child))  # fmt: skip
                    model.give(child, key)
            parents = run("SELECT person, type, rotation FROM tis.pm").fetchall()
            assert {(p, t): r for p, t, r in parents} == model.groups
            children = run("SELECT id, person, type, rotation FROM tis.cm").fetchall()
            assert {i: (p, t) for i, p, t, _ in children} == model.children
            assert all(r == model.groups[(p, t)] for _, p, t, r in children)
