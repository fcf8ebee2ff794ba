"""What capture writes where the target may have triggers of the application.

BEFORE ROW triggers can change or drop capture's write without an event; then the origin takes over
the result. For triggers that watch single columns, an UPDATE names only the columns that change.
Such triggers may be added after capture's functions, so each write asks for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from membership_refactor.sql.capture.follow_rows import OneWay
from membership_refactor.sql.changed_columns import is_watched, triggers_of
from membership_refactor.sql.quoting import dollar_quoted


@dataclass(frozen=True, slots=True)
class TargetTriggers:
    """Pieces of plpgsql for the writes of ``rows``. Each is empty unless the target ``may`` have
    such triggers."""

    rows: OneWay
    may: bool

    def insert(self, many: str, few: str) -> str:
        """The branch for a target with triggers for each UPDATE statement: ON CONFLICT DO UPDATE
        fires them although it only inserts.

        Rows that are there already come first: after the INSERT a BEFORE trigger of the target may
        have rewritten the new ones. Only this transaction can have written them: when it has
        inserted an id into the origin, no other session has that id in either table.
        """
        if not self.may:
            return ""
        # tgtype: 1 row, 16 UPDATE (pg_trigger.h).
        return f"""IF {triggers_of(self.rows.target, "t.tgtype & 17 = 16")} THEN
    {self.rows.changed(carried=False).statements(many)}
    IF own_mass THEN
      EXECUTE {dollar_quoted(self.rows.insert(many))};
    ELSE
      {self.rows.insert(few)};
    END IF;
  ELS"""

    def ask(self) -> str:
        """plpgsql that asks whether triggers of the target watch single columns, and whether a row
        is written there that the statement wrote without a change: the application has triggers
        for each UPDATE there, and wrote the row itself. The answer of the other direction is never
        such a write, so the two do not call each other for ever."""
        if not self.may:
            return ""
        target = self.rows.target
        # tgtype: 16 UPDATE (pg_trigger.h). One that watches columns is left out: nobody knows which
        # columns the statement named.
        every = "t.tgtype & 16 = 16 AND pg_catalog.cardinality(t.tgattr::pg_catalog.int2[]) = 0"
        return f"""
  own_watched := {triggers_of(target, "t.tgtype & 16 = 16")};
  own_touches := false;
  IF own_watched THEN
    own_touches := pg_catalog.pg_trigger_depth() = 1 AND {triggers_of(target, every)};
    own_watched := {is_watched(target)};
  END IF;"""

    def update(self, many: str, few: str) -> str:
        """The branch for a target with triggers that watch single columns."""
        if not self.may:
            return ""
        changed = self.rows.changed
        few_rows = changed(carried=True, also="own_touches").statements(few)
        many_rows = changed(carried=True, also="$1").planned(many, using="own_touches")
        return f"""IF own_watched THEN
    IF own_mass THEN
      {many_rows}
    ELSE
      {few_rows}
    END IF;
  ELS"""

    def update_all(self) -> str:
        """The UPDATE of every row that differs, also where the target has no such triggers."""
        update = f"{self.rows.update('true')};"
        if not self.may:
            return update
        return f"""IF {is_watched(self.rows.target)} THEN
      {self.rows.changed(carried=False).statements(together=True)}
    ELSE
      {update}
    END IF;"""

    def adopt(self, mine: Callable[[str], str], *, update: bool = False) -> str:
        """The origin takes over what a BEFORE trigger of the target made of capture's write.
        ``mine`` is a condition on the row of an alias."""
        back = self._back()
        taken = back.carry(mine("a")) if update else back.update(mine("a"))
        return self._rewritten(f"{taken};\n      {back.remove(mine('b'))};")

    def keep(self, condition: str) -> str:
        """The origin gets back the rows that a BEFORE trigger of the target did not let go."""
        return self._rewritten(f"{self._back().upsert(condition)};")

    def _back(self) -> OneWay:
        rows = self.rows
        return OneWay(origin=rows.target, target=rows.origin, id=rows.id, columns=rows.columns)

    def _rewritten(self, writes: str) -> str:
        if not self.may:
            return ""
        # tgtype: 1 row, 2 before (pg_trigger.h).
        return f"""IF {triggers_of(self.rows.target, "t.tgtype & 3 = 3")} THEN
      {writes}
    END IF;"""
