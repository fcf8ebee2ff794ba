"""What parents derived from the children of a partitioned table need besides: TRUNCATE of one
partition, and a MERGE that no statement trigger sees."""

from __future__ import annotations

from membership_refactor.sql.capture.merged_rows import MergedRows
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import trigger_function


def merged_children(names: Names) -> MergedRows:
    return MergedRows(names, names.child, "derive")


def settle_all(names: Names, *, shared: bool) -> str:
    """plpgsql after a TRUNCATE of one partition, which tells no ids: every parent is settled."""
    uuid = ident(names.plan.parent_id)
    return (
        f"PERFORM {names.own('settle')}(ARRAY(SELECT p.{uuid} FROM {names.parent} AS p), "
        f"{'true' if shared else 'false'});"
    )


def functions_of_partitions(names: Names) -> tuple[Statement, ...]:
    """``derive_truncate`` and ``derive_moving``."""
    truncated = f"""  IF pg_catalog.current_setting('transaction_isolation')
    IN ('repeatable read', 'serializable') THEN
    RAISE serialization_failure USING
      MESSAGE = 'this transaction''s snapshot may be too old to delete all parents',
      HINT = 'Retry the transaction at READ COMMITTED.';
  END IF;
  {settle_all(names, shared=True)}
  RETURN NULL;"""
    merged = merged_children(names)
    return (
        *trigger_function(
            names.own("derive_truncate"),
            truncated,
            marked=True,
            whole=(names.child, names.parent),
            path=names.search_path,
        ),
        *trigger_function(merged.function, merged.noted),
    )
