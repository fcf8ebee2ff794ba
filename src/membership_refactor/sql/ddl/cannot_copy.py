"""What a copy cannot carry: each obstacle is named and refused before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Rule, Server, Table
from membership_refactor.portrait.tokens import tokens
from membership_refactor.sql.ddl.cannot_partition import lock_obstacles, partition_obstacles
from membership_refactor.sql.ddl.copy_portrait import cloned, linked
from membership_refactor.sql.ddl.distributed_tables import distributed_tables
from membership_refactor.sql.ddl.parent_table import parent_table
from membership_refactor.sql.ddl.plan_fits import fits
from membership_refactor.sql.ddl.renaming import DerivedNames, is_ambiguous
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import qualified

_KINDS = {
    "p": "is partitioned",
    "f": "is a foreign table",
    "v": "is a view",
    "m": "is a materialized view",
}
_PERSISTENCE = {
    "u": "is unlogged: a crash would empty it while the copy keeps its rows",
    "t": "is temporary",
}
_MAX_COLUMNS = 1600


def cannot_carry(
    plan: TableSplit,
    source: Table,
    *,
    server: Server | None = None,
) -> tuple[str, ...]:
    """Why the source cannot be copied and followed, a sentence each; empty if it can.

    It includes ``fits``. ``server`` adds what depends on the connected role and on the other
    objects of the schema.
    """
    if distributed := distributed_tables(plan, source.schema, server):
        return distributed
    if source.kind != "r" and source.partitioning is None:
        return (f'table "{source.name}" {_KINDS.get(source.kind, "is not an ordinary table")}',)
    reasons = [*_shape(source), *_content(source)]
    if source.partitioning is not None:
        reasons += partition_obstacles(plan, source, source.partitioning)
    if plan.copy is not None:
        reasons += ambiguous_policies(source, plan.child)
    unfit = fits(plan, source)
    if server is not None:
        if source.partitioning is not None:
            reasons += lock_obstacles(source, source.partitioning, server)
        reasons += _role(plan, source, server)
        if not unfit:
            reasons += _names(plan, source, server)
    named = tuple(f'table "{source.name}" {reason}' for reason in reasons)
    return named + unfit


def _shape(table: Table) -> Iterator[str]:
    if table.persistence in _PERSISTENCE:
        yield _PERSISTENCE[table.persistence]
    if table.inherits:
        yield f"inherits from {', '.join(table.inherits)}"
    if table.children and table.partitioning is None:
        yield f"has the child tables {', '.join(table.children)}; a query of it reads their rows"
    if table.of_type:
        yield f"is a typed table (OF {table.of_type}) and cannot get a column"
    if table.extension:
        yield f'belongs to the extension "{table.extension}"'
    if len(table.columns) >= _MAX_COLUMNS:
        yield f"has {len(table.columns)} columns: there is no room for the link"


def _content(table: Table) -> Iterator[str]:
    if table.subscribed:
        yield (
            "is written by a subscription. Such writes fire only row triggers, "
            "so capture would miss them"
        )
    for provider, label in table.security_labels:
        yield f"has the security label {label!r} of {provider!r}, which only its provider can give"
    for rule in table.rules:
        yield from _rewriting(rule)
    for constraint in table.constraints:
        words = {token.text for token in tokens(constraint.definition)}
        if constraint.kind in ("p", "u", "f") and words & {"OVERLAPS", "PERIOD"}:
            yield (
                f'has the temporal constraint "{constraint.name}" (WITHOUT OVERLAPS, PERIOD), '
                "which cannot be made from an index"
            )


def ambiguous_policies(table: Table, new: str) -> tuple[str, ...]:
    """Policies that a table named ``new`` cannot have, because they call something else so."""
    return tuple(
        f'has the policy "{policy.name}", in which "{new}" is the name of another table or an '
        f'alias. Give that table another alias, because the policy goes to table "{new}"'
        for policy in table.policies
        if any(is_ambiguous(sql, table.name, new) for sql in (policy.using, policy.check) if sql)
    )


def rewriting_rules(table: Table) -> tuple[str, ...]:
    """Rules, added since the copy was made, that would rewrite capture's statements."""
    return tuple(f'table "{table.name}" {text}' for r in table.rules for text in _rewriting(r))


def _rewriting(rule: Rule) -> Iterator[str]:
    # A rule also rewrites capture's statements. PostgreSQL refuses ON CONFLICT on a table with
    # INSERT or UPDATE rules, and INSTEAD drops what has to be written.
    if rule.enabled not in ("O", "A"):
        return
    words = [token.text for token in tokens(rule.definition) if token.kind == "word"]
    event = words[words.index("ON") + 1]
    if event in ("INSERT", "UPDATE") or "INSTEAD" in words:
        yield (
            f'has the rule "{rule.name}" on {event}, which would rewrite the statements that '
            "carry changes between the tables. Replace it by a trigger"
        )


def _role(plan: TableSplit, table: Table, server: Server) -> Iterator[str]:
    acts_as = server.superuser or table.owner in server.acts_as
    if table.owner and not acts_as:
        yield (
            f'belongs to "{table.owner}", and "{server.user}" may not act as that role. '
            f'Connect as "{table.owner}" or run {server.grant(table.owner)}'
        )
    forced = table.row_security and table.force_row_security
    if forced and table.owner not in server.bypass_row_security:
        yield (
            f'has FORCE ROW LEVEL SECURITY, and its owner "{table.owner}" has no BYPASSRLS: rows '
            "could be hidden from the copy; run ALTER TABLE "
            f"{qualified(table.schema, table.name)} NO FORCE ROW LEVEL SECURITY"
        )
    if not server.creates_in_schema:
        yield (
            f'cannot be {_done(plan)}: its owner "{table.owner}" has no CREATE on the schema. '
            f'Run GRANT CREATE ON SCHEMA "{table.schema}" TO "{table.owner}"'
        )
    if not server.creates_in_database:
        yield (
            f'cannot be {_done(plan)}: neither its owner "{table.owner}" nor "{server.user}" has '
            "CREATE on the database, which the schema of the ledger needs. "
            f'Run GRANT CREATE ON DATABASE ... TO "{table.owner}"'
        )
    if server.superuser:
        return
    given = (*(table.grants or ()), *table.column_grants)
    for grantor in sorted({grant.grantor for grant in given} - {table.owner, ""}):
        if grantor not in server.acts_as:
            yield (
                f'has grants given by "{grantor}", which "{server.user}" can give again '
                f"only as a member of that role; run {server.grant(grantor)}"
            )
    for publication in table.publications:
        if publication.owner and publication.owner not in server.acts_as:
            yield (
                f'is in the publication "{publication.name}" of "{publication.owner}", which '
                f'"{server.user}" cannot change; run {server.grant(publication.owner)}'
            )


def _names(plan: TableSplit, source: Table, server: Server) -> Iterator[str]:
    """Names that the steps need and that are in use then."""
    own = {index.name for index in source.indexes}
    child = linked(source, plan.link)
    if plan.copy is not None:
        child = cloned(source, name=plan.copy, link=plan.link)
    there = {index.name for index in child.indexes}
    if child.partitioning is not None and plan.copy is not None:
        there |= {member.name for member in child.partitioning.members}
    wanted = {*plan.tables} - {plan.source} | there - (own if plan.copy is None else set())
    taken = wanted & {*server.relations}
    # What comes with the parent, or with the archive's name: by then the source has given its names
    # away if it was copied, and those of the child are in use.
    later = set(DerivedNames(source, plan.retired).relations()) if plan.copy is not None else set()
    if plan.parent:
        parent = parent_table(Names(plan, source.schema), child, required=())
        later |= {index.name for index in parent.indexes}
    taken |= later & ({*server.relations} - (own if plan.copy is not None else set()) | there)
    for name in sorted(taken):
        yield f'cannot be {_done(plan)}: the schema already has a relation "{name}". Rename it'


def _done(plan: TableSplit) -> str:
    return "split" if plan.parent else "renamed"
