"""At 0007 one join leaves the groups to be derived; it finds what deriving all of them finds."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from membership_refactor.checks.parents import derived_checks
from membership_refactor.database import libpq_url
from membership_refactor.execution.run_checks import examine_together
from membership_refactor.sql.comparisons.derived_parents import differing_parents
from membership_refactor.sql.comparisons.saved_parents import children_without_parent
from membership_refactor.sql.quoting import ident
from tests.chain.driver import Chain, build, insert
from tests.chain.fixed import fill
from tests.chain.subjects import MEMBERSHIP, ODD, odd
from tests.fixtures.chains import ChainAt
from tests.inspect.tables import odd_rows

UNTIMED = odd(changed=None)
SUBJECTS = {
    "one policy": (MEMBERSHIP, fill),
    "every policy": (ODD, insert(ODD, odd_rows())),
    "no time of change": (
        UNTIMED,
        insert(UNTIMED, [{k: v for k, v in r.items() if k != 'um "%d"'} for r in odd_rows()]),
    ),
}


def corruptions(chain: Chain) -> dict[str, str]:
    plan, child, parent = chain.plan, chain.names.child, chain.names.parent
    link, uuid, value = ident(plan.link), ident(plan.parent_id), ident(plan.parent_values[-1])
    id = chain.names.id.listed("")
    one = f"{uuid} = (SELECT min({uuid}::text)::uuid FROM {parent})"
    first = f"{id} = (SELECT min({id}) FROM {child})"
    family = (
        f"{link} = (SELECT {link} FROM {child} GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1)"
    )
    made = {
        "nothing": "SELECT",
        "a value of a parent": f"UPDATE {parent} SET {value} = NULL WHERE {value} IS NOT NULL",
        "a key of a parent": f"UPDATE {parent} SET {ident(plan.key[0])} = NULL WHERE {one}",
        "a parent goes": f"DELETE FROM {parent} WHERE {one}",
        "a parent without children": f"UPDATE {parent} SET {uuid} = gen_random_uuid() WHERE {one}",
        "a child goes": f"DELETE FROM {child} WHERE {first}",
        "all of a family but one go": f"DELETE FROM {child} WHERE {family} AND {id} <> "
        f"(SELECT max({id}) FROM {child} WHERE {family})",
        "a link to nowhere": f"UPDATE {child} SET {link} = gen_random_uuid() WHERE {first}",
        "another link": f"UPDATE {child} SET {link} = (SELECT max({uuid}::text)::uuid "
        f"FROM {parent}) WHERE {first}",
        "values of children": f"UPDATE {child} SET {value} = NULL WHERE {family}",
    }
    if plan.changed:
        changed = ident(plan.changed)
        later = f"{changed} + interval '1 day'"
        made |= {
            "a child is later": f"UPDATE {child} SET {changed} = {later} WHERE {first}",
            "a parent is later": f"UPDATE {parent} SET {changed} = {later} WHERE {one}",
            "a parent is earlier": f"UPDATE {parent} SET {changed} = '1999-01-01' WHERE {one}",
            "no child has a time": f"UPDATE {child} SET {changed} = NULL WHERE {family}",
        }
    return made


@pytest.mark.parametrize("named", SUBJECTS)
def test_what_deriving_everything_finds_is_found(named: str, chain_at: ChainAt) -> None:
    subject, rows = SUBJECTS[named]
    chain = chain_at("0007", subject=subject, name=f"derived {named}", first=build(subject, rows))
    texts, caught = corruptions(chain), 0
    with psycopg.connect(libpq_url(chain.url)) as pg:
        child = chain.runner().situation(pg).child("rebuild_parent")
        checks = derived_checks(chain.names, child)[:2]
        plain = (differing_parents(chain.names, child), children_without_parent(chain.names))
        for what, text in texts.items():
            with pg.transaction(force_rollback=True):
                for table in (chain.names.child, chain.names.parent):
                    pg.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
                try:
                    with pg.transaction():
                        pg.execute(text.encode())
                except psycopg.errors.NotNullViolation:
                    continue
                expected = [keys(pg, scan.query) for scan in plain]
                assert [keys(pg, check.whole) for check in checks] == expected, what
                found = examine_together(pg, checks)
                assert [r.broken for r in found] == [len(e) for e in expected], what
                caught += bool(expected[0])
                assert what != "nothing" or expected == [[], []]
    assert caught > 3


def keys(pg: psycopg.Connection[Any], query: str) -> list[str]:
    return sorted(key for (key,) in pg.execute(query.encode()))
