"""What an Alembic project says of its plans: which there are, their steps, and their revisions."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData

from membership_refactor.errors import WrongUse
from membership_refactor.planning import Revisions, Stage, TableSplit
from membership_refactor.project.registration import (
    AGAIN,
    Registered,
    imported,
    registered_plans,
)
from membership_refactor.project.step_revisions import ProjectHistory
from membership_refactor.steps import SPLIT_STEPS, steps_of
from membership_refactor.steps.step import Step
from membership_refactor.steps.step_chain import Chain

USUAL_SCHEMA = "public"


class AlembicProject:
    """A project, read once. Its modules are imported, and no revision is run."""

    def __init__(self, config: Config | None, script: ScriptDirectory | None = None) -> None:
        self.config, self._script = config, script
        self._noted: dict[tuple[str, str], dict[str, str]] = {}

    def note(self, plan: TableSplit, schema: str, step: str, revision: str) -> None:
        """Note that this revision runs the step, which may not be readable from its text."""
        self._noted.setdefault((plan.name, schema), {})[step] = revision

    @property
    def script(self) -> ScriptDirectory | None:
        """The revisions; None where there is no project."""
        if self._script is None and self.config is not None:
            self._script = ScriptDirectory.from_config(self.config)
        return self._script

    @cached_property
    def registered(self) -> tuple[Registered, ...]:
        """The plans that the configuration names; where it names none, those that the alembic.ini
        beside the folder of the revisions names. Raises WrongUse for what cannot be."""
        if self.config is None or self.script is None:
            return ()
        beside = Path(self.script.dir).absolute().parent / "alembic.ini"
        found = registered_plans(self.config)
        return found or (registered_plans(Config(beside)) if beside.exists() else ())

    @cached_property
    def history(self) -> ProjectHistory | None:
        """The steps that the revisions run."""
        steps = {step.name for known in self.registered for step in known.baseline}
        steps |= {step.name for step in SPLIT_STEPS}
        return ProjectHistory.read(self.script, steps) if self.script is not None else None

    @cached_property
    def plans(self) -> tuple[Registered, ...]:
        """The registered plans; where there are none, those that revisions name."""
        if self.registered or self.history is None:
            return self.registered
        return tuple(Registered(plan=plan) for plan in self.history.plans().values())

    def chosen(self, name: str | None) -> Registered:
        """The plan of that name, or the only one. Raises WrongUse where it is not clear."""
        known = {registered.plan.name: registered for registered in self.plans}
        listed = ", ".join(known)
        if name is not None and name not in known:
            raise WrongUse(
                f'the project has no plan "{name}".',
                hint=f"Its plans: {listed}." if known else HOW_TO_REGISTER,
            )
        if name is None and not known:
            raise WrongUse(
                "the project names no plan, and no revision runs a step of one.",
                hint=HOW_TO_REGISTER,
            )
        if name is None and len(known) > 1:
            raise WrongUse(
                f"the project has {len(known)} plans: {listed}.", hint="Choose one: --plan NAME"
            )
        return known[name] if name is not None else self.plans[0]

    def of(self, plan: TableSplit) -> Registered:
        """What the project says of that plan."""
        known = (found for found in self.registered if found.plan.name == plan.name)
        return next(known, Registered(plan=plan))

    def schemas(self, plan: TableSplit) -> tuple[str, ...]:
        """The schemas that have the plan's tables."""
        named = self.history.schemas(plan.name) if self.history is not None else ()
        return self.of(plan).schemas or named or (USUAL_SCHEMA,)

    def schema(self, plan: TableSplit, asked: str | None) -> str:
        """The schema that a command means. Raises WrongUse where the plan is in several."""
        if asked is not None:
            return asked
        known = self.schemas(plan)
        if len(known) > 1:
            raise WrongUse(
                f'plan "{plan.name}" is in {len(known)} schemas: {", ".join(known)}.',
                hint="Choose one, before the verb: -x schema=NAME",
            )
        return known[0]

    def chain(
        self, plan: TableSplit, schema: str, recorded: Mapping[str, str] | None = None
    ) -> Chain:
        """The steps of the plan in that schema, with the revisions that run them. ``recorded`` are
        those that the ledger says have run them, by step.

        Raises WrongUse where the revisions are in an order that cannot be.
        """
        chain = self.steps(plan)
        if self.history is None:
            return chain
        names = [step.name for step in chain]
        noted = {**(recorded or {}), **self._noted.get((plan.name, schema), {})}
        revisions = self.history.revisions(plan.name, schema, names, noted)
        hints = self.hints(plan, schema)
        named = replace(revisions, named=hints.named, schema=hints.schema)
        return replace(chain, revisions=named)

    def hints(self, plan: TableSplit, schema: str) -> Revisions:
        """What names the plan and its schema in hints, without any revision."""
        known = self.schemas(plan)
        option = f"-x schema={shlex.quote(schema)} "
        return Revisions(
            named=(
                "" if known == (schema,) else option,
                f" --plan {shlex.quote(plan.name)}" if len(self.plans) > 1 else "",
            ),
            # The revisions of a plan run in each schema that the project names for it. Only an
            # env.py with our lines can run them in another.
            schema="" if schema in known else option,
        )

    def verbs(self, name: str, schema: str) -> str:
        """The command lines of a verb for each plan in that schema, as words of a sentence."""
        here = [known.plan for known in self.plans if schema in self.schemas(known.plan)]
        named = [self.hints(plan, schema).verb(name) for plan in here]
        return " or ".join(named or [Revisions().verb(name)])

    def steps(self, plan: TableSplit) -> Chain:
        """The steps of the plan, without their revisions."""
        baseline = self.of(plan).baseline
        return Chain((*baseline, *steps_of(plan)), groups=baseline.groups)

    def applied(self, heads: Iterable[str]) -> set[str]:
        """Every revision that has run where the version is ``heads``; unknown ones are left out."""
        return self.history.applied(heads) if self.history is not None else set(heads)

    def models(self, plan: TableSplit) -> Models:
        """The function that gives the models that are right at a step of the plan."""
        registered, chain = self.of(plan), self.steps(plan)
        return lambda step: metadata_at(registered, chain, step)


Models = Callable[[Step], tuple[MetaData, ...]]
"""The metadata of the models that are right when a step has run; none where none are named."""

HOW_TO_REGISTER = (
    "Add to alembic.ini: [membership_refactor] plans = MODULE:NAME, or let "
    "membership-refactor new TABLE write a plan."
)


def metadata_at(registered: Registered, chain: Chain, step: Step) -> tuple[MetaData, ...]:
    """The metadata that the project names for the structure after ``step``.

    None while table and copy exist side by side, because no models describe that stage.
    """
    if step.stage is Stage.COPY:
        return ()
    named = registered.models.get("", ()) if step.stage is Stage.CURRENT else ()
    for other in (*chain.below(step.name), step):
        if other.stage is step.stage:
            named = registered.models.get(other.name, named)
    return tuple(_metadata(target, registered.place) for target in named)


def _metadata(target: str, place: str) -> MetaData:
    found: Any = imported(target, place)
    metadata = getattr(found, "metadata", found)
    if not isinstance(metadata, MetaData):
        raise WrongUse(
            f'"{target}", {place}, is neither a MetaData nor a declarative base.', hint=AGAIN
        )
    return metadata
