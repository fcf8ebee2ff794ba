"""Aspects: what is compared of each kind of object, by name."""

from __future__ import annotations

import re

from membership_refactor.portrait.table_parts import (
    Column,
    Constraint,
    Grant,
    IncomingKey,
    Index,
    Policy,
    Publication,
    Rule,
    Sequence,
    Statistics,
    Trigger,
)
from membership_refactor.portrait.tables import Table
from membership_refactor.portrait.tokens import canonical

Aspects = dict[str, object]

_ENABLED = {
    "O": "enabled",
    "D": "disabled",
    "R": "enabled for replica only",
    "A": "enabled always",
}
_RELKINDS = {
    "r": "an ordinary table",
    "p": "a partitioned table",
    "f": "a foreign table",
    "v": "a view",
    "m": "a materialized view",
}
_PERSISTENCE = {"p": "permanent", "u": "unlogged", "t": "temporary"}
_IDENTITIES = {"d": "the default", "n": "nothing", "f": "full", "i": "an index"}


def _sql(text: str | None) -> str | None:
    return None if text is None else canonical(text)


def of_column(column: Column) -> Aspects:
    return {
        "type": column.type,
        "NOT NULL": column.not_null,
        "default": _sql(column.default),
        "identity": column.identity,
        "generation": (_sql(column.generated), column.virtual),
        "collation": _sql(column.collation),
        "storage": column.storage,
        "compression": column.compression,
        "statistics target": column.statistics,
        "column options": tuple(sorted(column.options)),
        "comment": column.comment,
    }


def of_sequence(sequence: Sequence) -> Aspects:
    return {
        "sequence": f"{sequence.schema}.{sequence.name}",
        "sequence type": sequence.type,
        "sequence start": sequence.start,
        "sequence increment": sequence.increment,
        "sequence minimum": sequence.minimum,
        "sequence maximum": sequence.maximum,
        "sequence cache": sequence.cache,
        "sequence cycle": sequence.cycle,
        "sequence ownership": sequence.owned,
        "sequence comment": sequence.comment,
    }


def of_constraint(constraint: Constraint) -> Aspects:
    return {"kind": constraint.kind, **of_key(constraint)}


def of_key(key: Constraint | IncomingKey) -> Aspects:
    return {
        "definition": canonical(key.definition).removesuffix(" NOT VALID"),
        "validity": "valid" if key.validated else "not valid",
        "comment": key.comment,
    }


def of_index(index: Index) -> Aspects:
    return {
        "definition": canonical(index.definition),
        "CLUSTER mark": index.clustered,
        "replica identity mark": index.replica_identity,
        "tablespace": index.tablespace,
        "constraint": index.constraint,
        "statistics targets": index.statistics,
        "comment": index.comment,
    }


def of_trigger_or_rule(part: Trigger | Rule) -> Aspects:
    return {
        "definition": canonical(part.definition),
        "state": _ENABLED.get(part.enabled, part.enabled),
        "comment": part.comment,
    }


def of_policy(policy: Policy) -> Aspects:
    return {
        "kind": "permissive" if policy.permissive else "restrictive",
        "command": policy.command,
        "roles": tuple(sorted(role or "PUBLIC" for role in policy.roles)),
        "USING": _sql(policy.using),
        "WITH CHECK": _sql(policy.check),
        "comment": policy.comment,
    }


def of_statistics(statistics: Statistics) -> Aspects:
    return {
        "definition": _in_any_order(canonical(statistics.definition)),
        "target": statistics.target,
        "comment": statistics.comment,
    }


def _in_any_order(definition: str) -> str:
    """PostgreSQL lists the columns in the table's order, in which a dropped one comes back last."""
    head, _, rest = definition.partition(" ON ")
    listed, _, table = rest.rpartition(" FROM ")
    items = sorted(re.split(r", (?![^()]*\))", listed))
    return f"{head} ON {', '.join(items)} FROM {table}"


def of_publication(publication: Publication) -> Aspects:
    columns = publication.columns
    return {
        "columns": "all" if columns is None else tuple(sorted(columns)),
        "row filter": _sql(publication.where),
    }


def of_table(table: Table) -> Aspects:
    """The table itself, without its columns, constraints and so on."""
    return {
        "kind": _RELKINDS.get(table.kind, table.kind),
        "persistence": _PERSISTENCE.get(table.persistence, table.persistence),
        "owner": table.owner,
        "row security": table.row_security,
        "forced row security": table.force_row_security,
        "replica identity": _IDENTITIES.get(table.replica_identity, table.replica_identity),
        "options": tuple(sorted(table.options)),
        "toast options": tuple(sorted(table.toast_options)),
        "tablespace": table.tablespace,
        "access method": table.access_method,
        "inheritance": table.inherits,
        "row type": table.of_type,
        "security labels": table.security_labels,
        "comment": table.comment,
    }


OF_TABLE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"})
"""The privileges that a table's owner has by default; PostgreSQL 17 adds MAINTAIN."""
OF_SEQUENCE = frozenset({"USAGE", "SELECT", "UPDATE"})


def of_grants(
    grants: tuple[Grant, ...] | None,
    columns: tuple[Grant, ...] = (),
    *,
    owner: str,
    known_owner: bool,
    default: frozenset[str] = OF_TABLE,
) -> frozenset[tuple[str, str, str]]:
    """(grantee, privilege, grantor) of all roles but the owner, and of the owner if it lacks a
    privilege of ``default``. Without an ACL the owner has everything, and others have nothing.

    If no owner is expected, grantors are not compared.
    """
    found = set()
    privileges = {grant.privilege for grant in grants or () if grant.grantee == owner}
    if grants is not None and not privileges >= default:
        found.add((owner, "only " + (", ".join(sorted(privileges)) or "nothing"), ""))
    for grant in (*(grants or ()), *columns):
        if grant.grantee == owner and not grant.column:
            continue
        what = grant.privilege + (f" on column {grant.column}" if grant.column else "")
        what += " with grant option" if grant.grantable else ""
        found.add((grant.grantee or "PUBLIC", what, grant.grantor if known_owner else ""))
    return frozenset(found)
