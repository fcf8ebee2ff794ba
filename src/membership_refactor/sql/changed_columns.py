"""Updates that name only the columns that change, for tables with ``UPDATE OF`` triggers.

Such a trigger fires if the statement names one of its columns, whether the value changes or not.
A statement of ours that names every column would fire it for nothing. Where no such trigger stands,
one static statement is faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass

from membership_refactor.sql.names import OWN_PREFIXES
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.sql.row_id import RowId

VARIABLE = "own_set record;"
"""What a function that writes ``ChangedColumns`` has to declare."""

NOT_OWN = " AND ".join(
    f"NOT pg_catalog.starts_with(t.tgname::text, {literal(p)})" for p in OWN_PREFIXES
)
"""A condition: the row ``t`` of pg_trigger is a trigger of the application."""


def triggers_of(table: str, condition: str) -> str:
    """A condition: the application has an enabled trigger on ``table`` (quoted) that meets
    ``condition`` (on ``t``)."""
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_trigger AS t\n"
        f"      WHERE t.tgrelid = {literal(table)}::pg_catalog.regclass\n"
        f"        AND {condition} AND NOT t.tgisinternal AND t.tgenabled <> 'D'\n"
        f"        AND {NOT_OWN})"
    )


def is_watched(table: str) -> str:
    """A condition: a trigger of the application watches single columns of ``table``. It is asked at
    each write, because such a trigger may be created at any time."""
    return triggers_of(table, "pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) > 0")


@dataclass(frozen=True, slots=True)
class ChangedColumns:
    """An UPDATE of ``target`` that sets the columns that change, one statement for each set."""

    target: str
    """Quoted and qualified."""
    alias: str
    key: RowId
    _: KW_ONLY
    values: Mapping[str, str]
    """The new value of each column. It may read the target and ``source``."""
    changes: Mapping[str, str]
    """For each column a condition: it changes. It may read everything in ``rows``."""
    rows: str
    """FROM and WHERE that find the rows to write, with the target under its alias."""
    source: str
    """``FROM table AS alias WHERE condition``: the rows that the values come from."""
    given: str = ""
    """Variables that ``values`` reads as ``$2`` and so on."""

    def found(self, condition: str = "true", *, together: bool = False) -> str:
        """SELECT of the columns that change and the keys of their rows; with ``together`` one row
        for all, whose columns are those that change anywhere."""
        key = self.key.word(self.alias)
        names = ",\n      ".join(
            f"CASE WHEN {change} THEN {literal(name)} END" for name, change in self.changes.items()
        )
        rows = f"{self.rows} AND {condition}"
        if together:
            listed = f"pg_catalog.unnest(ARRAY[\n      {names}])"
            return (
                "SELECT pg_catalog.array_agg(DISTINCT z.own_name) AS columns,\n"
                "      pg_catalog.array_agg(DISTINCT z.own_id) AS ids\n"
                f"    FROM (SELECT {key}, {listed}\n    {rows}) AS z (own_id, own_name)\n"
                "    WHERE z.own_name IS NOT NULL"
            )
        return (
            "SELECT z.own_names AS columns, pg_catalog.array_agg(z.own_id) AS ids\n"
            f"    FROM (SELECT {key}, pg_catalog.array_remove(ARRAY[\n      {names}], NULL)\n"
            f"    {rows}) AS z (own_id, own_names)\n"
            "    WHERE z.own_names <> '{}' GROUP BY z.own_names"
        )

    def write(self) -> str:
        """plpgsql that writes one row of ``found``, which is in ``own_set``."""
        sets = ", ".join(
            f"({literal(name)}, {literal(f'{ident(name)} = {value}')})"
            for name, value in self.values.items()
        )
        where = f"\n      {self.source} AND {self.key.in_array(self.alias, '$1')}"
        using = f"own_set.ids, {self.given}" if self.given else "own_set.ids"
        update = f"UPDATE {self.target} AS {self.alias} SET "
        return f"""EXECUTE pg_catalog.concat({literal(update)},
      (SELECT pg_catalog.string_agg(s.own_text, ', ')
      FROM (VALUES {sets}) AS s (own_name, own_text)
      WHERE s.own_name = ANY (own_set.columns)), {literal(where)}) USING {using};"""

    def statements(self, condition: str = "true", *, together: bool = False) -> str:
        """plpgsql that writes all of it."""
        return (
            f"FOR own_set IN {self.found(condition, together=together)} LOOP\n"
            f"    {self.write()}\n  END LOOP;"
        )

    def planned(self, condition: str = "true", *, using: str = "") -> str:
        """The same, with a plan for the actual number of rows. ``changes`` and ``rows`` read a
        variable as ``$1``, which is ``using``."""
        found = dollar_quoted(self.found(condition)) + (f" USING {using}" if using else "")
        return f"FOR own_set IN EXECUTE {found} LOOP\n    {self.write()}\n  END LOOP;"
