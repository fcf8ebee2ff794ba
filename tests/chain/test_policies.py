"""Policies with sub-selects go to the copy and to the parent, and let see the same rows there."""

from __future__ import annotations

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.errors import CannotCarry
from membership_refactor.sql.quoting import ident
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt

CHILD, WIDE = "public.curriculum_membership", "public.programme_membership"
POLICIES = {
    "mr_policy_subselect": (
        "USING (EXISTS (SELECT FROM public.person AS c WHERE c.id = person_id AND c.id > 1))"
    ),
    "mr_policy_own_alias": (
        "USING (person_id IN (SELECT programme_membership.id"
        " FROM public.person AS programme_membership WHERE programme_membership.id > 1))"
    ),
    "mr_policy_check": (
        "USING (person_id > 1) WITH CHECK (EXISTS (SELECT FROM public.person AS c"
        " WHERE c.id = person_id AND c.id > 2))"
    ),
    "mr_policy_function": "USING (public.may_see(person_id))",
}
"""By the role that each is for."""
WHOLE_ROW = "USING (to_jsonb(programme_membership) ->> 'person_id' > '1')"


def police(chain: Chain, policies: dict[str, str]) -> None:
    chain.run(
        "CREATE FUNCTION public.may_see(person bigint) RETURNS boolean LANGUAGE sql STABLE"
        " AS 'SELECT EXISTS (SELECT FROM public.person AS p WHERE p.id = person AND person > 1)'",
        f"ALTER TABLE {WIDE} ENABLE ROW LEVEL SECURITY",
    )
    for role, text in policies.items():
        chain.run(
            f"DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role}; END IF; END $$",
            f"GRANT SELECT, UPDATE ON {WIDE} TO {role}",
            f"GRANT SELECT ON public.person TO {role}",
            f"CREATE POLICY for_{role} ON {WIDE} TO {role} {text}",
        )


def seen(chain: Chain, table: str, role: str) -> set[int]:
    """The persons whose rows the role sees."""
    with psycopg.connect(libpq_url(chain.url)) as connection:
        connection.execute(f"SET ROLE {role}".encode())
        found = connection.execute(f"SELECT person_id FROM {table}".encode()).fetchall()
    return {person for (person,) in found}


def test_policies_hide_the_same_rows_in_every_table(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    police(chain, POLICIES)
    expected = {role: seen(chain, WIDE, role) for role in POLICIES}
    assert all(expected.values())
    assert all(1 not in persons for persons in expected.values())

    chain.up_to("0004")
    assert {role: seen(chain, CHILD, role) for role in POLICIES} == expected
    chain.up_to("0008", after="0004")
    for table in (CHILD, WIDE):
        assert {role: seen(chain, table, role) for role in POLICIES} == expected
        for role in POLICIES:
            with psycopg.connect(libpq_url(chain.url)) as connection:
                connection.execute(f"SET ROLE {role}".encode())
                update = f"UPDATE {table} SET rotation = 'x' WHERE person_id = 2".encode()
                if role == "mr_policy_check":
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        connection.execute(update)
                else:
                    assert connection.execute(update).rowcount > 0
    chain.down_to("0002", before="0008")
    assert {role: seen(chain, WIDE, role) for role in POLICIES} == expected


def test_a_policy_in_which_the_new_name_is_an_alias_is_refused_by_name(chain_at: ChainAt) -> None:
    """As a column of the copy, ``curriculum_membership.person_id`` would be the alias's."""
    chain = chain_at("0002")
    alias = ident("curriculum_membership")
    text = (
        f"USING (EXISTS (SELECT FROM public.person AS {alias}"
        f" WHERE {alias}.id = person_id AND {alias}.id > 1))"
    )
    police(chain, {"mr_policy_subselect": text})
    with pytest.raises(CannotCarry, match='in which "curriculum_membership" is the name'):
        chain.up("0003")


def test_a_policy_over_the_whole_row_is_refused_before_the_parent(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    police(chain, {"mr_policy_function": WHOLE_ROW})
    chain.up_to("0004")
    assert seen(chain, CHILD, "mr_policy_function") == seen(chain, WIDE, "mr_policy_function")
    chain.up_to("0007", after="0004")
    with pytest.raises(CannotCarry, match="uses the whole row"):
        chain.up("0008")
