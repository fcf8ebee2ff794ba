"""Twins: the partition of the other table that has the same rows, in triggers of TRUNCATE."""

from __future__ import annotations

from membership_refactor.sql.quoting import literal


def _size_of_tree(oid: str) -> str:
    """The bytes of a partition and of those below it. The size tells what an old snapshot does not:
    whether there are rows that it cannot see."""
    return (
        "SELECT coalesce(pg_catalog.sum(pg_catalog.pg_relation_size(p.relid)), 0)\n"
        f"    FROM pg_catalog.pg_partition_tree({oid}) AS p"
    )


def _rows_of(oid: str) -> str:
    """What decides which rows a partition has, as text. That of a hash partition names its table,
    and two twins are of different tables."""
    return (
        f"pg_catalog.regexp_replace(pg_catalog.pg_get_partition_constraintdef({oid}),\n"
        "      'satisfies_hash_partition\\(''[0-9]+''::oid', 'satisfies_hash_partition(', 'g')"
    )


TWIN = "own_twin pg_catalog.regclass;"
"""The variable that ``find_twin`` fills."""
TWIN_HAS_ROWS = f"({_size_of_tree('own_twin')}) > 0"


def find_twin(table: str) -> str:
    """plpgsql of a trigger: the member of ``table`` (quoted) that has the rows of the relation on
    which the trigger fires; NULL where the two tables are partitioned differently there."""
    root = f"{literal(table)}::pg_catalog.regclass"
    return f"""SELECT p.relid INTO own_twin FROM pg_catalog.pg_partition_tree({root}) AS p
  WHERE {_rows_of("p.relid")}
    IS NOT DISTINCT FROM {_rows_of("TG_RELID")}
  ORDER BY p.level LIMIT 1;"""


def truncate_twin(target: str, remove_all: str) -> str:
    """plpgsql of a TRUNCATE trigger: empty the twin in ``target``.

    Where there is none, ``remove_all`` deletes the rows without an origin. A snapshot that was
    taken before may not see all of them, so such a transaction has to retry.
    """
    return f"""  {find_twin(target)}
  IF own_twin IS NULL THEN
    IF pg_catalog.current_setting('transaction_isolation')
      IN ('repeatable read', 'serializable') THEN
      RAISE serialization_failure USING
        MESSAGE = 'this transaction''s snapshot may be too old to delete all rows that follow',
        HINT = 'Retry the transaction at READ COMMITTED.';
    END IF;
    {remove_all};
  ELSIF {TWIN_HAS_ROWS} THEN
    EXECUTE pg_catalog.format('TRUNCATE %s', own_twin);
  END IF;
  RETURN NULL;"""
