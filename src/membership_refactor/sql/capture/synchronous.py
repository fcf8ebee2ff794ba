"""Synchronous capture: a write to one table reaches the other in the same transaction.

The transition tables only tell which rows and columns were written. The trigger reads the rows
again, because an application trigger may have changed them since. It writes only rows whose stored
image differs, so it ends by itself when both sides are equal. It uses no guard on the trigger depth
and no setting: both lose the writes of cascades and of other triggers. It works once per statement;
a single row has a shorter path.

An UPDATE carries only the columns that it changed, and does not restore a deleted row. The target
may have been written by the surrounding statement (a trigger of the source that writes the copy, or
a WITH that writes both tables), and the capture of that statement runs at its end. A row that was
written without a change is written in the target where the application has triggers for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from membership_refactor.sql.capture.changed_ids import follow_changed_ids
from membership_refactor.sql.capture.follow_rows import OneWay
from membership_refactor.sql.capture.id_moves import VARIABLES
from membership_refactor.sql.capture.mass_deletes import remove_many
from membership_refactor.sql.capture.mass_deletes import variables as of_mass_deletes
from membership_refactor.sql.capture.merged_rows import MergedRows
from membership_refactor.sql.capture.target_triggers import TargetTriggers
from membership_refactor.sql.capture.unique_values import inserted_twice, untangled
from membership_refactor.sql.changed_columns import VARIABLE
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import OwnTrigger, after, trigger_function
from membership_refactor.sql.twin_partitions import TWIN, truncate_twin
from membership_refactor.sql.types import differs

FEW = 100
"""Up to this many rows a cached plan is used. For more, EXECUTE plans for the actual number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync(OneWay):
    """One direction: applications write ``origin``, and ``target`` follows."""

    names: Names
    purpose: str
    """Part of the names of functions and triggers, such as ``to_copy``."""
    adopts: bool = False
    """Whether the target may have triggers of the application: see ``TargetTriggers``."""

    exclusive: bool = False
    """Whether the tables have unique keys besides the id. If a statement moves a value from one row
    to another, the target may still have it in the old row, whose event comes later."""

    marked: bool = False
    """Whether the functions set SYNC_MARK, which triggers that refuse writes let through."""

    def function_statements(self) -> tuple[Statement, ...]:
        """The trigger functions of this direction."""
        made: list[Statement] = []
        marked = self.marked
        key_type = self.id.type_in(self.columns)
        # Names that no column has: in ON CONFLICT (column) a variable of that name would win.
        watched = f" {VARIABLE} own_watched boolean; own_touches boolean;" if self.adopts else ""
        rows = f"  own_ids {key_type}[]; own_rows int; own_mass boolean;{watched}"
        bodies = {
            "insert": self._saved(),
            "update": self._saved(update=True),
            "delete": self._removed(),
            "moved": self._moved(),
            "truncate": self._truncated(),
        }
        moving = VARIABLES.format(type=key_type)
        deleting = {"delete": rows + of_mass_deletes(self)}
        declared = {"moved": moving + watched, **deleting}
        if self.names.partitioned:
            del bodies["moved"]
            bodies["moving"] = self._merged.noted
            declared = {"update": f"{rows} {moving}", "truncate": f"  {TWIN}", **deleting}
        for kind, body in bodies.items():
            made += trigger_function(
                self._function(kind),
                body,
                declare=declared.get(kind, rows),
                marked=marked,
                whole=(self.origin, self.target),
                path=self.names.search_path,
            )
        return tuple(made)

    def triggers(self) -> tuple[OwnTrigger, ...]:
        """Statement triggers with transition tables, and a row trigger for changed ids. Those of a
        partitioned table hang on every member, and the one of UPDATE follows changed ids too."""
        made = [
            self._trigger("insert", "AFTER INSERT", referencing="NEW TABLE AS n"),
            self._trigger("update", "AFTER UPDATE", referencing="OLD TABLE AS o NEW TABLE AS n"),
            self._trigger("delete", "AFTER DELETE", referencing="OLD TABLE AS o"),
            self._trigger("truncate", "AFTER TRUNCATE"),
        ]
        if self.names.partitioned:
            made.append(self._merged.trigger)
        else:
            made.append(
                self._trigger(
                    "moved",
                    "AFTER UPDATE",
                    each="ROW",
                    referencing="OLD TABLE AS o NEW TABLE AS n",
                    when=self.id.changed(),
                )
            )
        return tuple(made)

    def drop_statements(self) -> tuple[Statement, ...]:
        moved = "moving" if self.names.partitioned else "moved"
        purposes = ("insert", "update", "delete", moved, "truncate")
        return tuple(Statement(f"DROP FUNCTION IF EXISTS {self._function(p)}()") for p in purposes)

    # --- the statements -------------------------------------------------------------------

    @property
    def _answers(self) -> TargetTriggers:
        return TargetTriggers(self, self.adopts)

    def _apart(self, row: str) -> str:
        """A condition: the target ``b`` lacks ``row`` of the transition table, or differs from it.

        If both are equal there is nothing to do, even though the origin is not read: only this
        transaction can have changed its row since, and that change has an event of its own.
        """
        return f"({self.id.absent('b')} OR {differs(self.id.others(self.columns), row, 'b')})"

    def _any_apart(self) -> str:
        return (
            f"EXISTS (SELECT FROM n LEFT JOIN {self.target} AS b ON {self.id.same('b', 'n')}\n"
            f"  WHERE {self._apart('n')})"
        )

    def _looked(self, rows: str, apart: str, *, nested: str = "") -> str:
        """plpgsql that puts the ids of the rows to carry into ``own_ids``. For a mass statement it
        sets ``own_mass`` and takes the first ids only.

        A statement of a client, or a cascade of it, usually changed something, so the target is not
        read before it is written. A write from another trigger is usually the answer of the other
        direction, and one query finds that nothing is left to do. So the trigger depth saves work;
        it never skips a write. Each query in a trigger costs a single-row statement a third of its
        own write, and an aggregate costs more. The LIMIT keeps the cached plan a plan for few rows.
        """
        one = self.id.word(rows)
        return f"""IF pg_catalog.pg_trigger_depth() = 1 THEN
    own_ids := ARRAY(SELECT {one} FROM {rows} LIMIT {FEW + 1});
    own_mass := pg_catalog.cardinality(own_ids) > {FEW};
  ELSE
    own_ids := ARRAY(SELECT CASE WHEN {apart} THEN {one} END
      FROM {rows} LEFT JOIN {self.target} AS b ON {self.id.same("b", rows)} LIMIT {FEW + 1});
    own_mass := pg_catalog.cardinality(own_ids) > {FEW};
    own_ids := pg_catalog.array_remove(own_ids, NULL);{nested}
  END IF;"""

    def _saved(self, *, update: bool = False) -> str:
        one, few = self.id.equals("a", "own_ids[1]"), self.id.in_array("a", "own_ids")
        written = partial(self.id.in_rows, rows="n")
        many = written("a")
        locks = self.id.key_share(f"{self.origin} AS a", "a", "n")
        head = f"""  {guard(self.names, locks, rows="n")}
  {self._looked("n", self._apart("n"), nested=self._nested(update))}
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_rows = 0 THEN
    IF own_mass THEN
      EXECUTE {dollar_quoted("SELECT " + self._any_apart())} INTO own_mass;
    END IF;
    IF NOT own_mass THEN
      RETURN NULL;
    END IF;
  END IF;"""
        if update:
            also, given = ("own_touches", " USING own_touches") if self.adopts else ("false", "")
            mass = self.carry(many, also="$1" if self.adopts else "false")
            writes = f"""{self._answers.update(many, few)}IF own_mass THEN
    EXECUTE {dollar_quoted(mass)}{given};
  ELSIF own_rows = 1 AND pg_catalog.pg_trigger_depth() = 1 THEN
    {self.carry(one, also=also, alone=True)};
  ELSE
    {self.carry(few, also=also)};
  END IF;"""
            return f"""{self._moved_in_statement()}{head}{self._answers.ask()}
  {self._untangled(writes)}
  {self._answers.adopt(written, update=True)}
  RETURN NULL;"""
        writes = f"""{self._answers.insert(many, few)}IF own_mass THEN
    EXECUTE {dollar_quoted(self.upsert(many))};
  ELSIF own_rows = 1 THEN
    {self.upsert(one)};
  ELSE
    {self.upsert(few)};
  END IF;"""
        return f"""{head}
  {self._untangled(writes, many)}
  {self._answers.adopt(written)}
  RETURN NULL;"""

    def _nested(self, update: bool) -> str:
        """This works only if the other direction sets SYNC_MARK, which tells its writes from those
        of an application."""
        return "" if update or self.marked else inserted_twice(self, self._apart("n"))

    def _untangled(self, writes: str, condition: str = "") -> str:
        return untangled(self, writes, condition, self._answers) if self.exclusive else writes

    def _removed(self) -> str:
        return f"""  {guard(self.names, rows="o")}
  {self._looked("o", self.id.present("b"))}
  own_rows := pg_catalog.cardinality(own_ids);
  IF own_mass THEN
    {remove_many(self)}
  ELSIF own_rows = 0 THEN
    RETURN NULL;
  ELSIF own_rows = 1 THEN
    {self.remove(self.id.equals("b", "own_ids[1]"))};
  ELSE
    {self.remove(self.id.in_array("b", "own_ids"))};
  END IF;
  {self._answers.keep(self.id.in_rows("a", "o"))}
  RETURN NULL;"""

    def _moved(self) -> str:
        lock = f"1 FROM {self.origin} AS a WHERE {self.id.same('a', 'NEW')} FOR KEY SHARE"
        return f"""  {guard(self.names, lock)}
{follow_changed_ids(self, exclusive=self.exclusive, watched=self.adopts)}
  {self._answers.keep(self.id.in_array("a", "own_olds"))}
  {self._answers.adopt(lambda row: self.id.in_array(row, "own_news"))}
  RETURN NULL;"""

    @property
    def _merged(self) -> MergedRows:
        return MergedRows(self.names, self.origin, self.purpose)

    def _moved_in_statement(self) -> str:
        """For a partitioned table, where a row that moves to another partition fires no row trigger
        of UPDATE. Ids are unique at once, so a statement that changes some leaves one unused."""
        if not self.names.partitioned:
            return ""
        lock = self.id.key_share(f"{self.origin} AS a", "a", "n")
        moved = follow_changed_ids(
            self, exclusive=self.exclusive, watched=self.adopts, together=True
        )
        changed = f"SELECT {self.id.listed('o')} FROM o EXCEPT SELECT {self.id.listed('n')} FROM n"
        return f"""{self._merged.require_seen()}  IF EXISTS ({changed}) THEN
  {guard(self.names, lock)}
{moved}
  {self._answers.keep(self.id.in_array("a", "own_olds"))}
  {self._answers.adopt(lambda row: self.id.in_array(row, "own_news"))}
  END IF;
"""

    def _truncated(self) -> str:
        if self.names.partitioned:
            return truncate_twin(self.target, self.remove("true"))
        # The size on disk, not EXISTS: an old REPEATABLE READ snapshot does not see newer rows.
        target = f"{literal(self.target)}::pg_catalog.regclass"
        return f"""  IF pg_catalog.pg_relation_size({target}) > 0 THEN
    TRUNCATE {self.target};
  END IF;
  RETURN NULL;"""

    def _trigger(
        self,
        kind: str,
        event: str,
        *,
        referencing: str = "",
        each: str = "STATEMENT",
        when: str = "",
    ) -> OwnTrigger:
        return OwnTrigger(
            after(f"{self.purpose}_{kind}"),
            event,
            self.origin,
            self._function(kind),
            referencing=referencing,
            when=when,
            each=each,
            members=self.names.partitioned,
        )

    def _function(self, kind: str) -> str:
        return self.names.own(f"{self.purpose}_{kind}")
