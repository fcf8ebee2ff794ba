"""Which two sides have to agree while the chain stands at a revision."""

from __future__ import annotations

from membership_refactor.sql.comparisons import (
    Comparison,
    children_and_parents,
    links_and_parents,
    links_of_keys,
    parents_and_children,
    source_and_copy,
)
from membership_refactor.steps.step import Situation


def comparisons(s: Situation, revision: str) -> tuple[Comparison, ...]:
    """What ``verify`` compares; nothing before there are two sides."""
    plan, names = s.plan, s.names
    if revision < "0003":
        return ()
    if revision < "0005":
        return (source_and_copy(plan, names, s.source()),)
    if revision < "0008":
        links = links_of_keys(plan, names, s.source())
        if revision < "0007":
            return (links,)
        return (links, children_and_parents(plan, names, s.child("0007")))
    child = s.child("0008")
    if revision == "0008":
        return (parents_and_children(plan, names, child),)
    return (links_and_parents(plan, names, child),)
