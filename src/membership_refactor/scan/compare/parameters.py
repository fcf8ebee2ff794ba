"""Choose types and values for the parameters of a statement."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from membership_refactor.scan.compare.generated_rows import Generator
from membership_refactor.scan.compare.needs import Needs
from membership_refactor.scan.compare.scratch_schemas import OLD, Scratch, StatementFailed
from membership_refactor.scan.compare.to_postgres import NotComparable, text_of
from membership_refactor.scan.compare.value_pools import fresh, kind_of, literal, meeting

Values = Mapping[str, str]
"""Parameter to a typed literal."""


class Refused(Exception):
    """Raised where PostgreSQL does not take the new form in one of the structures."""


def parameter_types(
    scratch: Scratch, old: Any, new: Any, forms: Sequence[str], names: Sequence[str]
) -> Mapping[str, str]:
    """Let PostgreSQL infer the types. Raises NotComparable or Refused where it refuses a form."""
    found: list[str] = []
    numbers = {name: f"${index + 1}" for index, name in enumerate(names)}
    for form, tree in ((OLD, old), *((form, new) for form in forms)):
        scratch.use(form)
        try:
            with scratch.undone():
                scratch.run(f"PREPARE mr_compare AS {text_of(tree, numbers)}")
                if form == OLD:
                    types = scratch.run(
                        "SELECT parameter_types::text[] FROM pg_catalog.pg_prepared_statements "
                        "WHERE name = 'mr_compare'"
                    )
                    found = list(types.scalar_one())
                # PREPARE is not undone with the savepoint.
                scratch.run("DEALLOCATE mr_compare")
        except StatementFailed as error:
            if form == OLD:
                raise NotComparable(f"PostgreSQL does not take the old text: {error}") from None
            raise Refused(f"the new form is refused at {form}: {error}") from None
    return dict(zip(names, found, strict=False))


def vectors(
    generator: Generator, needs: Needs, names: Sequence[str], types: Mapping[str, str]
) -> Iterator[Values]:
    """Yield values under which all conditions are true, then one changed at a time."""
    choices: dict[str, list[str]] = {}
    for name in names:
        group, type_ = needs.by_parameter.get(name), types.get(name, "text")
        values: list[Any]
        if name in needs.counts:
            values = [100, 1, 3]
        elif group is not None:
            own = generator.pool(min(group.cells), group.type)
            first = meeting(needs.compared.get(name, "="), own.good, group.type)
            values = list(dict.fromkeys([*first, *own.others[:3]]))
        else:
            values = fresh(kind_of(type_), 0, 1)
        if type_.endswith("[]"):
            values = [values[:1], values[:3], []]
        choices[name] = ["NULL" if v is None else literal(v, type_) for v in values]
    base = {name: values[0] for name, values in choices.items()}
    yield base
    for name, values in choices.items():
        for value in values[1:]:
            yield {**base, name: value}
    if len(choices) > 1:
        for pick in itertools.islice(itertools.product((0, 1), repeat=len(choices)), 1, 6):
            yield {
                name: values[min(at, len(values) - 1)]
                for at, (name, values) in zip(pick, choices.items(), strict=True)
            }
