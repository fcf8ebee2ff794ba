"""Find duplicates and other faults in one statement, at little more than a GROUP BY's cost."""

from __future__ import annotations

from collections.abc import Mapping

from membership_refactor.planning import Alternative, Dependent
from membership_refactor.sql.quoting import columns, ident, literal
from membership_refactor.sql.unique_identity.names import IdentityNames, as_text, folded, padded

_HASHES = {
    "int2": "pg_catalog.hashint8extended({0}::pg_catalog.int8, {1})",
    "int4": "pg_catalog.hashint8extended({0}::pg_catalog.int8, {1})",
    "int8": "pg_catalog.hashint8extended({0}, {1})",
    "text": "pg_catalog.hashtextextended({0}, {1})",
    "uuid": "pg_catalog.uuid_hash_extended({0}, {1})",
    "varchar": "pg_catalog.hashtextextended({0}::pg_catalog.text, {1})",
    # PostgreSQL has no hash of these. Equal ones have the same text.
    **dict.fromkeys(
        ("money", "bit", "varbit", "tsvector", "_money", "_bit", "_varbit"),
        "pg_catalog.hashtextextended({0}::pg_catalog.text, {1})",
    ),
}
"""Hash functions by type; they take half the time of the one that accepts every type."""
_ANY_HASH = "pg_catalog.hash_record_extended(ROW({0}), {1})"

Types = Mapping[str, str]
"""The type names of columns, where known."""


def column_types(names: IdentityNames) -> str:
    """Return name and type name of each column of the identity table; of a domain its base."""
    return (
        "SELECT a.attname::text, t.typname::text\n"
        "FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS d ON d.oid = a.atttypid\n"
        "JOIN pg_catalog.pg_type AS t\n"
        "  ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END\n"
        f"WHERE a.attrelid = {literal(names.table)}::pg_catalog.regclass\n"
        "  AND a.attnum > 0 AND NOT a.attisdropped AND t.typnamespace = "
        "'pg_catalog'::pg_catalog.regnamespace"
    )


def hashed(
    names: IdentityNames,
    alternative: Alternative,
    prefix: str = "",
    *,
    types: Types,
    unpadded: bool = False,
) -> str:
    """Return a 64-bit hash of identity and scope; cheaper if the keys are ``unpadded``.

    A sort then compares eight bytes instead of texts and uuids. A hash collision does no harm,
    because the rows are compared again by their values.
    """
    seed = "0"
    for column in names.plan.scope:
        form = _HASHES.get(types.get(column, ""), _ANY_HASH)
        seed = form.format(prefix + ident(column), seed)
    kind = "text" if alternative.text else types.get(alternative.column, "")
    value = folded(alternative, prefix)
    if alternative.text and unpadded:
        value = f"pg_catalog.lower({as_text(alternative.column, prefix)})"
    return _HASHES.get(kind, _ANY_HASH).format(value, seed)


def counted(names: IdentityNames, alternative: Alternative, prefix: str = "") -> str:
    """Return the condition that the alternative's unique constraint applies to the row.

    GROUP BY treats NULLs as equal and UNIQUE does not, so without this condition all rows without
    a user would be duplicates of each other.
    """
    return f"{prefix}{ident(alternative.column)} IS NOT NULL AND {names.scope_given(prefix)}"


def shared(names: IdentityNames, alternative: Alternative, prefix: str = "") -> str:
    """Return the condition that the row may share this identity with others; a blank is none."""
    given, blank = counted(names, alternative, prefix), names.blank(alternative, prefix)
    return f"{given} AND NOT ({blank})"


def troubled_rows(names: IdentityNames, types: Types) -> str:
    """Return the rows that share an identity or its folded spelling, or break a CHECK.

    They are sorted by scope.

    Columns: the number of the scope, id, the alternatives, the scope, status (or NULL), then for
    each alternative the id of the first row with the same value, then for each the id of the first
    with the same folded spelling (NULL where the alternative is not text), then for each whether
    its spelling is padded, then for each whether it is blank. Whether a value is the same is
    decided here, by the column's own type and collation.

    The table is read once for the rows with a fault of their own, once for the hashes of each
    alternative, and once for the rows whose hash occurs more than once.
    """
    plan = names.plan
    own = columns((plan.id, *plan.identity_columns, *plan.scope))
    same = [_first(names, a, ident(a.column)) for a in plan.alternatives]
    alike = [_first(names, a, folded(a)) if a.text else "NULL" for a in plan.alternatives]
    around = [
        f"COALESCE({padded(a.column)}, false)" if a.text else "false" for a in plan.alternatives
    ]
    blank = [f"COALESCE({names.blank(a)}, false)" for a in plan.alternatives]
    # Numbered here, because two values may be equal for the database and not for Python.
    by = columns(plan.scope)
    number = f"pg_catalog.dense_rank() OVER (ORDER BY {by})" if plan.scope else "1"
    answer = ",\n  ".join([number, own, "status_text", *same, *alike, *around, *blank])
    row, alone = _row(names), _alone(names)
    suspects = "".join(_suspects(names, at, types) for at in range(len(plan.alternatives)))
    suspected = "\n      OR ".join(
        _suspected(names, at, "t.", types) for at in range(len(plan.alternatives))
    )
    return (
        f"WITH alone AS MATERIALIZED (\n  {row}\n  WHERE {alone}\n),\n{suspects}"
        f"troubled AS MATERIALIZED (\n  SELECT {own}, status_text FROM alone\n"
        # CASE, because PostgreSQL may evaluate the terms of an AND in any order. The second term
        # is expensive, and only for the few rows that pass the first.
        f"  UNION ALL\n  {row}\n  WHERE CASE WHEN {suspected}\n"
        f"    THEN ({alone}) IS NOT TRUE ELSE false END\n)\n"
        f"SELECT {answer}\nFROM troubled\nORDER BY {columns((*plan.scope, plan.id))}"
    )


def _row(names: IdentityNames) -> str:
    plan = names.plan
    status = f"t.{ident(plan.status.column)}::text" if plan.status else "NULL::text"
    carried = columns((plan.id, *plan.identity_columns, *plan.scope), "t.")
    return f"SELECT {carried}, {status} AS status_text\n  FROM {names.table} AS t"


def _suspects(names: IdentityNames, at: int, types: Types) -> str:
    """Return the hashes that occur more than once, and those of padded keys.

    Padded keys are few, so this is cheaper than to trim every key.
    """
    alternative = names.plan.alternatives[at]
    trimmed_ = (
        f"\n  UNION ALL\n  SELECT {hashed(names, alternative, types=types)}\n"
        f"  FROM alone\n  WHERE {counted(names, alternative)} AND {padded(alternative.column)}"
    )
    return (
        f"suspect_{at} AS MATERIALIZED (\n"
        f"  SELECT {hashed(names, alternative, types=types, unpadded=True)} AS hash\n"
        f"  FROM {names.table}\n  WHERE {counted(names, alternative)}\n"
        "  GROUP BY 1 HAVING pg_catalog.count(*) > 1"
        f"{trimmed_ if alternative.text else ''}\n),\n"
    )


def _suspected(names: IdentityNames, at: int, prefix: str, types: Types) -> str:
    """Return the condition that the row's hash is among the suspects.

    The suspects pass through an array, in which PostgreSQL expects ten elements, so it builds a
    small hash table that grows. For its estimate of the GROUP BY it would build one that fits in
    no cache, or for a large table none at all, and read all suspects again for every row.
    """
    hash_ = hashed(names, names.plan.alternatives[at], prefix, types=types, unpadded=True)
    return (
        f"{hash_} IN (SELECT s.hash FROM"
        f" pg_catalog.unnest(ARRAY(SELECT hash FROM suspect_{at})) AS s(hash))"
    )


def duplicate_keys(names: IdentityNames, alternative: Alternative) -> str:
    """Return each value that the constraint would refuse, with the ids that share it."""
    plan = names.plan
    key = (alternative.column, *plan.scope)
    shown = ", ', ', ".join(f"{ident(c)}::text" for c in key)
    ids = f"pg_catalog.array_agg({ident(plan.id)} ORDER BY {ident(plan.id)})"
    return (
        f"SELECT pg_catalog.concat({literal('(' + ', '.join(key) + ') = (')}, {shown}, "
        f"') in rows ', pg_catalog.array_to_string(({ids})[1:5], ', ')) AS key\n"
        f"FROM {names.table}\n"
        f"WHERE {shared(names, alternative)}\n"
        f"GROUP BY {columns(key)}\nHAVING pg_catalog.count(*) > 1\nORDER BY {columns(key)}"
    )


def unidentified_rows(names: IdentityNames) -> str:
    """Return the id of each row without an identity."""
    plan = names.plan
    return (
        f"SELECT {ident(plan.id)}::text AS key\nFROM {names.table}\n"
        f"WHERE NOT ({names.known()})\nORDER BY {ident(plan.id)}"
    )


def blank_rows(names: IdentityNames, alternative: Alternative) -> str:
    """Return the id of each row whose value is no identity."""
    id_ = ident(names.plan.id)
    return (
        f"SELECT {id_}::text AS key\nFROM {names.table}\n"
        f"WHERE {names.blank(alternative)}\nORDER BY {id_}"
    )


def dependents_of(names: IdentityNames, dependent: Dependent, *, lock: bool = False) -> str:
    """Return the dependent rows of the parents ``$1``: id, parent, unique, unite, ranking, and
    with ``lock`` the whole row."""
    ranking = (dependent.ranking.column,) if dependent.ranking else ()
    listed = columns(
        (dependent.id, dependent.parent, *dependent.unique_columns, *dependent.unite, *ranking),
        "d.",
    )
    text = (
        f"SELECT {listed}, {'pg_catalog.to_jsonb(d)::text' if lock else 'NULL'}\n"
        f"FROM {names.within(dependent.table)} AS d\n"
        f"WHERE d.{ident(dependent.parent)} = ANY($1)"
    )
    return f"{text}\nORDER BY d.{ident(dependent.id)}\nFOR UPDATE OF d" if lock else text


def _first(names: IdentityNames, alternative: Alternative, value: str) -> str:
    id_ = ident(names.plan.id)
    partition = ", ".join([value, *(ident(c) for c in names.plan.scope)])
    return (
        f"CASE WHEN {shared(names, alternative)} THEN pg_catalog.first_value({id_}) OVER "
        f"(PARTITION BY {partition} ORDER BY {id_}) END"
    )


def _alone(names: IdentityNames) -> str:
    """Return the condition that a row has a fault of its own."""
    plan = names.plan
    terms = [f"NOT ({names.known('t.')})"]
    terms += [
        names.odd(alternative, "t.") if alternative.text else names.blank(alternative, "t.")
        for alternative in plan.alternatives
    ]
    if plan.status:
        terms.append(_unlisted(names, "t."))
    return "\n    OR ".join(terms)


def _unlisted(names: IdentityNames, prefix: str = "") -> str:
    status = names.plan.status
    assert status is not None
    column = prefix + ident(status.column)
    listed = ", ".join(literal(value) for value in status.order)
    return f"({column} IS NULL OR {column}::text NOT IN ({listed}))"
