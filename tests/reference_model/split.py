"""What the tables of a plan hold at each revision, computed from the wide table's rows alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from membership_refactor.planning import Conflict, TableSplit
from membership_refactor.sql.parents.parent_uuid import another_uuid, parent_uuid
from tests.reference_model.values import base, identity, ordered, python

Row = Mapping[str, str | None]
Rows = dict[str, dict[str, str | None]]
"""Rows by the text of their primary key."""
Key = tuple[object, ...]


@dataclass(frozen=True)
class Model:
    """A plan, the types of its columns, and the wide table's rows as text."""

    plan: TableSplit
    types: Mapping[str, str]
    wide: Sequence[Row]

    def key_of(self, row: Row) -> Key:
        return tuple(identity(self.types[c], row[c]) for c in self.plan.key)

    def groups(self) -> dict[Key, list[Row]]:
        """The wide rows of each key, in the order of their ids."""
        found: dict[Key, list[Row]] = defaultdict(list)
        for row in sorted(self.wide, key=self._place):
            found[self.key_of(row)].append(row)
        return dict(found)

    def uuid(self, row: Row) -> str:
        """The uuid computed from the row's key."""
        types = [base(self.types[c]) for c in self.plan.key]
        values = [python(t, row[c]) for t, c in zip(types, self.plan.key, strict=True)]
        return str(parent_uuid(self.plan, types, values))

    def source(self) -> Rows:
        return {id_of(row, self.plan.ids): dict(row) for row in self.wide}

    def copy(self) -> Rows:
        """0003 to 0007; of a rename always."""
        if not self.plan.link:
            return self.source()
        return {
            id_of(row, self.plan.ids): {**row, self.plan.link: self.uuid(row)} for row in self.wide
        }

    def parents(self) -> Rows:
        """From 0007 on."""
        return {self.uuid(rows[0]): self._parent(rows) for rows in self.groups().values()}

    def interim(self) -> Rows:
        """The child at 0008: whoever lost has the winning values, and was changed by that."""
        parents, children = self.parents(), self.copy()
        plan = self.plan
        for child in children.values():
            parent = parents[_text(child[plan.link])]
            lost = any(child[c] != parent[c] for c in plan.parent_values)
            child |= {c: parent[c] for c in plan.deprecated}
            if lost and plan.changed:
                child[plan.changed] = self._greatest(plan.changed, [child, parent])
            if lost and plan.version and child[plan.version] is not None:
                child[plan.version] = str(int(_text(child[plan.version])) + 1)
        return children

    def emptied(self) -> Rows:
        """The child when 0010 is taken back: the columns are there again, without values."""
        gone = dict.fromkeys(self.plan.leaving)
        return {id: {**child, **gone} for id, child in self.interim().items()}

    def current(self) -> Rows:
        """The child from 0010 on."""
        return {
            id: {c: v for c, v in child.items() if c not in self.plan.leaving}
            for id, child in self.interim().items()
        }

    def _place(self, row: Row) -> tuple[Any, ...]:
        """Where the row's id stands among the others."""
        return tuple(self._order(name, row) for name in self.plan.ids)

    # --- policies -------------------------------------------------------------------------

    def _parent(self, rows: list[Row]) -> dict[str, str | None]:
        plan = self.plan
        parent: dict[str, str | None] = {plan.parent_id: self.uuid(rows[0])}
        parent |= {c: rows[0][c] for c in plan.key}
        for column in plan.parent_columns:
            parent[column.name] = self._value(column.name, column.conflict, rows)
        if plan.changed:
            parent[plan.changed] = self._greatest(plan.changed, rows)
        return parent

    def _value(self, name: str, conflict: Conflict, rows: list[Row]) -> str | None:
        if conflict is Conflict.MAX:
            # Of 1.0 and 1.00, which are equal, that of the highest id.
            return self._greatest(name, rows[::-1])
        if conflict is Conflict.LATEST:
            return self._latest(rows)[name]
        if conflict is Conflict.AGREE:
            values = {identity(self.types[name], row[name]) for row in rows}
            assert len(values) == 1, "the generator made rows that disagree"
        return rows[0][name]

    def _latest(self, rows: list[Row]) -> Row:
        changed = self.plan.changed
        assert changed is not None
        # A row without a time of change is older than any other; of equals the greatest id.
        known = [row for row in rows if row[changed] is not None]
        return max(known or rows, key=lambda r: (
            self._order(changed, r) if known else 0,
            self._place(r),
        ))  # fmt: skip

    def _greatest(self, name: str, rows: Sequence[Row]) -> str | None:
        known = [row for row in rows if row[name] is not None]
        return max(known, key=lambda r: self._order(name, r))[name] if known else None

    def _order(self, name: str, row: Row) -> Any:
        return ordered(self.types[name], _text(row[name]))


def id_of(row: Row, ids: Sequence[str]) -> str:
    """The text of a row's id, as PostgreSQL writes a row where it is several columns."""
    values = [_text(row[name]) for name in ids]
    return values[0] if len(values) == 1 else f"({','.join(values)})"


def next_uuid(uuid: str) -> str:
    """What a key gets whose computed uuid serves another one."""
    from uuid import UUID

    return str(another_uuid(UUID(uuid)))


def _text(value: str | None) -> str:
    assert value is not None
    return value
