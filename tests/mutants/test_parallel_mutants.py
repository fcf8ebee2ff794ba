"""Parallel saving with one protection removed: the named test notices."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import Stage
from tests.mutants.mutant import called, noticing
from tests.sql.parallel import playground, test_events, test_races
from tests.sql.parallel.test_events import Play

pytestmark = pytest.mark.mutants

Noticing = Callable[[str], None]


def in_race(name: str, isolation: str) -> Noticing:
    race = next(r for r in test_races.RACES if r.name == name)

    def notice(url: str) -> None:
        with Stage(url) as stage:
            test_races.run(race, isolation, stage)

    return called(f"race: {name}, {isolation}", notice)


def staged(scene: Callable[[Stage], None]) -> Noticing:
    def notice(url: str) -> None:
        with Stage(url) as stage:
            scene(stage)

    return called(scene.__name__, notice)


def in_event(test: Callable[[Play], None]) -> Noticing:
    def notice(url: str) -> None:
        play = Play(url)
        try:
            test(play)
        finally:
            play.connection.close()

    return called(test.__name__, notice)


@dataclass(frozen=True)
class Mutant:
    """What is taken away (a regular expression and its replacement), and who notices."""

    name: str
    pattern: str
    replacement: str | Callable[[re.Match[str]], str]
    noticed: Noticing
    within: str = ""
    """Only in the statement that makes this function or trigger."""

    def apply(self, text: str) -> str:
        if self.within and self.within not in text:
            return text
        return re.sub(self.pattern, self.replacement, text)


TOUCH = (
    r'UPDATE "tis"\."pm" AS p SET "uuid" = p\."uuid" '
    r"WHERE p\.\"uuid\" = ([^\n]*?) AND p\.xmin OPERATOR\(pg_catalog\.<>\) [^\n;]*"
    r"(?:\n  RETURNING ([^;]*?) INTO (\w+);|;)"
)


def lock_only(match: re.Match[str]) -> str:
    uuid, columns, into = match.groups()
    if into is None:
        return "NULL;"
    return (
        f'SELECT {columns} INTO {into} FROM "tis"."pm" AS p WHERE p."uuid" = {uuid} '
        "FOR NO KEY UPDATE;"
    )


def app_trigger(body: str) -> Callable[[Play], None]:
    def test(play: Play) -> None:
        test_events.old(play, "(1, 7, 'a', 'r')", "(2, 7, 'a', 'r')", "(3, 8, 'b', 's')")
        play(test_events.APPLICATION.format(name="app", trigger="zzz", body=body))
        play("UPDATE cm SET rotation = 'new', curriculum = 5 WHERE id = 1")
        play.sound()

    test.__name__ = f"an application trigger: {body}"
    return test


def truncated(play: Play) -> None:
    test_events.test_truncate_takes_our_parents_along(play, "TRUNCATE cm")


def whole_group(play: Play) -> None:
    test_events.test_a_whole_group_that_moves_to_an_unused_key_keeps_its_uuid(play, "row by row")


def fenced(stage: Stage) -> None:
    test_races.fenced(RR, stage)


def zombie(stage: Stage) -> None:
    test_races.zombie(RR, stage)


def undone(play: Play) -> None:
    test_events.test_a_trigger_that_undoes_the_tool_s_write_is_no_silent_difference(
        play, "cm", "RETURN NULL"
    )


RR = "REPEATABLE READ"
MUTANTS = (
    Mutant("SELECT-then-INSERT", r"ON CONFLICT DO NOTHING RETURNING p", "RETURNING p",
           in_race("two inserts of a new key with gaps", "READ COMMITTED"), 'm_claim"'),
    Mutant("claim in BEFORE", r'(NEW\."pm_uuid" := )"tis_refactor"."m_provisional"\(([^)]*)\)',
           r"""\1(SELECT f.own_claimed FROM "tis_refactor"."m_claim"(\2, NULL, NULL, NULL, NULL,
           pg_catalog.now(), '1'::pg_catalog.xid) AS f)""",
           in_event(test_events.test_a_dropped_row_and_a_savepoint_rolled_back_leave_no_parent)),
    Mutant("no fence", r"IF NOT \S*fence\S*\(\) THEN", "IF false THEN",
           staged(fenced)),
    # Alone, either is enough: who removes a row touches its parent, and the re-read finds that.
    Mutant("neither key-share guard nor touch", rf"PERFORM 1 FROM [^;]* FOR KEY SHARE;|{TOUCH}",
           lambda m: "" if m[0].startswith("PERFORM") else lock_only(m),
           staged(zombie)),
    Mutant("= on the key", r'(\.(?:"type"|"programme"|"begun")) IS DISTINCT FROM', r"\1 <>",
           in_event(test_events.test_a_key_change_from_a_gap_and_to_a_gap_is_a_key_change)),
    Mutant("= in the claim's look-up", r"p\.\"(\w+)\" IS NULL", r'p."\1" = NULL',
           in_event(test_events.test_rows_of_an_opaque_parent_in_one_statement_find_it),
           'm_claim"'),
    Mutant("no ALWAYS", "ENABLE ALWAYS", "ENABLE",
           in_event(test_events.test_a_session_in_replica_role_is_followed_too)),
    Mutant("no TRUNCATE trigger", r"^[\s\S]*$", "SELECT 1", in_event(truncated),
           'parallel_truncate"'),
    Mutant("depth guard", r"BEGIN\n", r"BEGIN\n IF pg_catalog.pg_trigger_depth() > 1 THEN"
           " RETURN NULL; END IF;\n",
           in_event(app_trigger("UPDATE tis.cm SET leaving = 'app' WHERE id = 2;")),
           'FUNCTION "tis_refactor"."m_child_updated"() RETURNS'),
    Mutant("= instead of the record image", r"pg_catalog\.record_image_ne\(",
           "pg_catalog.record_ne(",
           in_event(test_events.test_a_number_that_changes_only_its_scale_and_json_that_changes_its_blanks_are_carried)),
    Mutant("every column propagated", r"CASE WHEN [^,;]*? THEN parent\.(\"(?:rotation|leaving)\") "
           r"ELSE c\.\"\w+\" END", r"parent.\1",
           in_event(test_events.test_a_statement_that_writes_other_columns_of_two_siblings_keeps_both),
           'm_parent_updated"'),
    Mutant("invoker rights", "SECURITY DEFINER", "SECURITY INVOKER",
           in_event(test_events.test_a_writer_who_may_touch_nothing_but_the_child_still_reaches_the_parent)),
    Mutant("no lock while filling", r" FOR NO KEY UPDATE", "", staged(test_races.survives),
           'm_child_before"'),
    Mutant("parents that children left are not collected", r"PERFORM \S*m_collect\S*\(uuids\);", "",
           in_event(test_events.test_a_parent_of_ours_goes_with_its_last_child_and_another_stays)),
    Mutant("parents are collected without a touch", TOUCH, lock_only,
           in_race("both last children deleted", RR), 'm_collect"'),
    Mutant("lock instead of touch", TOUCH, lock_only,
           in_race("new-style insert, parent's value", RR)),
    Mutant("born parents are forgotten", r"INSERT INTO \S*born\S* AS b[^;]*;", "",
           in_event(whole_group)),
    Mutant("a taken uuid is not noticed", r"IF NOT own_ours THEN", "IF false THEN",
           in_event(test_events.test_a_new_row_with_a_left_key_gets_another_uuid_and_again_one),
           'm_claim"'),
    Mutant("a loser's value is not written down", r"INSERT INTO \S*m_replaced\S* AS r[^;]*;", "",
           in_event(test_events.test_a_contradiction_within_one_statement_is_settled_and_the_loser_written_down),
           'm_parent_updated"'),
    Mutant("a trigger may undo a carried value", r"IF EXISTS \(SELECT FROM [^;]*THEN\s*RAISE",
           "IF false THEN RAISE",
           in_event(undone), 'm_parent_updated"'),
    Mutant("a provisional link may belong to another key", r"WHILE EXISTS[\s\S]*?END LOOP;", "",
           in_event(test_events.
                    test_rows_of_the_left_key_and_of_the_new_one_in_one_statement_do_not_mix),
           'm_provisional"'),
)  # fmt: skip


@pytest.mark.parametrize("mutant", [pytest.param(m, id=f"parallel: {m.name}") for m in MUTANTS])
def test_a_removed_protection_is_noticed(
    mutant: Mutant,
    template_database: TemplateDatabase,
    record_property: Callable[[str, object], None],
) -> None:
    url = template_database(f"parallel_{mutant.name}", playground.build_mutated(mutant.apply))
    with noticing(mutant.noticed, record_property):
        mutant.noticed(url)


def test_without_a_mutation_nobody_notices_anything(template_database: TemplateDatabase) -> None:
    """Else the tests above would prove nothing."""
    for mutant in MUTANTS:
        mutant.noticed(template_database("parallel", playground.build))
