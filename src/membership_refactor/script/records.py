"""The ledger's records of a step, written by a script just as the runner writes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from membership_refactor.planning import Revisions
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.document import to_json
from membership_refactor.script.psql import ask, block, ended
from membership_refactor.sql.ledger.step_rows import StepRows, source_of_first
from membership_refactor.sql.ledger.table_definitions import FORM, create_ledger
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.steps.step import Direction


@dataclass(frozen=True, slots=True)
class Records:
    """The ledger's rows of one step in one direction."""

    names: Names
    step: str
    direction: Direction
    revisions: Revisions = field(default_factory=Revisions)
    """What messages call the steps and the verbs."""

    def hint(self, text: str) -> str:
        """The text as a literal, with each command line of a verb in it meaning this plan."""
        return literal(self.revisions.naming(text) or "")

    @property
    def rows(self) -> StepRows:
        return StepRows(self.names.ledger, self.names.plan.name, self.step, self.direction)

    def table(self, name: str) -> str:
        return self.rows.table(name)

    @property
    def plan(self) -> str:
        """The plan's name as a literal."""
        return literal(self.names.plan.name)

    @property
    def key(self) -> str:
        """The literals of plan, step and direction."""
        return self.rows.key

    def is_open(self) -> str:
        """A condition: this step has begun this way and not ended."""
        return (
            f"EXISTS (SELECT FROM {self.table('step')} AS s WHERE s.plan = {self.plan} "
            f"AND s.step = {literal(self.step)} "
            f"AND s.direction = {literal(self.direction)} AND s.state = 'open')"
        )

    def stands(self) -> str:
        """A condition: there is nothing to do this way."""
        row = (
            f"EXISTS (SELECT FROM {self.table('step')} AS s WHERE s.plan = {self.plan} "
            f"AND s.step = {literal(self.step)} AND "
        )
        if self.direction is Direction.UP:
            return f"{row}s.direction = 'up' AND s.state = 'done')"
        return f"NOT {row}(s.direction = 'up' OR s.state = 'open'))"

    def mark(self, action: str, **values: str) -> str:
        """INSERT that records the action of that key as done, in the transaction that does it."""
        return ended(self.rows.mark(action, **values))

    def is_to_do(self, action: str) -> str:
        """Ask the ledger whether the action of that key is still to be done."""
        return ask(refactor_to_do=f"NOT {self.rows.is_done(action)}")

    def begin(self, now: Portrait, revision: str | None) -> str:
        """Open the step. ``now`` are the tables as they are."""
        document = dollar_quoted(to_json(now))
        source = source_of_first(self.names, self.step, self.direction)
        begun = self.rows.begin(document, revision, source)
        return "\n".join(("BEGIN;", *map(ended, begun), "COMMIT;"))

    def end(self) -> str:
        """Close the step."""
        return "\n".join(("BEGIN;", *map(ended, self.rows.end(self.names)), "COMMIT;"))

    def accept(self, option: str, reason: str) -> str:
        """Record that a DBA opened a gate by hand with this ``-x`` option, and why."""
        return ended(self.rows.accept(option, reason))


def known_form(names: Names) -> str:
    """Raise where another version of the tool made the ledger."""
    form, step = (qualified(names.ledger, name) for name in ("form", "step"))
    refused = f'the ledger "{names.ledger}" has form %s; this script uses form {FORM}'
    return block(f"""
DECLARE
  found int := {FORM};
BEGIN
  IF pg_catalog.to_regclass({literal(form)}) IS NOT NULL THEN
    SELECT pg_catalog.max(f.number) INTO found FROM {form} AS f;
  ELSIF pg_catalog.to_regclass({literal(step)}) IS NOT NULL THEN
    found := 1;
  END IF;
  IF found <> {FORM} THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = pg_catalog.replace({literal(refused)}, '%s', found::text),
      HINT = 'Print the script with the version of membership-refactor that made the ledger.';
  END IF;
END
""")


def ledger(names: Names, owner: str) -> tuple[str, str]:
    """The ledger: its schema, and its tables, which are created in the owner's role.

    ``owner`` is a SELECT of the role's name.
    """
    _, *rest = create_ledger(names.schema)
    body = f"""
DECLARE
  owner text := ({owner});
BEGIN
  IF pg_catalog.to_regnamespace({literal(ident(names.ledger))}) IS NULL THEN
    EXECUTE {literal(f"CREATE SCHEMA {ident(names.ledger)}")}
      || coalesce(' AUTHORIZATION ' || pg_catalog.quote_ident(owner), '');
  END IF;
END
"""
    return block(body), "\n".join(("BEGIN;", *(ended(s.text) for s in rest), "COMMIT;"))
