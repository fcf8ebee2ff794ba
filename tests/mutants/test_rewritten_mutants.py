"""Enrollments, gates, verify and the tenant's lock with one protection removed: a test of the
suite, run as it stands, notices."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.chain import test_broken_connections
from tests.chain.subjects import MEMBERSHIP
from tests.checks import test_gate
from tests.enrollment import test_add_constraints, test_merge, test_racing_duplicates, test_twins
from tests.enrollment.tables import constrained, opened, unconstrained
from tests.fixtures.databases import TemplateDatabase
from tests.inspect import test_left_parents, test_repair_together, test_verify
from tests.mutants.mutant import Mutation, instead, never_asked, noticing, replaced
from tests.mutants.rewriting import rewritten
from tests.sql.handover import test_exchange

pytestmark = pytest.mark.mutants


@dataclass(frozen=True)
class Mutant:
    """What is taken away, and the test that notices, with the values of its parameters."""

    name: str
    mutation: Mutation
    noticed: Callable[..., None]
    values: Mapping[str, Any] = field(default_factory=dict)


def twins(name: str) -> dict[str, Any]:
    (case,) = (c for c in test_twins.CASES if c.name == name)
    return {"twins": case, "isolation": "READ COMMITTED", "build": constrained}


def _suite(mutant: Mutant) -> str:
    """The room of the test that notices."""
    return mutant.noticed.__module__.split(".")[1]


ALONE = replaced(r"^SELECT pg_catalog\.pg_try_advisory_lock.*", "SELECT true")
MUTANTS = (
    Mutant("a second migration is let in", ALONE,
           test_broken_connections.test_a_second_run_is_refused_while_one_is_at_work),
    Mutant("a second verify is let in", ALONE,
           test_verify.test_two_verifies_do_not_share_their_ranges),
    Mutant("ranges of before the chain moved are taken up",
           replaced(r"pg_catalog\.max\(s\.ended_at\)", "NULL::timestamptz", "DELETE FROM"),
           test_verify.test_what_was_interrupted_before_the_chain_moved_is_begun_anew),
    Mutant("ranges of another day are taken up",
           replaced("interval '24 hours'", "interval '1 year'"),
           test_verify.test_ranges_of_an_interrupted_run_are_trusted_for_a_day,
           {"hours": 25, "found": ("1",)}),
    Mutant("ranges along another key are taken for one's own", replaced(r" by \S+ [\w.]+'", "'"),
           test_verify.test_ranges_that_an_older_version_cut_along_another_key_are_forgotten),
    Mutant("a parent is looked for by the first column of its key",
           replaced(r"coalesce\(\(SELECT q\.[\s\S]*?(\(SELECT q\.\S+ FROM \S+ AS q WHERE )"
                    r"\(c\.[^)]*IS NULL\)", r"coalesce(\1true"),
           test_repair_together.test_a_parent_is_found_by_its_whole_key, {"gap": False}),
    Mutant("a dead uuid is kept although children of another key bear it",
           replaced(r"WHERE (NOT EXISTS \(SELECT FROM \S+ AS o WHERE o\.\S+ = k\.)",
                    r"WHERE true OR \1"),
           test_repair_together.test_groups_under_one_dead_link_stay_apart_across_repairs,
           {"size": 3, "subject": MEMBERSHIP}),
    Mutant("an emptied parent's entry outlives it",
           replaced(r"DELETE FROM \S+_emptied\" AS e WHERE e\.uuid = own_claimed;", ""),
           test_left_parents.
           test_a_parent_made_again_under_the_uuid_of_an_emptied_one_is_not_excused),
    Mutant("half a step is compared", replaced("direction, state = 'open'", "direction, false"),
           test_verify.test_half_a_step_is_not_compared),
    Mutant("the sequence is not locked", replaced(r"ALTER SEQUENCE \S+ CACHE \d+;", ""),
           test_exchange.test_an_id_drawn_while_the_sequence_is_waited_for_is_not_drawn_again),
    Mutant("a gate is not asked", never_asked("no unbroken watch"),
           test_gate.test_scans_alone_open_no_gate),
    Mutant("a gate asks for no watch", replaced(r"(SELECT 'no unbroken watch[\s\S]*?\nWHERE )NOT",
                                                r"\1false AND NOT"),
           test_gate.test_scans_alone_open_no_gate),
    Mutant("any watch is whole", replaced(r" AND u\.covered\)", ")", "no unbroken watch"),
           test_gate.test_a_watch_that_is_not_whole_opens_no_gate,
           {"began": 15, "ended": "0 days", "covered": False}),
    Mutant("a watch of something else counts",
           replaced(r" AND u\.target = '[^']*'", "", "no unbroken watch"),
           test_gate.test_a_watch_of_something_else_opens_no_gate),
    Mutant("a gate asks for no use", replaced(r"u\.uses > 0", "false"),
           test_gate.test_one_use_within_the_window_keeps_a_gate_closed),
    Mutant("a gate asks for no scan",
           replaced(r"(no consumer has been scanned'\nWHERE )NOT", r"\1false AND NOT"),
           test_gate.test_a_watch_without_a_scan_opens_no_gate),
    Mutant("a gate asks for no references left",
           replaced(r"AND NOT o\.clear", "AND false", "references left"),
           test_gate.test_one_consumer_with_references_left_keeps_a_gate_closed),
    Mutant("a scan at any stage opens a gate", replaced(r"WHERE NOT o\.fits", "WHERE false"),
           test_gate.test_a_scan_for_a_structure_without_the_table_opens_no_gate),
    Mutant("0006 comes right after 0005", replaced(r"AND s\.ended_at > ", "AND false AND now() > "),
           test_gate.test_the_old_name_gets_its_new_meaning_only_a_window_after_0005),
    Mutant("one acceptance opens every gate", replaced(r" AND a\.step = '\w+'", ""),
           test_gate.test_the_acceptance_of_one_gate_opens_no_other),
    Mutant("an empty table opens a gate", replaced(r"EXISTS \(SELECT FROM \S+event\S* AS e [^)]*\)",
                                                   "true", "no unbroken watch"),
           test_gate.test_an_empty_table_that_was_not_made_here_opens_no_gate),
    Mutant("a merge does not lock its rows", replaced("FOR UPDATE OF t$", ""),
           test_merge.test_a_row_that_joins_the_component_before_the_locks_is_seen_under_them),
    Mutant("a merge does not look again under its locks",
           replaced(r"(JOIN \S+ AS o ON [^\n]*)", r"\1 AND o.id = ANY($1)", "AS m\nJOIN"),
           test_merge.test_a_row_that_joins_the_component_before_the_locks_is_seen_under_them),
    Mutant("a merge does not ask who refers to its rows",
           replaced(r"ORDER BY 1, 2, 4$", "LIMIT 0", "k.confrelid"),
           test_merge.test_a_table_that_the_plan_does_not_know_stops_the_merge),
    Mutant("an undo writes over what came since",
           replaced(r"\n  AND t\.[\s\S]*$", "", "jsonb_populate_record"),
           test_merge.test_a_survivor_that_was_changed_since_is_not_written_over),
    Mutant("an invalid index is taken for a valid one", replaced(r"i\.indisvalid, i\.indisready",
                                                                 "true, true"),
           test_racing_duplicates.
           test_an_invalid_left_over_is_rebuilt_once_the_duplicates_are_merged,
           {"leave": test_racing_duplicates.leave_idle, "build": unconstrained}),
    Mutant("the CHECK is not validated", instead("VALIDATE CONSTRAINT"),
           test_add_constraints.test_the_constraints_stand_and_go_again),
    Mutant("duplicates are not asked for before the constraints", never_asked("program_enrollment"),
           test_add_constraints.test_duplicates_stop_it_before_anything_is_changed),
    Mutant("a link does not lock its row", replaced(r" FOR UPDATE$", "", "external_user_key"),
           test_twins.test_the_second_of_two_meets_what_the_first_did, twins("link to two users")),
    Mutant("an expiry does not pass over locked rows", replaced(" FOR UPDATE SKIP LOCKED", ""),
           test_twins.test_the_second_of_two_meets_what_the_first_did,
           twins("expire what is being linked")),
)  # fmt: skip


@pytest.mark.parametrize("mutant", [pytest.param(m, id=f"{_suite(m)}: {m.name}") for m in MUTANTS])
def test_a_removed_protection_is_noticed(
    mutant: Mutant,
    request: pytest.FixtureRequest,
    template_database: TemplateDatabase,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    given = dict(mutant.values)
    build = given.pop("build", None)
    if build is not None:
        given["url"] = template_database(f"enrollment {build.__name__}", build)
    with opened(given.get("url", "postgresql+psycopg://")) as engine:
        for name in inspect.signature(mutant.noticed).parameters:
            if name == "engine":
                given[name] = engine
            elif name not in given:
                given[name] = request.getfixturevalue(name)
        with rewritten(monkeypatch, mutant.mutation) as state:
            with noticing(mutant.noticed, record_property):
                mutant.noticed(**given)
            assert state.changed, "the mutation found nothing to change"
