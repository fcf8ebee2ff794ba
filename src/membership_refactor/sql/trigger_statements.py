"""Statements that create, disable and drop the tool's triggers, on a table or on each partition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import (
    NEVER,
    OwnTrigger,
    is_idle,
    is_never,
    trigger_function,
)


def _raise_if_idle(oid: str, names: str) -> str:
    """plpgsql that raises where somebody has turned one of these triggers off, or off and on. The
    lock may have been waited for behind the very transaction that did it, and once the triggers are
    disabled for good, or dropped, nobody can see it any more."""
    return (
        "IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t\n"
        f"WHERE t.tgrelid = {oid} AND t.tgname IN ({names})\n"
        f"AND {is_idle('t')} AND NOT {is_never('t')}) THEN\n{_raise('turned', ' off')}"
    )


def _raise(did: str, more: str = "") -> str:
    return (
        "RAISE object_not_in_prerequisite_state USING MESSAGE = "
        f"'somebody {did} triggers of this tool{more}, and writes may have slipped past',\n"
        "HINT = 'Take the step back (abandon), then run it again.';\nEND IF;\n"
    )


def install_triggers(triggers: Sequence[OwnTrigger]) -> tuple[Statement, ...]:
    """Creates the triggers that are missing or disabled for good, and makes all ENABLE ALWAYS;
    SHARE ROW EXCLUSIVE on each table. One block per table, because each statement prolongs a short
    lock."""
    made = []
    for place, own in _by_place(triggers):
        oid = place.oid or f"{literal(place.table)}::pg_catalog.regclass"
        missing = "".join(
            f"IF {literal(t.name)} <> ALL (there) THEN {place.execute(t)}; END IF;\n" for t in own
        )
        enable = ", ".join(f"ENABLE ALWAYS TRIGGER {ident(t.name)}" for t in own)
        made.append(
            place.block(
                f"{place.pass_over(own)}{_THERE}WHERE t.tgrelid = {oid}\n"
                f"AND NOT {is_never('t')});\n{missing}{place.alter(enable)};\n",
                Lock.SHARE_ROW_EXCLUSIVE,
                "there pg_catalog.text[];",
                place.all_there(own),
            )
        )
    return tuple(made)


_THERE = "there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t "


def disable_triggers(
    triggers: Sequence[OwnTrigger], *, all_stand: bool = False
) -> tuple[Statement, ...]:
    """Disables the triggers that exist, for good; takes SHARE ROW EXCLUSIVE.

    Inside a switch they are not dropped: DROP TRIGGER takes ACCESS EXCLUSIVE and waits for readers.
    They never fire again even if somebody runs ENABLE TRIGGER USER, as a bulk load does at its end.
    Raises object_not_in_prerequisite_state where somebody has turned one of them off before; with
    ``all_stand`` also where one is missing.

    Those of a partitioned table stay, and their functions do nothing from here on: that takes as
    long for many partitions as for a few.
    """
    made = []
    for place, own in _by_place(triggers, together=True):
        names = ", ".join(literal(t.name) for t in own)
        if place.members:
            made += [_every_one_fires(place, names, len(own) if all_stand else 0)]
            made += idle_functions(own)
            continue
        oid = f"pg_catalog.to_regclass({literal(place.table)})"
        missing = (
            f"IF pg_catalog.cardinality(there) < {len(own)} THEN\n{_raise('dropped')}"
            if all_stand
            else "IF there = '{}' THEN RETURN; END IF;\n"
        )
        texts = "".join(
            f"IF {literal(t.name)} = ANY (there) THEN {place.execute(replace(t, when=NEVER))}; "
            "END IF;\n"
            for t in own
            if not t.at_commit
        )
        made.append(
            place.block(
                f"{_THERE}WHERE t.tgrelid = {oid}\n"
                f"AND t.tgname IN ({names}));\n"
                f"{missing}{_raise_if_idle(oid, names)}{texts}"
                f"EXECUTE {literal(f'ALTER TABLE {place.table} ')} || "
                "(SELECT pg_catalog.string_agg("
                "pg_catalog.format('DISABLE TRIGGER %I', own), ', ')\n"
                "FROM pg_catalog.unnest(there) AS own);\n",
                Lock.SHARE_ROW_EXCLUSIVE,
                "there pg_catalog.text[];",
            )
        )
    return tuple(made)


def remove_triggers(triggers: Sequence[OwnTrigger]) -> tuple[Statement, ...]:
    """Drops the triggers that exist; ACCESS EXCLUSIVE on their tables for a moment. A resumed or
    abandoned step can run it again. Raises object_not_in_prerequisite_state where somebody has
    turned one of them off before."""
    made = []
    for place, own in _by_place(triggers):
        oid = place.oid or f"pg_catalog.to_regclass({literal(place.table)})"
        at = place.oid or literal(place.table)
        names = ", ".join(literal(t.name) for t in own)
        each = f"pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, {at}), '; '"
        made.append(
            place.block(
                f"{_raise_if_idle(oid, names)}"
                f"SELECT pg_catalog.string_agg({each}) INTO what FROM pg_catalog.pg_trigger AS t\n"
                f"WHERE t.tgrelid = {oid} AND t.tgname IN ({names});\n"
                "IF what IS NOT NULL THEN EXECUTE what; END IF;\n",
                Lock.ACCESS_EXCLUSIVE,
                "what pg_catalog.text;",
                place.none_there(own),
            )
        )
    return tuple(made)


def _every_one_fires(place: _Place, names: str, count: int) -> Statement:
    """Raises where one is turned off on some member, or where a member has fewer than ``count``."""
    every = f"ANY (ARRAY(SELECT p.relid::pg_catalog.oid FROM {place.tree}))"
    on_each = (
        "SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger AS t "
        f"WHERE t.tgrelid = p.relid AND t.tgname IN ({names})"
    )
    missing = f"IF EXISTS (SELECT FROM {place.tree} WHERE ({on_each}) < {count}) THEN\n"
    asked = f"{missing}{_raise('dropped')}" if count else ""
    return Statement(f"DO $own$ BEGIN\n{asked}{_raise_if_idle(every, names)}END $own$")


def idle_functions(triggers: Sequence[OwnTrigger]) -> tuple[Statement, ...]:
    """The functions of the triggers, each with a body that does nothing. Then triggers can be hung
    on many partitions one after the other, and start or stop together."""
    functions = {t.function: t for t in triggers}
    return tuple(
        s
        for name, t in functions.items()
        for s in trigger_function(
            name, "  RETURN NEW;" if t.each == "ROW" and "BEFORE" in t.event else "  RETURN NULL;"
        )
    )


def idle_unless_hung(triggers: Sequence[OwnTrigger]) -> Statement:
    """The same for functions that no trigger calls yet. Others may be at work: a step that is taken
    back may not have come as far as its switch."""
    made = ""
    for name in dict.fromkeys(t.function for t in triggers):
        create, revoke = idle_functions([t for t in triggers if t.function == name])
        made += (
            "IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgfoid =\n"
            f"  pg_catalog.to_regprocedure({literal(f'{name}()')})) THEN\n"
            f"EXECUTE {literal(create.text)};\nEXECUTE {literal(revoke.text)};\nEND IF;\n"
        )
    return Statement(f"DO $own$ BEGIN\n{made}END $own$")


def bodies(triggers: Sequence[OwnTrigger], made: Iterable[Statement]) -> tuple[Statement, ...]:
    """Those of ``made`` that give the functions of ``triggers`` their bodies, where these hang on
    a partitioned table and do nothing yet. Who may call them stays as it is."""
    begins = tuple(f"CREATE OR REPLACE FUNCTION {t.function}()" for t in triggers if t.by_function)
    return tuple(s for s in made if s.text.startswith(begins))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where triggers are: on a table, or on each member of a partitioned one. The members are asked
    of the catalog when the block runs."""

    table: str
    members: bool
    cloned: bool

    @property
    def oid(self) -> str:
        """The variable with the member at hand; empty for a table."""
        return "own_member" if self.members else ""

    @property
    def tree(self) -> str:
        """A FROM item: the table and its partitions, as ``p``."""
        return f"pg_catalog.pg_partition_tree(pg_catalog.to_regclass({literal(self.table)})) AS p"

    def pass_over(self, own: Sequence[OwnTrigger]) -> str:
        """plpgsql that passes over a partition, or a partitioned table, where nothing is to be
        done. Under a short lock there may be many."""
        if not self.members and not self.cloned:
            return ""
        names = _names(own)
        at = self.oid or f"{literal(self.table)}::pg_catalog.regclass"
        there = (
            f"(SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger AS t\n"
            f"WHERE t.tgrelid = {at} AND t.tgname IN ({names}) AND t.tgenabled = 'A') = {len(own)}"
        )
        return f"CONTINUE WHEN {there};\n" if self.members else f"IF {there} THEN RETURN; END IF;\n"

    def alter(self, change: str) -> str:
        if self.members:
            alter = "pg_catalog.format('ALTER TABLE %s ', own_member)"
            return f"EXECUTE {alter} || {literal(change)}"
        return f"ALTER TABLE {self.table} {change}"

    def execute(self, trigger: OwnTrigger) -> str:
        if not self.members:
            return f"EXECUTE {literal(trigger.text)}"
        text = replace(trigger, table="\0").text.replace("%", "%%").replace("\0", "%s")
        return f"EXECUTE pg_catalog.format({literal(text)}, own_member)"

    def all_there(self, own: Sequence[OwnTrigger]) -> str:
        """plpgsql that returns where nothing is to be done on any member: one look at all."""
        if not self.members:
            return ""
        return (
            f"IF (SELECT pg_catalog.count(*) {self._of_members(own)} AND t.tgenabled = 'A')\n"
            f"= {len(own)} * (SELECT pg_catalog.count(*) FROM {self.tree}) THEN RETURN; END IF;\n"
        )

    def none_there(self, own: Sequence[OwnTrigger]) -> str:
        """plpgsql that returns where there is nothing to drop on any member: one look at all."""
        if not self.members:
            return ""
        return f"IF NOT EXISTS (SELECT {self._of_members(own)}) THEN RETURN; END IF;\n"

    def _of_members(self, own: Sequence[OwnTrigger]) -> str:
        """FROM and WHERE of those that stand on the members."""
        every = f"ANY (ARRAY(SELECT p.relid::pg_catalog.oid FROM {self.tree}))"
        return (
            "FROM pg_catalog.pg_trigger AS t\n"
            f"WHERE t.tgrelid = {every} AND t.tgname IN ({_names(own)})"
        )

    def block(self, body: str, lock: Lock, declare: str, first: str = "") -> Statement:
        if self.members:
            declare = f"{declare}\n  own_member pg_catalog.regclass;"
            loop = f"FOR own_member IN SELECT p.relid FROM {self.tree} LOOP"
            body = f"{first}{loop}\n{body}END LOOP;\n"
        text = f"DO $own$ DECLARE\n  {declare}\nBEGIN\n{body}END $own$"
        return Statement(text, lock, self.table)


def _names(own: Sequence[OwnTrigger]) -> str:
    return ", ".join(literal(t.name) for t in own)


def _by_place(
    triggers: Sequence[OwnTrigger], *, together: bool = False
) -> Iterable[tuple[_Place, tuple[OwnTrigger, ...]]]:
    """The triggers of each place, in the order in which the places first appear. ``together``:
    clones of a row trigger hang on each member too."""

    def place(t: OwnTrigger) -> _Place:
        return _Place(t.table, t.by_function if together else t.members, t.cloned and not together)

    places = dict.fromkeys(map(place, triggers))
    return [(p, tuple(t for t in triggers if place(t) == p)) for p in places]
