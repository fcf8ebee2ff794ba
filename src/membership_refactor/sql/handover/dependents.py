"""Objects that refer to the table by OID: retire_source moves some and lists the others."""

from __future__ import annotations

from collections.abc import Iterator

from membership_refactor.portrait import Dependent, IncomingKey, Server, Table
from membership_refactor.portrait.tokens import canonical
from membership_refactor.sql.ddl.bare_table import option_text
from membership_refactor.sql.ddl.constraints import constraint_text, validate_constraint
from membership_refactor.sql.ddl.renaming import renamed, repointed
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement

_REPLACEABLE = ("function", "procedure")


def handover_obstacles(source: Table, *, server: Server | None = None) -> tuple[str, ...]:
    """What retire_source cannot move within a short lock: a sentence each, with what to do.

    Ask it before copy_table. With ``server``, objects that the connected role may not change are
    added.
    """
    return (
        *(() if server is None or server.superuser else _of_others(source, server)),
        *(o for dependent in source.dependents for o in _obstacle(dependent)),
        *(
            f'{use.name}: it uses the sequence of identity column "{column}". '
            "Step retire_source makes that sequence anew. Drop it before and create it again after"
            for use in source.uses
            if use.sequence and use.stops
            for column in use.columns
            if source.column(column).identity
        ),
        *(
            f'foreign key "{key.name}" of the partitioned table {_table(key)}: it cannot be made '
            "NOT VALID, and a scan would prolong the lock. Drop it before step retire_source and "
            "create it again after"
            for key in source.incoming
            if key.kind == "p"
        ),
    )


def _of_others(source: Table, server: Server) -> Iterator[str]:
    owned = [(f"{d.kind} {d.name}", d.owner) for d in source.dependents if not d.by_text]
    owned += [(f"table {_table(key)}", key.owner) for key in source.incoming]
    for what, owner in dict.fromkeys(owned):
        if owner and owner not in server.acts_as:
            yield (
                f'{what} belongs to "{owner}", and "{server.user}" cannot change it: '
                f"run {server.grant(owner)}"
            )


def _obstacle(dependent: Dependent) -> Iterator[str]:
    if dependent.by_text or dependent.kind == "view":
        return
    if dependent.kind in _REPLACEABLE and not dependent.used_by:
        return
    what = f"{dependent.kind} {dependent.name}"
    if dependent.kind in _REPLACEABLE:
        yield f"{what}: {'; '.join(dependent.used_by)} of the table. Drop it or change it first"
    elif dependent.kind == "materialized view":
        yield (
            f"{what}: it cannot be replaced. Drop it before step retire_source and create it "
            "again after"
        )
    else:
        yield (
            f"{what}: it depends on the table and cannot be moved. Drop it before step "
            "retire_source"
        )


def repoint_dependents(
    table: Table, *, to: str, kept: tuple[Dependent, ...] = ()
) -> Iterator[Statement]:
    """Makes views and SQL-standard functions of ``table`` read the table ``to``.

    CREATE OR REPLACE keeps their OID, owner, grants, comments and dependents. ``kept`` has the
    dependents before the first repointing. One that has not changed since gets that text back.
    """
    before = {dependent.name: dependent for dependent in kept}
    for dependent in table.dependents:
        if dependent.by_text or dependent.definition is None:
            continue
        text = repointed(dependent.definition, table.schema, table.name, to)
        original = before.get(dependent.name)
        if original is not None and original.definition is not None:
            there = repointed(original.definition, table.schema, to, table.name)
            if canonical(there) == canonical(dependent.definition):
                text = original.definition
        if dependent.kind == "view":
            yield _view(dependent, text)
        elif dependent.kind in _REPLACEABLE and not dependent.used_by:
            yield Statement(text.strip())


def _view(view: Dependent, query: str) -> Statement:
    # CREATE OR REPLACE resets options that are not given again.
    options = ", ".join(option_text(option) for option in view.options)
    with_options = f" WITH ({options})" if options else ""
    name = qualified(view.schema, view.bare_name)
    return Statement(
        f"CREATE OR REPLACE VIEW {name}{with_options} AS\n{query.strip().removesuffix(';')}",
        Lock.ACCESS_EXCLUSIVE,
        name,
    )


def repoint_incoming(table: Table, *, to: str) -> Iterator[Statement]:
    """Makes foreign keys of other tables refer to ``to``, NOT VALID, so nothing is scanned.

    DROP takes ACCESS EXCLUSIVE on both tables, ADD takes SHARE ROW EXCLUSIVE on both.
    """
    for key in table.incoming:
        relation, name = _table(key), ident(key.name)
        yield Statement(
            f"ALTER TABLE {relation} DROP CONSTRAINT {name}", Lock.ACCESS_EXCLUSIVE, relation
        )
        definition = renamed(key.definition, table.schema, table.name, to)
        yield Statement(
            f"ALTER TABLE {relation} ADD CONSTRAINT {name} "
            + constraint_text(definition, not_valid=True),
            Lock.SHARE_ROW_EXCLUSIVE,
            relation,
        )
        if key.comment is not None:
            yield Statement(f"COMMENT ON CONSTRAINT {name} ON {relation} IS {literal(key.comment)}")


def validate_incoming(table: Table) -> Iterator[Statement]:
    """After the lock: validates the keys that were valid before; blocks no writer."""
    for key in table.incoming:
        if key.validated:
            yield validate_constraint(key.schema, key.table, key.name)


def _table(key: IncomingKey) -> str:
    return qualified(key.schema, key.table)
