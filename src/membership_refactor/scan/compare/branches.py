"""Find out whether some row takes each branch of a statement's CASE expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.scratch_schemas import Scratch
from membership_refactor.sql.quoting import ident

MARK = "mr_branch_taken"
"""The function that raises an error with its own name when it is called."""


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A branch, and the statement that ends with the mark as soon as a row takes it."""

    text: str
    tree: Any


def create_mark(scratch: Scratch) -> None:
    """Create the function where every form finds it."""
    for others in ("others", "others_reversed"):
        scratch.run(
            f"CREATE FUNCTION {ident(scratch.schema(others))}.{MARK}() RETURNS boolean "
            f"LANGUAGE plpgsql VOLATILE AS $$ BEGIN RAISE EXCEPTION '{MARK}'; END $$"
        )


def branches_of(tree: Any) -> Iterator[Branch]:
    """Yield each THEN and ELSE. Equal expressions are one, as GROUP BY needs them to be."""
    seen: set[str] = set()
    for case in tree.find_all(exp.Case, exp.If):
        if isinstance(case, exp.If) and isinstance(case.parent, exp.Case):
            continue
        text = case.sql(dialect="postgres")
        if text in seen:
            continue
        seen.add(text)
        same = [node for node in tree.find_all(type(case)) if node == case]
        for number, result in enumerate(_results(case)):
            for node in same:
                _results(node)[number].meta["branch"] = True
            made = tree.transform(lambda n: _marked(n) if n.meta.pop("branch", False) else n)
            for node in same:
                _results(node)[number].meta.pop("branch", None)
            yield Branch(f"{result.sql(dialect='postgres')} of {text}", made)


def _results(case: Any) -> list[Any]:
    if isinstance(case, exp.If):
        found = [case.args["true"], case.args.get("false")]
    else:
        found = [*(branch.args["true"] for branch in case.args["ifs"]), case.args.get("default")]
    return [node for node in found if node is not None]


def _marked(result: Any) -> Any:
    """A CASE of the same type, so that a NULL or a literal keeps the type that it would have."""
    call = exp.Anonymous(this=MARK, expressions=[])
    condition = exp.If(this=call, true=result.copy())
    return exp.Case(ifs=[condition], default=result.copy())
