"""RowId: the columns that tell the rows of a table apart, and the SQL that compares and lists them.

The contract:

- A plan's ``id`` is one column or several. All are NOT NULL and together they are unique, by the
  primary key or by a UNIQUE constraint that is not deferrable. Equal values are identical.
- One column: every text is the plain one, such as ``a."id" = ANY (taken)``.
- Several columns: a value travels as one word, of a composite type that the ledger schema has for
  the plan. So a log is one array, a bound of a range is one text, and a variable is one variable.
- A ``row`` is an alias, a record variable, or OLD and NEW: it has the columns. A ``word`` is an
  expression of one value: a variable, an element of an array, a column of a ledger table.
- Rows of the plan's tables are always compared column by column, because only then an index of the
  table is used. Words are compared as words with columns of the ledger's own tables.
- The order of ids is that of their columns, the first one first: in ranges, in the policies
  ``first`` and ``latest``, and in what is printed.
- A row whose id changes in any of its columns has moved: its UPDATE is an UPDATE of the id on the
  other side.
- An id column may be in the plan's key only if ``keep`` names it, because the id must not go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from membership_refactor.portrait import Column
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.statements import Statement


@dataclass(frozen=True, slots=True)
class RowId:
    """One or several columns. ``word_type`` is the composite type of several, quoted."""

    columns: tuple[str, ...]
    word_type: str = ""

    @property
    def several(self) -> bool:
        return len(self.columns) > 1

    # --- columns of a portrait ------------------------------------------------------------

    def others(self, columns: Iterable[Column]) -> tuple[Column, ...]:
        """The columns that are not of the id."""
        return tuple(c for c in columns if c.name not in self.columns)

    def among_columns(self, columns: Iterable[Column]) -> tuple[Column, ...]:
        """The columns of the id, in its order. KeyError if one is missing."""
        found = {c.name: c for c in columns}
        return tuple(found[name] for name in self.columns)

    def type_in(self, columns: Iterable[Column]) -> str:
        """The type of a word, given the table's columns."""
        return self.word_type or self.among_columns(columns)[0].type

    # --- lists ----------------------------------------------------------------------------

    def parts(self, row: str) -> list[str]:
        """Each column of ``row``, or the bare columns for an empty one."""
        return [f"{row}.{ident(c)}" if row else ident(c) for c in self.columns]

    def listed(self, row: str, after: str = "") -> str:
        """The columns of ``row``, for a select list or, with ``after`` such as DESC, an order."""
        return ", ".join(f"{part}{after}" for part in self.parts(row))

    @property
    def said(self) -> str:
        """The columns as a message names them."""
        return ", ".join(self.columns)

    # --- words ----------------------------------------------------------------------------

    def word(self, row: str) -> str:
        """The id of ``row`` as one word."""
        if not self.several:
            return self.listed(row)
        return f"ROW({self.listed(row)})::{self.word_type}"

    def word_of_either(self, one: str, other: str) -> str:
        """The id of that row of an outer join that is there."""
        if not self.several:
            return f"coalesce({self.listed(one)}, {self.listed(other)})"
        return f"CASE WHEN {self.absent(one)} THEN {self.word(other)} ELSE {self.word(one)} END"

    def shown(self, row: str) -> str:
        """The id as one value for people, which needs no type of ours; as text it reads like a
        word."""
        return f"ROW({self.listed(row)})" if self.several else self.listed(row)

    def text(self, row: str) -> str:
        return f"{self.shown(row)}::text"

    def text_of_either(self, one: str, other: str) -> str:
        """The text of the id of that row of an outer join that is there."""
        if not self.several:
            return f"coalesce({self.listed(one)}, {self.listed(other)})::text"
        return f"CASE WHEN {self.absent(one)} THEN {self.text(other)} ELSE {self.text(one)} END"

    def elements(self, array: str) -> str:
        """A FROM item, with the alias ``k``, of the words of an array."""
        return f"pg_catalog.unnest({array}) AS k" + ("" if self.several else " (k)")

    @property
    def element(self) -> str:
        """A word of ``elements``."""
        return self.word("k") if self.several else "k.k"

    def _of_word(self, word: str) -> list[str]:
        if not self.several:
            return [word]
        return [f"({word}).{ident(c)}" for c in self.columns]

    def spread(self, name: str) -> list[str]:
        """Names for the columns into which ROWS FROM spreads words that were called ``name``."""
        if not self.several:
            return [name]
        return [f"{name}_{n}" for n in range(1, len(self.columns) + 1)]

    @property
    def settings(self) -> str:
        """SET clauses of a function that does a range of ids. PostgreSQL estimates a range of
        several columns by the first one alone, and would read the whole table for each range."""
        if not self.several:
            return ""
        return "".join(f" SET enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin"))

    def batch(self, table: str, row: str) -> tuple[str, str, str]:
        """For a function of the ids from ``lo`` to ``hi``: its variable, the statement that fills
        it, and the condition on ``row``. Of an array the planner knows how many ids there are."""
        if not self.several:
            return "", "", self.between(row, "lo", "hi")
        ids = f"SELECT {self.word('b')} FROM {table} AS b WHERE {self.between('b', 'lo', 'hi')}"
        return (
            f" own_batch {self.word_type}[];",
            f"own_batch := ARRAY({ids});\n  ",
            self.in_array(row, "own_batch"),
        )

    # --- conditions -----------------------------------------------------------------------

    def same(self, one: str, other: str) -> str:
        """Both rows have the id."""
        return self.matches(one, self.parts(other))

    def equals(self, row: str, word: str) -> str:
        return self.matches(row, self._of_word(word))

    def word_is(self, word: str, row: str) -> str:
        """The same, with the sides exchanged."""
        pairs = zip(self._of_word(word), self.parts(row), strict=True)
        return " AND ".join(f"{value} = {part}" for value, part in pairs)

    def matches(self, row: str, values: Sequence[str]) -> str:
        """The row has those values in the columns of the id."""
        pairs = zip(self.parts(row), values, strict=True)
        return " AND ".join(f"{part} = {value}" for part, value in pairs)

    def changed(self, one: str = "OLD", other: str = "NEW") -> str:
        """NULL-safe, as OLD is all NULL in an INSERT."""
        pairs = zip(self.parts(one), self.parts(other), strict=True)
        return self._any(f"{a} IS DISTINCT FROM {b}" for a, b in pairs)

    def unlike(self, one: str, other: str) -> str:
        pairs = zip(self.parts(one), self.parts(other), strict=True)
        return self._any(f"{a} <> {b}" for a, b in pairs)

    def absent(self, row: str) -> str:
        """An outer join found no such row."""
        return f"{self.parts(row)[0]} IS NULL"

    def present(self, row: str) -> str:
        return f"{self.parts(row)[0]} IS NOT NULL"

    def in_array(self, row: str, array: str) -> str:
        """The row's id is a word of the array. No index knows a composite value, so the columns are
        compared with those of the words."""
        if not self.several:
            return f"{self.listed(row)} = ANY ({array})"
        return f"{self._bracketed(row)} IN (SELECT {self.listed('k')} FROM {self.elements(array)})"

    def in_words(self, row: str, word: str, rows: str) -> str:
        """The row's id is ``word`` of some of ``rows``, a FROM list with its condition."""
        return f"{self._bracketed(row)} IN (SELECT {', '.join(self._of_word(word))} FROM {rows})"

    def in_rows(self, row: str, rows: str, *, negated: bool = False) -> str:
        """The row's id is one of the transition table ``rows``."""
        among = "NOT IN" if negated else "IN"
        return f"{self._bracketed(row)} {among} (SELECT {self.listed(rows)} FROM {rows})"

    def between(self, row: str, first: str, last: str) -> str:
        if not self.several:
            return f"{self.listed(row)} BETWEEN {first} AND {last}"
        return f"{self.compared(row, '>=', first)} AND {self.compared(row, '<=', last)}"

    def compared(self, row: str, operator: str, word: str) -> str:
        """By the order of ids."""
        if not self.several:
            return f"{self.listed(row)} {operator} {word}"
        return f"{self._bracketed(row)} {operator} ({', '.join(self._of_word(word))})"

    # --- statements -----------------------------------------------------------------------

    def key_share(self, item: str, row: str, rows: str) -> str:
        """After PERFORM: FOR KEY SHARE on those rows of ``item``, which is a table with the alias
        ``row``, whose id is in the transition table ``rows``.

        Not a plain join: one to a key that the planner knows to be unique stops at the first of two
        versions of a row, and the one that another transaction deleted goes unlocked.
        """
        if not self.several:
            array = f"ARRAY(SELECT {self.listed(rows)} FROM {rows})"
            return f"1 FROM {item} WHERE {self.in_array(row, array)} FOR KEY SHARE"
        found = f"SELECT FROM {item} WHERE {self.same(row, rows)} FOR KEY SHARE"
        return f"1 FROM {rows}, LATERAL ({found}) AS found"

    def type_statements(self, columns: Iterable[Column]) -> tuple[Statement, ...]:
        """Creates the composite type if it is missing. A single column needs none."""
        if not self.several:
            return ()
        fields = ", ".join(
            f"{ident(c.name)} {c.type}" + (f" COLLATE {c.collation}" if c.collation else "")
            for c in self.among_columns(columns)
        )
        return (
            Statement(
                "DO $type$ BEGIN\n"
                f"IF pg_catalog.to_regtype({literal(self.word_type)}) IS NULL THEN\n"
                f"  CREATE TYPE {self.word_type} AS ({fields});\nEND IF; END $type$"
            ),
        )

    def _bracketed(self, row: str) -> str:
        return f"({self.listed(row)})" if self.several else self.listed(row)

    def _any(self, conditions: Iterable[str]) -> str:
        joined = " OR ".join(conditions)
        return f"({joined})" if self.several else joined
