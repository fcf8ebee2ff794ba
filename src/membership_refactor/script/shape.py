"""The essential shape of tables: what a script compares before it changes anything.

Each column, constraint, valid index and trigger is an item with its definition as text. Blanks and
quotes are left out, because a predicted text may differ in them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from membership_refactor.portrait import Portrait, Table
from membership_refactor.sql.names import OWN_PREFIXES
from membership_refactor.sql.quoting import dollar_quoted, ident, literal


def shape(portrait: Portrait, tables: Sequence[str]) -> str:
    """Return the items of these tables as a jsonb literal, one item a line."""
    items = dict(item for t in portrait.tables if t.name in tables for item in _items(t))
    return f"{dollar_quoted(json.dumps(items, indent=0, ensure_ascii=False))}::pg_catalog.jsonb"


def _items(table: Table) -> Iterator[tuple[str, str]]:
    name = f'table "{table.name}"'
    yield name, table.kind
    for column in table.columns:
        required = " NOT NULL" if column.not_null else ""
        yield f'{name}: column "{column.name}"', f"{_plain(column.type)}{required}"
    for key in table.constraints:
        invalid = "" if key.validated else " NOT VALID"
        definition = _plain(key.definition).removesuffix(" NOT VALID")
        yield f'{name}: constraint "{key.name}"', f"{definition}{invalid}"
    for index in table.indexes:
        if index.valid:
            yield f'{name}: index "{index.name}"', _plain(index.definition)
    for trigger in table.triggers:
        yield f'{name}: trigger "{trigger.name}"', _plain(trigger.definition)


def _plain(sql: str) -> str:
    return re.sub(r"\s+", " ", sql.replace('"', "")).strip()


def _plainly(sql: str) -> str:
    """The same as ``_plain``, in SQL."""
    return (
        f"pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.replace({sql}, '\"', ''), "
        "'\\s+', ' ', 'g'))"
    )


def _constraint(definition: str, validated: str) -> str:
    return (
        f"pg_catalog.regexp_replace({_plainly(definition)}, ' NOT VALID$', '')\n"
        f"      || CASE WHEN {validated} THEN '' ELSE ' NOT VALID' END"
    )


def shape_of_catalog(schema: str, tables: Sequence[str]) -> str:
    """SELECT the items (item, text) of the tables from the catalog."""
    listed = ", ".join(literal(t) for t in tables)
    own = " AND ".join(
        f"NOT pg_catalog.starts_with(t.tgname::text, {literal(p)})" for p in OWN_PREFIXES
    )
    return f"""\
  WITH tables AS (
    SELECT c.oid, c.relkind, pg_catalog.format('table "%s"', c.relname) AS name
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = pg_catalog.to_regnamespace({literal(ident(schema))})
      AND c.relname IN ({listed}) AND c.relkind IN ('r', 'p', 'f', 'v', 'm'))
  SELECT c.name AS item, c.relkind::text AS text FROM tables AS c
  UNION ALL
  SELECT pg_catalog.format('%s: column "%s"', c.name, a.attname),
    {_plainly("pg_catalog.format_type(a.atttypid, a.atttypmod)")}
      || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
  FROM tables AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT pg_catalog.format('%s: constraint "%s"', c.name, k.conname),
    {_constraint("pg_catalog.pg_get_constraintdef(k.oid)", "k.convalidated")}
  FROM tables AS c JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid
  WHERE k.contype IN ('p', 'u', 'c', 'f', 'x')
  UNION ALL
  SELECT pg_catalog.format('%s: index "%s"', c.name, i.relname),
    {_plainly("pg_catalog.pg_get_indexdef(i.oid)")}
  FROM tables AS c JOIN pg_catalog.pg_index AS x ON x.indrelid = c.oid AND x.indisvalid
  JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
  UNION ALL
  SELECT pg_catalog.format('%s: trigger "%s"', c.name, t.tgname),
    {_plainly("pg_catalog.pg_get_triggerdef(t.oid)")}
  FROM tables AS c JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = c.oid
  WHERE NOT t.tgisinternal AND {own}"""


def shape_of_document(document: str, tables: Sequence[str]) -> str:
    """SELECT the same items from a portrait's JSON document, which is a jsonb expression."""
    listed = ", ".join(literal(t) for t in tables)

    def each(part: str, item: str, text: str, only: str = "true") -> str:
        return (
            f"  SELECT pg_catalog.format('%s: {item} \"%s\"', c.name, x.value ->> 'name'),\n"
            f"    {text}\n"
            f"  FROM tables AS c, pg_catalog.jsonb_array_elements(c.value -> '{part}') AS x\n"
            f"  WHERE {only}"
        )

    definition = "x.value ->> 'definition'"
    required = "CASE WHEN (x.value ->> 'not_null')::bool THEN ' NOT NULL' ELSE '' END"
    parts = (
        each("columns", "column", _plainly("x.value ->> 'type'") + f" || {required}"),
        each(
            "constraints",
            "constraint",
            _constraint(definition, "(x.value ->> 'validated')::bool"),
        ),
        each("indexes", "index", _plainly(definition), "(x.value ->> 'valid')::bool"),
        each("triggers", "trigger", _plainly(definition)),
    )
    return (
        "  WITH tables AS (\n"
        "    SELECT t.value, pg_catalog.format('table \"%s\"', t.value ->> 'name') AS name\n"
        f"    FROM pg_catalog.jsonb_array_elements({document} -> 'portrait' -> 'tables') AS t\n"
        f"    WHERE t.value ->> 'name' IN ({listed}))\n"
        "  SELECT c.name AS item, c.value ->> 'kind' AS text FROM tables AS c\n"
        "  UNION ALL\n" + "\n  UNION ALL\n".join(parts)
    )
