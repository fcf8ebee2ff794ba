"""Kept uuids: a downgrade below 0008 records each parent's uuid that is not the computed one.

The parents are dropped, the map stays in the ledger, and the next upgrade uses it.
"""

from __future__ import annotations

from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.parent_uuid import computed, version_8
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import OwnTrigger, of_parent, trigger_function

_NOTED = "this parent's uuid was recorded after this transaction's snapshot"


def kept_table(names: Names) -> Statement:
    """The map: (uuid computed from the key, uuid used for the key), one to one."""
    return Statement(
        f"CREATE TABLE IF NOT EXISTS {names.own('kept')} "
        "(key_uuid uuid PRIMARY KEY, uuid uuid NOT NULL UNIQUE)"
    )


def keep_uuid_function(names: Names) -> tuple[Statement, ...]:
    """The parent's row function: the map follows each change of a parent's key in the same
    transaction, while ``fill_kept`` records the parents that do not change."""
    plan = names.plan
    kept, uuid = names.own("kept"), ident(plan.parent_id)
    old, new = computed(names, "OLD", "uuid"), computed(names, "NEW", "uuid")
    body = f"""  IF TG_OP <> 'INSERT' AND OLD.{uuid} <> {old} THEN
    -- Put, then delete: an entry that a batch made after this transaction's snapshot cannot be
    -- seen, and so not be deleted; putting it again answers 40001.
    INSERT INTO {kept} AS k (key_uuid, uuid) VALUES ({old}, OLD.{uuid})
    ON CONFLICT (key_uuid) DO UPDATE SET uuid = excluded.uuid;
    DELETE FROM {kept} AS k WHERE k.key_uuid = {old} AND k.uuid = OLD.{uuid};
  END IF;
  IF TG_OP <> 'DELETE' THEN
    IF NEW.{uuid} <> {new} THEN
      BEGIN
        INSERT INTO {kept} AS k (key_uuid, uuid) VALUES ({new}, NEW.{uuid})
        ON CONFLICT (key_uuid) DO UPDATE SET uuid = excluded.uuid;
      EXCEPTION WHEN unique_violation THEN
        -- A batch recorded the uuid under the old key after this transaction's snapshot, so the
        -- DELETE above did not see it. At READ COMMITTED it does: the batch locks the parent.
        IF pg_catalog.current_setting('transaction_isolation')
          NOT IN ('repeatable read', 'serializable') THEN
          RAISE;
        END IF;
        RAISE serialization_failure USING MESSAGE = {literal(_NOTED)},
          HINT = 'Retry the transaction.';
      END;
    END IF;
  END IF;
  RETURN NULL;"""
    return (kept_table(names), *trigger_function(names.own("keep_uuid"), body))


def keep_uuid_triggers(names: Names) -> tuple[OwnTrigger, ...]:
    """The parent's triggers during the downgrade of 0008."""
    plan = names.plan
    changed = " OR ".join(
        f"OLD.{ident(c)} IS DISTINCT FROM NEW.{ident(c)}" for c in (*plan.key, plan.parent_id)
    )
    return (
        of_parent(names, "AFTER INSERT OR DELETE", "keep_uuid", "keep_uuid"),
        of_parent(names, "AFTER UPDATE", "keep_uuid_update", "keep_uuid", when=changed),
    )


def fill_kept_function(names: Names) -> tuple[Statement, ...]:
    """``fill_kept(first, last)``: records the parents in that range of uuids in the map.

    FOR SHARE waits for a session that changes a parent's key, and then reads the row again. What
    the trigger has recorded meanwhile stays.
    """
    plan = names.plan
    kept, uuid = names.own("kept"), ident(plan.parent_id)
    key_uuid = computed(names, "p", "uuid")
    body = f"""
DECLARE
  written bigint;
BEGIN
  WITH held AS (
    SELECT {key_uuid} AS key_uuid, p.{uuid} AS uuid FROM {names.parent} AS p
    WHERE p.{uuid} BETWEEN first AND last AND p.{uuid} <> {key_uuid} FOR SHARE)
  INSERT INTO {kept} AS k (key_uuid, uuid) SELECT h.key_uuid, h.uuid FROM held AS h
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END
"""
    function = names.own("fill_kept")
    return (
        Statement(
            f"CREATE OR REPLACE FUNCTION {function}(first uuid, last uuid) RETURNS bigint\n"
            f"LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS {dollar_quoted(body)}"
        ),
        Statement(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC"),
    )


def replace_used_uuids(names: Names) -> Statement:
    """Gives another uuid to each key whose computed uuid is used for another key."""
    kept = names.own("kept")
    return Statement(
        f"INSERT INTO {kept} (key_uuid, uuid)\n"
        f"SELECT k.uuid, {names.own('another_uuid')}(k.uuid) FROM {kept} AS k\n"
        f"WHERE {version_8('k.uuid')}\n"
        f"  AND NOT EXISTS (SELECT FROM {kept} AS j WHERE j.key_uuid = k.uuid)\n"
        "ON CONFLICT DO NOTHING"
    )


def resolve_kept(names: Names) -> tuple[Statement, ...]:
    """At 0003: the map from the uuids that an earlier downgrade recorded for children. An entry
    counts if the row still has its key. Of several for one key or uuid the lowest id wins."""
    kept, noted = names.own("kept"), names.own("uuid_map")
    of_row, of_note = computed(names, "a", "uuid"), computed(names, "m", "uuid")
    same = names.id.equals("a", 'm."child id"')
    fill = (
        f"INSERT INTO {kept} (key_uuid, uuid)\n"
        "SELECT DISTINCT ON (w.uuid) w.key_uuid, w.uuid FROM (\n"
        f'  SELECT DISTINCT ON (1) {of_note} AS key_uuid, m."kept uuid" AS uuid,\n'
        '    m."child id" AS child\n'
        f"  FROM {noted} AS m JOIN {names.source} AS a ON {same}\n"
        f'  WHERE {of_row} = {of_note} ORDER BY 1, m."child id") AS w\n'
        "ORDER BY w.uuid, w.child"
    )
    return (
        kept_table(names),
        Statement(f"DELETE FROM {kept}"),
        Statement(
            "DO $kept$ BEGIN\n"
            f"IF pg_catalog.to_regclass({literal(noted)}) IS NOT NULL THEN\n"
            f"{fill};\n{replace_used_uuids(names).text};\nEND IF;\nEND $kept$"
        ),
    )
