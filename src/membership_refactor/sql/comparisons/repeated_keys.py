"""Keys that more than one parent has."""

from __future__ import annotations

from membership_refactor.planning import TableSplit
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.shared_scan import Changed, SharedScan


def repeated_keys(names: Names) -> SharedScan:
    """The keys that several parents have; NULL equals NULL. No index is read for it.

    Equal keys have equal hashes. So the keys themselves are compared only where hashes meet. Of two
    parents of one key at least one has changed since a pass that found none.
    """
    parent = names.parent

    def within(hashes: str) -> str:
        key = shown_key(names.plan, "p")
        return (
            f"(SELECT pg_catalog.concat_ws(', ', {key}) AS key FROM {parent} AS p\n"
            f"WHERE {_hash(names, 'p')} IN ({hashes})\n"
            f"GROUP BY {listed(names.plan.key, 'p.')} HAVING pg_catalog.count(*) > 1) AS k"
        )

    met = f"SELECT {_hash(names, 'q')} FROM {parent} AS q GROUP BY 1 HAVING pg_catalog.count(*) > 1"
    # As an array it is made once. Parallel workers would make it once each.
    met = f"SELECT pg_catalog.unnest(ARRAY({met}))"
    return SharedScan(
        rows=within(met),
        key="k.key",
        broken="true",
        reads=(parent,),
        changed=Changed(
            keys=lambda new: f"SELECT {_hash(names, 'q')} AS k FROM {parent} AS q WHERE {new('q')}",
            within=lambda keys: within(f"SELECT g.k FROM {keys}"),
            tables=(parent,),
        ),
    )


def _hash(names: Names, row: str) -> str:
    return f"pg_catalog.hash_record_extended(ROW({listed(names.plan.key, f'{row}.')}), 0)"


def shown_key(plan: TableSplit, row: str) -> str:
    """Arguments of ``concat_ws`` that print the key of ``row``."""
    return ", ".join(f"coalesce({row}.{ident(c)}::text, 'NULL')" for c in plan.key)
