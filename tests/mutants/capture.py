"""The live copy and its capture with one protection removed."""

from __future__ import annotations

from tests.mutants.mutant import Mutant, made_idle, mutant, replaced
from tests.mutants.scenes import (
    a_direct_write_to_the_copy,
    a_mover_dies_after_a_batch,
    a_trigger_inserts_the_row_into_the_other_table,
    a_trigger_puts_back_one_of_many,
    a_truncate_that_sees_nothing,
    a_unique_value_wanders_through_the_archive,
    a_unique_value_wanders_while_it_is_copied,
    a_write_between_drain_and_capture,
    a_writer_without_rights,
    a_zombie_returns,
    an_old_snapshot_deletes,
    both_last_children_go,
    both_tables_give_a_row_the_same_new_id,
    followed,
    one_statement_gives_a_unique_value_to_two_rows,
    one_statement_inserts_between_the_ids_that_it_deletes,
    one_statement_writes_both_tables,
    two_cascades_write_a_row,
    while_recording,
    with_trigger,
)
from tests.races.tables import COPY, SOURCE


class CaptureLast:
    """The log's triggers come after the batches, not before them."""

    def __init__(self) -> None:
        self.kept, self.built = "", False

    def __call__(self, text: str) -> str:
        if "CREATE OR REPLACE TRIGGER" in text and "_copy_log_insert" in text and not self.kept:
            self.kept = text
            return "SELECT 1"
        self.built = self.built or text.startswith("ANALYZE")
        # Not with ANALYZE itself: the lock would be held as long as the scene halts there.
        if text == "SET synchronous_commit = off" and self.built:
            return f"{text}; {self.kept}"
        return text


DELETE_11, ID_11 = "DELETE FROM s.wide WHERE id = 11", "UPDATE s.wide SET id = 15 WHERE id = 11"
SCALE = "UPDATE s.wide SET score = 1.5, rotation = 'x' WHERE id = 11"
HANDED_ON = (
    "WITH d AS (DELETE FROM s.wide WHERE id = 11 RETURNING *),"
    " e AS (DELETE FROM s.wide WHERE id = 12)"
    " INSERT INTO s.wide (id, person_id, programme, curriculum, rotation)"
    " SELECT id, person_id, programme, curriculum, 'again' FROM d"
)
TRUNCATE = r"BEGIN\n    TRUNCATE (\S+);\n  EXCEPTION[\s\S]*?\n  END;\n"
MUTANTS = (
    mutant("no fence", replaced(r"IF NOT \S*fence\"\(\)[^;]*? THEN", "IF false THEN"),
           an_old_snapshot_deletes),
    mutant("no key-share guard", replaced(r"PERFORM 1 FROM [^;]* FOR KEY SHARE;", ""),
           a_zombie_returns),
    Mutant("capture after the copy", CaptureLast, while_recording(DELETE_11)),
    mutant("depth guard", replaced(r"\nBEGIN\n", "\nBEGIN IF pg_catalog.pg_trigger_depth() > 1 THEN"
                                   " RETURN NULL; END IF;\n",
                                   '"m_to_copy_update"() RETURNS'),
           with_trigger(SOURCE, "updates siblings", "0003",
                        "UPDATE s.wide SET rotation = 'x' WHERE id = 11")),
    mutant("an UPDATE carries the whole row",
           replaced(r"CASE WHEN [^\n]* THEN (a\.\S+) ELSE b\.\S+ END", r"\1", "to_source_update"),
           one_statement_writes_both_tables),
    mutant("of a row that cascades write twice one version counts",
           replaced(r"pg_catalog\.bool_or\(\(o\.", "pg_catalog.bool_and((o.",
                    '"m_to_copy_update"() RETURNS'),
           two_cascades_write_a_row),
    mutant("a row that has moved by itself is left alone",
           replaced(r"own_there <> '\{\}'", "false", "_moved\"() RETURNS"),
           both_tables_give_a_row_the_same_new_id),
    mutant("a row inserted on both sides is not noticed",
           replaced(r"pg_catalog\.age\(b\.xmin\) <= 0", "false", "to_source_insert"),
           a_trigger_inserts_the_row_into_the_other_table),
    mutant("ids with a gap are taken for a range",
           replaced(r"own_last::pg_catalog\.numeric - own_first = own_count - 1", "true",
                    '"m_to_copy_delete"() RETURNS'),
           one_statement_inserts_between_the_ids_that_it_deletes),
    mutant("of a deleted range nobody asks what is there again",
           replaced(r'ELSIF \(SELECT a\."id"[^;]* IS NOT NULL THEN', "ELSIF false THEN",
                    '"m_to_copy_delete"() RETURNS'),
           a_trigger_puts_back_one_of_many("in a row")),
    mutant("of many deleted ids nobody asks what is there again",
           replaced(r"IS NOT NULL AND EXISTS \(SELECT FROM [^;]*? AS a [^;]*?THEN",
                    "IS NULL AND false) THEN", '"m_to_copy_delete"() RETURNS'),
           a_trigger_puts_back_one_of_many("with a gap")),
    mutant("no ALWAYS", replaced("ENABLE ALWAYS", "ENABLE"),
           followed("0003", "SET session_replication_role = replica; " + DELETE_11)),
    mutant("no ALWAYS on the log", replaced("ENABLE ALWAYS", "ENABLE"),
           while_recording("SET session_replication_role = replica; " + DELETE_11)),
    mutant("DO NOTHING for reconcile",
           replaced(r"DO UPDATE SET \([^)]*\) =\s*ROW \([^)]*\)\s*"
                    r"WHERE \([\s\S]*?record_image_ne[^;$]*\)",
                    "DO NOTHING", "m_to_copy_insert"), followed("0003", HANDED_ON)),
    mutant("checkpoint in its own transaction",
           replaced(r'^(SELECT "s_refactor"."m_copy_build".*)$', r"\1; COMMIT; BEGIN"),
           a_mover_dies_after_a_batch),
    mutant("no TRUNCATE trigger", made_idle("m_to_copy_truncate"),
           followed("0003", "TRUNCATE s.wide")),
    mutant("no TRUNCATE mark", made_idle("m_copy_log_truncate"), while_recording("TRUNCATE"
                                                                                 " s.wide")),
    # With a unique value of its own the row would be found by the way round unique values.
    mutant("no trigger for a changed id", made_idle("m_to_copy_moved"),
           followed("0003", "UPDATE s.wide SET badge = NULL WHERE id = 11", ID_11)),
    mutant("no mark for a changed id", made_idle("m_copy_log_moved"), while_recording(ID_11)),
    mutant("unlocked switch", replaced(r'^LOCK TABLE "s"\."(wide|narrow)" IN SHARE ROW.*',
                                                            "SELECT 1"),
           a_write_between_drain_and_capture),
    mutant("invoker rights", replaced("SECURITY DEFINER", "SECURITY INVOKER"),
           a_writer_without_rights),
    mutant("unpinned search_path", replaced(r"SET search_path = pg_catalog, pg_temp", "",
                                            "SECURITY DEFINER"), a_writer_without_rights),
    mutant("EXISTS instead of the size",
           replaced(r"pg_catalog\.pg_relation_size\([^)]*\) > 0",
                                                    'EXISTS (SELECT FROM "s"."narrow")',
                    "m_to_copy_truncate"), a_truncate_that_sees_nothing("0003", SOURCE)),
    mutant("NEW instead of a re-read", replaced(r'FROM "s"\."wide" AS a', "FROM n AS a",
                                                'm_to_copy_update"()'),
           with_trigger(SOURCE, "rewrites the row after", "0003",
                        "UPDATE s.wide SET rotation = 'x' WHERE id = 11")),
    mutant("IS DISTINCT FROM on numeric",
           replaced(r"pg_catalog\.record_image_ne\(ROW\((\w+)\.\"score\"[^()]*\), "
                    r"ROW\((\w+)\.[^()]*\)\)",
                    r'\1."score" IS DISTINCT FROM \2."score"', "m_to_copy_"),
           followed("0003", SCALE, "UPDATE s.wide SET score = 1.500 WHERE id = 11")),
    mutant("drain without a re-read", replaced(r"INSERT INTO \"s\"\.\"narrow\" AS"
                                               r" b[^;]*taken[^;]*;",
                                               "", 'm_copy_drain"('),
           while_recording("UPDATE s.wide SET rotation = 'x' WHERE id = 11",
                           "UPDATE s.wide SET rotation = 'x' WHERE id = 12")),
    mutant("no refusal", made_idle("m_refuse"), a_direct_write_to_the_copy),
    mutant("link not kept", replaced(r"NEW\.\"parent_uuid\" := [^;]*;", "", "m_keep_link"),
           followed("0003", "UPDATE s.wide SET kind = 'moved' WHERE id = 11")),
    mutant("what a BEFORE trigger did is not adopted", replaced(r"t\.tgtype & 3 = 3", "false"),
           with_trigger(SOURCE, "refuses deletes in silence", "0004",
                        "DELETE FROM s.narrow WHERE id = 11")),
    mutant("no way round unique values", replaced(
        r"EXCEPTION WHEN unique_violation OR exclusion_violation THEN",
        "EXCEPTION WHEN no_data_found THEN",
        "m_to_copy_"), with_trigger(SOURCE, "hands a unique value on", "0003",
                                    DELETE_11)),
    mutant("the way round unique values leads over what the application wrote", replaced(
        r"\n\s*RAISE;", "\n NULL;", "m_to_copy_update"),
        one_statement_gives_a_unique_value_to_two_rows),
    mutant("no catching up before unique indexes",
           replaced(r"WITH gone AS \(DELETE[\s\S]*$", "SELECT 1"),
           a_unique_value_wanders_while_it_is_copied),
    mutant("reconciling stops at a unique value", replaced(
        r"EXCEPTION WHEN unique_violation OR exclusion_violation THEN",
        "EXCEPTION WHEN no_data_found THEN",
        'm_retired_build"('), a_unique_value_wanders_through_the_archive),
    mutant("parents are not touched", replaced(r"IF shared THEN[\s\S]*?END IF;", "", "m_settle"),
           both_last_children_go),
    mutant("parents emptied by DELETE", replaced(TRUNCATE, r"DELETE FROM \1;\n",
                                                 "m_derive_truncate"),
           a_truncate_that_sees_nothing("0007", COPY)),
    mutant("no capture of deleted children", made_idle("m_derive_delete"),
           followed("0007", "DELETE FROM s.narrow WHERE id BETWEEN 10 AND 20")),
    mutant("cascades refused at the closed parent",
           replaced(r"pg_catalog\.pg_trigger_depth\(\) > 1", "false", "m_closed"),
           followed("0007", "DELETE FROM s.person WHERE id = 6")),
)  # fmt: skip
