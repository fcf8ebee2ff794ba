"""Each check holds on a sound database, and finds what a superuser has broken: how many rows,
and the first keys of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest

from membership_refactor.checks.check import Check, passes
from membership_refactor.checks.copied_rows import (
    copy_is_exact,
    links_match_keys,
    sequence_is_ahead,
)
from membership_refactor.checks.deprecated_defaults import deprecated_have_no_default
from membership_refactor.checks.parents import (
    children_have_parents,
    derived_checks,
    keys_are_unique,
    parallel_checks,
    parents_have_children,
)
from membership_refactor.checks.source_rows import policies_hold
from membership_refactor.database import libpq_url
from membership_refactor.errors import CheckFailed
from membership_refactor.execution.run_checks import examine, examine_together
from membership_refactor.planning import Conflict, Nulls, ParentColumn, Revisions
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.steps.step import Situation
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt
from tests.fixtures.steps import CHAIN

CM, PM = "public.curriculum_membership", "public.programme_membership"
SEQUENCE = "public.programme_membership_id_seq"


def situation(chain: Chain) -> Situation:
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        return chain.runner().situation(pg)


def policies(nulls: Nulls, *agreeing: str) -> Callable[[Chain], Check]:
    columns = tuple(ParentColumn(name=name, conflict=Conflict.AGREE) for name in agreeing)
    plan = type(SPLIT)(
        name="other", source=SPLIT.source, copy=SPLIT.child, parent=SPLIT.parent, link=SPLIT.link,
        key=SPLIT.key, parent_columns=columns, nulls=nulls,
        child_columns=SPLIT.child_columns, changed=SPLIT.changed,
    )  # fmt: skip
    return lambda chain: policies_hold(plan, PM)[0]


def parallel(name: str) -> Callable[[Chain], Check]:
    def made(chain: Chain) -> Check:
        s = situation(chain)
        return next(c for c in parallel_checks(s.names, s.child("link_children")) if c.name == name)

    return made


@dataclass(frozen=True)
class Case:
    """A check, the revision at which it is asked, and a corruption of so many rows."""

    name: str
    revision: str
    check: Callable[[Chain], Check]
    corruption: tuple[str, ...]
    count: int
    keys: tuple[str, ...]
    sound: tuple[str, ...] = ()
    """What makes the database one on which the check holds, where it is not that already."""


CASES = (
    Case(
        "groups agree", "0002", policies(Nulls.EQUAL, "leaving_reason"),
        (f"UPDATE {PM} SET leaving_reason = NULL WHERE id IN (0, 4)",), 2,
        ("1, 1, NULL, 2020-01-01, NULL", "1, 1, SUBSTANTIVE, 2020-01-01, 2021-01-01"),
    ),
    Case(
        "keys are complete", "0002", policies(Nulls.REJECT),
        (f"UPDATE {PM} SET programme_end_date = NULL WHERE id = 0",), 1, ("0",),
        sound=(f"DELETE FROM {PM} WHERE num_nulls(programme_membership_type, "
               "programme_start_date, programme_end_date) > 0",),
    ),
    Case(
        "copy is exact", "0004",
        lambda c: copy_is_exact(c.names, situation(c).source()),
        (f"DELETE FROM {CM} WHERE id = 0",
         f"UPDATE {CM} SET training_pathway = 'other' WHERE id = 2",
         f"INSERT INTO {CM} (id, person_id, programme_id, curriculum_id) VALUES (999, 1, 1, 1)"),
        3, ("0", "2", "999"),
    ),
    Case(
        "links match keys", "0005", lambda c: links_match_keys(c.names)[0],
        (f"UPDATE {CM} SET programme_membership_uuid = NULL WHERE id = 4",
         f"UPDATE {CM} SET programme_membership_uuid = gen_random_uuid() WHERE id = 6"),
        2, ("4", "6"),
    ),
    Case(
        "sequence is ahead", "0005", lambda c: sequence_is_ahead("id", CM, SEQUENCE),
        (f"SELECT setval('{SEQUENCE}', 3)",), 1, ("greatest id 53, next 3",),
    ),
    Case(
        "parents follow the policies", "0007",
        lambda c: derived_checks(c.names, situation(c).child("rebuild_parent"))[0],
        (f"UPDATE {PM} SET rotation = 'nobody said so' WHERE person_id = 2",
         f"INSERT INTO {PM} (uuid, person_id, programme_id) VALUES "
         "('00000000-0000-8000-8000-000000000000', 3, 2)",
         f"UPDATE {CM} SET programme_membership_uuid = '00000000-0000-4000-8000-000000000000' "
         "WHERE id = 0"), 3,
        ("{military}", "00000000-0000-8000-8000-000000000000",
         "00000000-0000-4000-8000-000000000000"),
    ),
    Case(
        "every child has its parent", "0007", lambda c: children_have_parents(c.names),
        (f"DELETE FROM {PM} WHERE person_id = 2",), 2, ("18", "39"),
    ),
    Case(
        "keys are unique", "0007", lambda c: keys_are_unique(c.names),
        (f"ALTER TABLE {PM} DROP CONSTRAINT uq_programme_membership_key",
         f"INSERT INTO {PM} (uuid, person_id, programme_id) VALUES (gen_random_uuid(), 1, 1)"),
        1, ("1, 1, NULL, NULL, NULL",),
    ),
    Case(
        "deprecated columns have no default", "0007",
        lambda c: deprecated_have_no_default(c.names, situation(c).child("rebuild_parent")),
        (f"ALTER TABLE {CM} ALTER rotation SET DEFAULT 'x', ALTER rotation_id SET NOT NULL, "
         "ALTER rotation_id ADD GENERATED ALWAYS AS IDENTITY",), 2, ("rotation", "rotation_id"),
        sound=(f"ALTER TABLE {CM} ALTER leaving_reason SET DEFAULT NULL::text, "
               "ALTER period_of_grace SET DEFAULT 6",
               f"UPDATE {CM} SET rotation_id = 1 WHERE rotation_id IS NULL"),
    ),
    Case(
        "every child has its parent", "0008", parallel("every child has its parent"),
        (f"DELETE FROM {PM} WHERE person_id = 2",), 2, ("18", "39"),
    ),
    Case(
        "same key", "0008", parallel("same key"),
        (f"UPDATE {CM} SET programme_end_date = NULL WHERE id = 0",), 1, ("0",),
    ),
    Case(
        "same values", "0008", parallel("same values"),
        (f"UPDATE {CM} SET rotation_id = 2 WHERE id = 0",), 1, ("0",),
    ),
    Case(
        "keys are unique", "0008", parallel("keys are unique"),
        (f"ALTER TABLE {PM} DROP CONSTRAINT uq_programme_membership_key",
         f"INSERT INTO {PM} (uuid, person_id, programme_id, rotation) "
         f"SELECT gen_random_uuid(), person_id, programme_id, rotation FROM {PM} "
         "WHERE num_nulls(programme_membership_type, programme_start_date, "
         "programme_end_date) = 3"), 1, ("1, 1, NULL, NULL, NULL",),
    ),
    Case(
        "no abandoned parent", "0008", parallel("no abandoned parent"),
        (f"DELETE FROM {CM} WHERE person_id = 2",), 1, ("{military}",),
    ),
    Case(
        "parents have children", "0008",
        lambda c: parents_have_children(c.names),
        (f"DELETE FROM {CM} WHERE person_id = 2",), 1,
        ("{military}, 2, 0, MILITARY, 2020-01-01, 2020-01-01",),
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} at {case.revision}")
def test_a_check_holds_and_finds_corruption(case: Case, chain_at: ChainAt) -> None:
    chain = chain_at(case.revision)
    military = next(
        (u for u, p in chain.parents().items() if p["programme_membership_type"] == "MILITARY"), ""
    ) if case.revision >= "0006" else ""  # fmt: skip
    # Triggers and foreign keys sleep: nothing but the check is to notice.
    asleep = ("SET session_replication_role = replica",)
    for table in chain.query(
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    ):
        chain.run(f"ALTER TABLE {table[0]} DISABLE TRIGGER USER")
    chain.run(*case.sound, settings=asleep)
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        check = case.check(chain)
        assert check.name == case.name
        sound = examine(pg, check)
        assert (sound.broken, sound.keys) == (0, ())
        pg.execute(check.raising.text.encode())

        chain.run(*case.corruption, settings=asleep)
        found = examine(pg, check)
        keys = tuple(key.replace("{military}", military) for key in case.keys)
        assert (found.broken, tuple(sorted(found.keys))) == (case.count, tuple(sorted(keys)))
        message = str(found.failure(Revisions()))
        assert isinstance(found.failure(Revisions()), CheckFailed)
        assert f'check "{case.name}" failed: {check.sentence}' in message
        rows = "1 row" if case.count == 1 else f"{case.count} rows"
        assert f"({rows}, first keys: {'; '.join(found.keys)})" in message

        with pytest.raises(psycopg.errors.AssertFailure) as raised:
            pg.execute(check.raising.text.encode())
        for text in (case.name, check.sentence, str(case.count), *keys):
            assert text in str(raised.value)


def test_more_keys_than_five_are_counted_and_not_listed(chain_at: ChainAt) -> None:
    chain = chain_at("0004")
    chain.run(f"DELETE FROM {CM}", settings=("SET session_replication_role = replica",
              "ALTER TABLE public.curriculum_membership DISABLE TRIGGER USER"))  # fmt: skip
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        found = examine(pg, copy_is_exact(chain.names, situation(chain).source()))
    assert (found.broken, len(found.keys)) == (27, 5)


@pytest.mark.parametrize("revision", ["0004", "0007", "0008"])
def test_checks_that_share_a_pass_find_what_each_finds_alone(
    revision: str, chain_at: ChainAt
) -> None:
    chain = chain_at(revision)
    s = situation(chain)
    if revision == "0004":
        checks: tuple[Check, ...] = (
            copy_is_exact(s.names, s.source()),
            *links_match_keys(s.names, beside_source=True),
        )
    elif revision == "0007":
        checks = derived_checks(s.names, s.child("rebuild_parent"))
    else:
        checks = parallel_checks(s.names, s.child("link_children"))
    for table in (CM, PM):
        chain.run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    chain.run(
        f"DELETE FROM {CM} WHERE person_id = 2",
        f"UPDATE {CM} SET programme_membership_uuid = gen_random_uuid() WHERE id = 4",
        f"UPDATE {CM} SET rotation_id = 2, training_pathway = 'other' WHERE id = 0",
        f"UPDATE {CM} SET programme_end_date = '2000-01-01' WHERE id = 2",
        settings=("SET session_replication_role = replica",),
    )
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        alone = {c.name: (r.broken, sorted(r.keys)) for c in checks for r in (examine(pg, c),)}
        together = {
            result.check.name: (result.broken, sorted(result.keys))
            for group in passes(checks)
            for result in examine_together(pg, group)
        }

    assert together == alone
    assert len(passes(checks)) < len(checks)
    assert sum(broken > 0 for broken, _ in alone.values()) > 1


def test_a_child_without_a_link_is_found_by_what_0007_asks_whatever_the_policies(
    chain_at: ChainAt,
) -> None:
    chain = chain_at("0007")
    s = situation(chain)
    asked = {check.name: check for check in CHAIN["rebuild_parent"].after_up(s)}
    chain.run(
        f"ALTER TABLE {CM} DISABLE TRIGGER USER",
        f"UPDATE {CM} SET programme_membership_uuid = NULL WHERE id = 0",
        settings=("SET session_replication_role = replica",),
    )
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as pg:
        found = examine(pg, asked["every child has its parent"])
        assert (found.broken, found.keys) == (1, ("0",))
        grouped = examine(pg, asked["parents follow the policies"])
        assert grouped.keys == ("no link",) * grouped.broken
