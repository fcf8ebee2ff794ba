"""Differences that the documentation names: every application has to expect them."""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.checks.row_sizes import LONGEST_KEY
from membership_refactor.planning import TableSplit
from membership_refactor.planning.shapes import Shape
from membership_refactor.rehearsal.probe_statements import Probe, Style
from membership_refactor.rehearsal.statement_outcomes import Difference, Outcome, counts

COPY, FREEZE = "copy_table", "stop_parallel_save"


def _since(step: str) -> tuple[str, ...]:
    """That step and all later ones."""
    steps = Shape.SPLIT.steps
    return steps[steps.index(step) :]


ONCE_RETIRED = _since("retire_source")
KEYED = _since("rebuild_parent")
LINKED = _since("link_children")
GONE = _since("drop_deprecated_columns")
LINK = LINKED[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The step that ran last, the table by its role in the plan, and the style of statement."""

    step: str
    table: str
    """``source``, ``copy`` or ``parent``."""
    style: Style


def styles_at(plan: TableSplit, step: str | None) -> tuple[tuple[str, Style], ...]:
    """(table, style): the statements that are tried when that step has run. In place there is one
    table, which is the child once a step has run."""
    if step is None or step not in Shape.SPLIT.steps:
        return (("source", Style.OLD),)
    found = [("copy", Style.OLD)]
    if plan.copy is not None:
        found.insert(0, ("source", Style.OLD))
    if plan.parent and step in LINKED:
        found += [("copy", Style.NEW), ("parent", Style.PARENT)]
    return tuple(found)


def documented(
    plan: TableSplit, where: Where, probe: Probe, kind: Difference, before: Outcome, now: Outcome
) -> str | None:
    """Why the difference is to be expected; None where it is a surprise."""
    deprecated = set(plan.leaving) & set(probe.columns)
    if where.table == "copy" and where.step == COPY and kind is not Difference.ALLOWED:
        return "the copy may be read, and written only so that it does not change"
    if where.table == "copy" and not plan.parent:
        return None  # the same table under its new name
    if kind is Difference.REFUSED and now.sqlstate == "54000":
        told = where.step in KEYED and set(probe.columns) & set(plan.key)
        return (
            f"plan says that keys of more than {LONGEST_KEY:,} bytes are refused" if told else None
        )
    kept = where.table == "copy" and where.step in (FREEZE, *GONE) and now.sqlstate == "23503"
    if kind is Difference.REFUSED and kept and set(plan.keep) & set(probe.columns):
        return "a kept column is changed through the parent"
    if kind is Difference.REFUSED:
        return _refused(where, bool(deprecated), "DELETE" in probe.label, now)
    if kind is Difference.EFFECT and where.table == "copy":
        same = before.tag == now.tag
        if where.step == LINK and same and deprecated and _at_least(now, before):
            return "a value of the parent is carried to its other children, whose triggers fire"
    return None


def _refused(where: Where, deprecated: bool, removes: bool, now: Outcome) -> str | None:
    if where.table == "source" and where.step in ONCE_RETIRED:
        gone = now.sqlstate in ("42P01", "42703", "55000", "42501")
        return "the old name is gone, or stands for the new parent" if gone else None
    if where.table == "copy" and where.style is Style.OLD and deprecated:
        # On the way down the columns are back, and empty until the next downgrade fills them.
        if where.step == FREEZE and now.sqlstate in ("55000", "23502"):
            return "the deprecated columns are frozen"
        if where.step in GONE and now.sqlstate in ("42703", "23502"):
            return "the deprecated columns are gone"
    if where.step in GONE and where.style is Style.OLD and now.sqlstate in ("42703", "23502"):
        return "an old statement does not name the link"
    if where.step == LINK and where.style is Style.NEW and now.sqlstate == "23503":
        # The INSERT names the parent that went with its last child, a moment before.
        return "a parent that the tool made goes with its last child" if removes else None
    return None


def _at_least(now: Outcome, before: Outcome) -> bool:
    """Whether the same tables were written, each at least as often."""
    one, other = counts(now), counts(before)
    return len(one) == len(other) and all(
        a[0] == b[0] and all(x >= y for x, y in zip(a[1:], b[1:], strict=True))
        for a, b in zip(one, other, strict=True)
    )
