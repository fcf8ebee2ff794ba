"""What was found out about a table, and the plan that is proposed, as text and as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from membership_refactor.counts import counted
from membership_refactor.inspect.sizes import size, wrapped
from membership_refactor.planning.shapes import Shape
from membership_refactor.propose.candidates import Candidate, Discovery
from membership_refactor.propose.draft import Draft

_WIDTH = 96


def as_text(found: Discovery) -> str:
    """A block for each candidate, the best first."""
    return "\n".join(_lines(found))


def _lines(found: Discovery) -> Iterator[str]:
    asked = f", {counted(found.asked, 'key')} tried on samples" if found.asked else ""
    yield f"{found.table}: {counted(found.rows, 'row')}{asked}, {found.seconds:.0f} s"
    if found.constant:
        yield from _listed("one value in every row", found.constant, indent="  ")
    for number, candidate in enumerate(found.candidates, 1):
        yield ""
        yield from candidate_lines(candidate, found.rows, f"{number}. ")
    if found.out_of_time:
        yield ""
        yield (
            "The time was over before every key was tried. --seconds N gives more, "
            "--key NAMES counts the key that you name."
        )


def candidate_lines(c: Candidate, rows: int, number: str = "") -> Iterator[str]:
    """The block of one candidate."""
    parents = counted(c.parents, "parent")
    yield f"{number}key ({', '.join(c.key)}): {parents} of {counted(rows, 'row')}"
    yield f"     largest group: {counted(c.largest, 'row')}; {_bytes(c.bytes_saved)}"
    if c.agree:
        yield from _listed("always agree", c.agree)
    if c.agree_by_part:
        yield from _listed("always agree, by a part of the key already", c.agree_by_part)
    for d in c.disagree:
        yield f"     {d.column}: disagrees in {counted(d.groups, 'group')}"
        for example in d.examples:
            yield f"       ({', '.join(example.key)}): {example.values[0]} | {example.values[1]}"
    if c.differ:
        yield from _listed("differ within the key", c.differ)
    if c.hardly_vary:
        yield from _listed("nearly one value, so they say nothing", c.hardly_vary)
    if c.gaps:
        yield f"     NULL in the key: {counted(c.gaps, 'parent')}"
    for near in c.near or ():
        yield f"     keys that differ only in {near.differ_in}: {near.groups:,}"
        yield from (f"       {example}" for example in near.examples)
    if c.same:
        spelled = (f"({', '.join(key)})" for key in c.same)
        yield from _listed("seem to make the same groups (sampled)", spelled)


def _bytes(saved: int) -> str:
    """An estimate, without indexes."""
    return f"saves about {size(saved)}" if saved >= 0 else f"takes about {size(-saved)} more"


def draft_lines(draft: Draft) -> Iterator[str]:
    """What the plan does, and what its owner has to know."""
    plan = draft.plan
    match plan.shape:
        case Shape.SPLIT:
            what = f"{plan.source} becomes {plan.parent} (parent) and {plan.child} (child)"
        case Shape.IN_PLACE:
            what = f"{plan.parent} (parent) is split off {plan.source}, which stays as the child"
        case Shape.RENAME:
            what = f"{plan.source} gets the name {plan.child}"
    yield f'plan "{plan.name}": {what}'
    if plan.parent:
        moved = (
            f"{c.name} ({c.conflict})" if c.conflict != "agree" else c.name
            for c in plan.parent_columns
        )
        yield from _listed("key", plan.key, "  ")
        yield from _listed("moves to the parent", moved, "  ")
        yield from _listed("stays with the child", plan.child_columns, "  ")
        yield f"  link: {plan.link}; time of the last change: {plan.changed or 'no column'}"
    if plan.version:
        yield f"  version of a row: {plan.version}"
    for name, reason in draft.stays:
        yield from wrapped(f"{name} stays with the child: {reason}.", "  ", "    ", width=_WIDTH)
    if draft.defaults:
        yield from _listed(
            "drop the default of these before the step link_children", draft.defaults, "  "
        )


def asked_lines(asked: Iterable[str]) -> Iterator[str]:
    """What the first step lets through only with a reason."""
    for text in asked:
        yield from wrapped(f"the first step asks for a reason: {text}", "  ", "    ", width=_WIDTH)


def remarks(draft: Draft) -> dict[str, str]:
    """By column: what the plan's module says above it."""
    if draft.candidate is None:
        return {}
    policies = {c.name: c.conflict for c in draft.plan.parent_columns}
    said = {name: "Depends on a part of the key alone." for name in draft.candidate.agree_by_part}
    for d in draft.candidate.disagree:
        if d.column in policies:
            groups = counted(d.groups, "key")
            said[d.column] = (
                f"The rows of {groups} disagreed when this plan was written; "
                f"the policy {policies[d.column]} decides."
            )
    return said


def as_values(found: Discovery, draft: Draft | None) -> dict[str, Any]:
    """The values for JSON."""
    return {
        "table": found.table,
        "rows": found.rows,
        "seconds": round(found.seconds, 1),
        "out_of_time": found.out_of_time,
        "constant": list(found.constant),
        "candidates": [asdict(candidate) for candidate in found.candidates],
        "plan": None if draft is None else asdict(draft.plan),
    }


def _listed(title: str, names: Iterable[str], indent: str = "     ") -> Iterator[str]:
    text = f"{title}: {', '.join(names)}"
    yield from wrapped(text, indent, f"{indent}  ", width=_WIDTH)
