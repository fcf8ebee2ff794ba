"""Ways to read the same rows: another order, and another plan. Ties show in the difference."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

_SETTINGS = (
    "enable_seqscan", "enable_indexscan", "enable_bitmapscan", "enable_hashjoin",
    "enable_mergejoin", "enable_nestloop", "enable_hashagg", "enable_sort",
)  # fmt: skip
_OFF = {
    "sequential": {"enable_indexscan", "enable_bitmapscan"},
    "index": {"enable_seqscan", "enable_hashagg"},
    "merge": {"enable_hashjoin", "enable_nestloop", "enable_hashagg"},
    "hash": {"enable_mergejoin", "enable_nestloop", "enable_sort"},
}
PLANS = tuple(_OFF)
"""Names of the plans that every form is run with."""


def prefer(plan: str) -> str:
    """The settings under which the planner takes this plan where it can."""
    off = _OFF[plan]
    return "; ".join(f"SET LOCAL {name} = {'off' if name in off else 'on'}" for name in _SETTINGS)


_PICKS = (
    exp.Limit, exp.Offset, exp.Fetch, exp.Window, exp.Anonymous, exp.AnonymousAggFunc, exp.Update,
    exp.TableSample,
)  # fmt: skip
_WITHOUT_ORDER = (exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr)


def may_have_ties(tree: Any) -> bool:
    """Whether the order in which rows are read may decide which rows the statement gives."""
    if tree.find(*_PICKS) is not None:
        return True
    if any(node.args.get("on") is not None for node in tree.find_all(exp.Distinct)):
        return True
    return any(not isinstance(node, _WITHOUT_ORDER) for node in tree.find_all(exp.AggFunc))
