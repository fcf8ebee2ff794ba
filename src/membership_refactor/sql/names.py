"""The name of every object the tool creates or renames, in one place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from membership_refactor.planning import TableSplit
from membership_refactor.sql.quoting import fitted, ident, qualified
from membership_refactor.sql.row_id import RowId

AFTER_PREFIX = "AA_refactor_"
"""The tool's AFTER triggers; they fire before PostgreSQL's RI_ConstraintTrigger_ ones."""
BEFORE_PREFIX = "~refactor_"
"""The tool's BEFORE triggers; they fire after the application's own."""
OWN_PREFIXES = (AFTER_PREFIX, BEFORE_PREFIX)
LATER_PREFIX = f"{AFTER_PREFIX}later_"
"""Those for partitions that come later: they are off on all others, and nothing depends on them."""


def ledger_schema(schema: str) -> str:
    """The schema in which a tenant's progress is recorded."""
    return fitted(f"{schema}_refactor")


def old_schema(schema: str) -> str:
    """The schema in which a tenant's view of the old shape stands."""
    return fitted(f"{schema}_old")


def tenant_lock(schema: str) -> int:
    """The key of the session advisory lock that each migration of the schema holds, by Alembic or
    by script."""
    digest = hashlib.sha256(f"membership_refactor {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def link_index_name(table: str, link: str) -> str:
    """The index on the link column of ``table``."""
    return fitted(f"ix_{table}_{link}")


@dataclass(frozen=True)
class Names:
    """Names of one plan in one schema. Properties without ``_name`` are quoted and qualified."""

    plan: TableSplit
    schema: str
    path: tuple[str, ...] = ()
    """Schemas that functions of the application on the plan's tables need in their search_path."""
    partitioned: bool = False
    """Whether source, copy and archive are partitioned. The parent never is."""
    looks_at_members: bool = False
    """Whether triggers of the tool are looked for on partitions too, where it is not known yet
    whether there are some."""

    @property
    def search_path(self) -> str:
        """The search_path of functions that write these tables. pg_catalog comes first, so no
        schema can replace what our texts use; pg_temp comes last."""
        return ", ".join(("pg_catalog", *map(ident, self.path), "pg_temp"))

    @cached_property
    def ledger(self) -> str:
        """The ledger schema's bare name."""
        return ledger_schema(self.schema)

    @cached_property
    def source(self) -> str:
        return qualified(self.schema, self.plan.source)

    @cached_property
    def child(self) -> str:
        """The table in which the source's rows go on."""
        return qualified(self.schema, self.plan.child)

    @property
    def copy(self) -> str:
        """The child while the source stands beside it. A plan in place has none."""
        assert self.plan.copy is not None
        return self.child

    @cached_property
    def parent(self) -> str:
        return qualified(self.schema, self.plan.parent)

    @cached_property
    def retired(self) -> str:
        return qualified(self.schema, self.plan.retired)

    @cached_property
    def id(self) -> RowId:
        """The id of source, copy and child."""
        several = len(self.plan.ids) > 1
        return RowId(self.plan.ids, self.own("row_id") if several else "")

    @cached_property
    def parent_id(self) -> RowId:
        return RowId((self.plan.parent_id,))

    @cached_property
    def link(self) -> RowId:
        """The link, which is the id of the parent."""
        return RowId((self.plan.link,))

    @cached_property
    def old_schema(self) -> str:
        """The bare name of the schema in which the view of the old shape stands."""
        return old_schema(self.schema)

    @cached_property
    def old_shape(self) -> str:
        """The view of the old shape."""
        return qualified(self.old_schema, self.plan.source)

    @cached_property
    def parent_primary_key_name(self) -> str:
        return fitted(f"pk_{self.plan.parent}")

    @cached_property
    def parent_key_name(self) -> str:
        """The unique key over the identifying columns, NULLS NOT DISTINCT."""
        return fitted(f"uq_{self.plan.parent}_key")

    @cached_property
    def link_key_name(self) -> str:
        """The child's foreign key to the parent."""
        return fitted(f"fk_{self.plan.child}_{self.plan.link}")

    @cached_property
    def kept_key_name(self) -> str:
        """The child's foreign key over the kept columns and the link."""
        return fitted(f"fk_{self.plan.child}_{self.plan.link}_kept")

    @cached_property
    def parent_kept_key_name(self) -> str:
        """The unique key of the parent that ``kept_key_name`` refers to."""
        return fitted(f"uq_{self.plan.parent}_kept")

    @cached_property
    def link_check_name(self) -> str:
        """The CHECK by which 0008 sets the link NOT NULL without a scan; it drops it afterwards."""
        return fitted(f"ck_{self.plan.child}_{self.plan.link}_not_null")

    def own(self, purpose: str) -> str:
        """An object of the ledger schema that belongs to this plan: ``<plan>_<purpose>``."""
        return qualified(self.ledger, self.own_name(purpose))

    def own_name(self, purpose: str) -> str:
        return fitted(f"{self.plan.name}_{purpose}")
