"""Which two sides have to agree while the chain stands at a revision."""

from __future__ import annotations

from membership_refactor.sql.comparisons.childless_parents import (
    derived_childless_parents,
    saved_childless_parents,
)
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.comparisons.copied_rows import links_of_keys, source_and_copy
from membership_refactor.sql.comparisons.derived_parents import children_and_parents
from membership_refactor.sql.comparisons.saved_parents import (
    children_of_parents,
    links_and_parents,
)
from membership_refactor.steps.step import Situation


def comparisons(s: Situation, revision: str) -> tuple[Comparison, ...]:
    """What ``verify`` compares, in the order in which ``repair`` mends; nothing before there are
    two sides. Links come first: parents follow from them. At 0007 a parent without children goes
    before another one is made: it may hold the key."""
    _plan, names = s.plan, s.names
    if revision < "0003":
        return ()
    if revision < "0005":
        return (source_and_copy(names, s.source(), open=revision >= "0004"),)
    if revision < "0008":
        links = links_of_keys(names, s.source())
        if revision < "0007":
            return (links,)
        parents = children_and_parents(names, s.child("0007"))
        return (links, derived_childless_parents(names), parents)
    child = s.child("0008")
    if revision == "0008":
        return (children_of_parents(names, child), saved_childless_parents(names))
    return (links_and_parents(names, child),)
