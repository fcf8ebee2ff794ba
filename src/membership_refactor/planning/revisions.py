"""Revisions: what a project calls the Alembic revisions that run the steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from membership_refactor.errors import RefactorError

OF_A_PLAN = (
    *("abandon", "checks", "plan", "rehearse", "repair", "report", "scan", "status", "usage"),
    *("verify", "watch", "work"),
)
"""The verbs of the command line that take ``--plan``."""
OF_A_TABLE = ("duplicates", "merge-duplicates")
"""Those that take ``-x schema`` alone."""
_VERB = re.compile(
    rf"membership-refactor ({'|'.join((*OF_A_PLAN, *OF_A_TABLE))})(?![\w-])(?! --plan)"
)
_ALEMBIC = re.compile(r"(?<![\w-])alembic (?=(?:-x|upgrade|downgrade|stamp)\b)(?!-x schema=)")
BASE = "base"
"""What Alembic calls the place before the first revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedStep:
    """A step and what the project calls the revision that runs it."""

    revision: str
    """The step's name where no revision runs it."""
    name: str

    @property
    def label(self) -> str:
        """``0004 dual_write``, or the step's name."""
        return self.name if self.revision == self.name else f"{self.revision} {self.name}"


@dataclass(frozen=True, slots=True)
class Revisions:
    """Ids for messages. Nothing depends on them. A step without an id is called by its name."""

    ids: Mapping[str, str] = field(default_factory=dict)
    """By step: the id of the revision that runs it."""
    before: Mapping[str, str] = field(default_factory=dict)
    """By step: the id of the revision before that one, or ``base``."""

    named: tuple[str, str] = ("", "")
    """What stands before and after a verb of the command line so that it means this plan:
    ``-x schema=archive `` and `` --plan orders``; empty where there is no other."""
    schema: str = ""
    """What stands behind ``alembic`` so that it means this schema: ``-x schema=north ``; empty
    where the revisions themselves know their schemas."""

    others: Mapping[str, str | None] = field(default_factory=dict)
    """By revision that runs steps of other plans only: the newest below it that does not; None
    where there is none."""

    def place(self, version: str) -> str | None:
        """What of Alembic's version concerns this plan; None before anything does."""
        return self.others.get(version, version)

    def verb(self, name: str) -> str:
        """The command line of a verb: ``membership-refactor abandon --plan orders``."""
        before, after = self.named
        return f"membership-refactor {before}{name}{after if name in OF_A_PLAN else ''}"

    def naming(self, text: str | None) -> str | None:
        """The text, with each command line in it meaning this plan. One that names a plan or a
        schema is left as it is."""
        text = text and _ALEMBIC.sub(f"alembic {self.schema}", text)
        return text and _VERB.sub(lambda found: self.verb(found[1]), text)

    @contextmanager
    def meant(self) -> Iterator[None]:
        """Let the errors of the block name the verbs of this plan."""
        try:
            yield
        except RefactorError as error:
            if hint := self.naming(error.hint):
                error.advise(hint)
            raise

    def of(self, step: str) -> str:
        """``0004``, or the step's name."""
        return self.ids.get(step, step)

    def label(self, step: str) -> str:
        """``0004 dual_write``, or the step's name."""
        return NamedStep(revision=self.of(step), name=step).label

    def mention(self, step: str) -> str:
        """``revision 0004``, or ``step dual_write``."""
        return f"revision {self.ids[step]}" if step in self.ids else f"step {step}"

    def accepting(self, option: str, step: str) -> str:
        """The Alembic command that takes the step up with a reason for what ``option`` accepts."""
        return f'alembic {self.schema}-x {option}="REASON" upgrade {self.of(step)}'

    def command(self, step: str, direction: str) -> str:
        """The Alembic command that takes the step ``up`` or ``down``."""
        if direction == "up":
            return f"alembic {self.schema}upgrade {self.of(step)}"
        return f"alembic {self.schema}downgrade {self.before.get(step) or f'{self.of(step)}-1'}"
