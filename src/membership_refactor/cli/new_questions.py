"""The questions that ``new`` asks on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ParamSpec, TypeVar

from rich.console import Console
from rich.prompt import Confirm, IntPrompt, Prompt

from membership_refactor.errors import WrongUse
from membership_refactor.planning import TableSplit
from membership_refactor.project.new_files import NewFiles
from membership_refactor.propose.candidates import Candidate
from membership_refactor.propose.draft import Wishes

_CONSOLE = Console(stderr=True, highlight=False, markup=False)


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _answered(ask: Callable[_P, _R]) -> Callable[_P, _R]:
    """The question, with one line for an input that ends before the answer."""

    def asked(*given: _P.args, **named: _P.kwargs) -> _R:
        try:
            return ask(*given, **named)
        except EOFError:
            raise WrongUse(
                "the input ended before the answer. Nothing was written.",
                hint="Answer, or take the proposal unasked: --yes",
            ) from None

    return asked


@_answered
def choose_candidate(candidates: Sequence[Candidate]) -> Candidate:
    """Ask which of the keys, by its number."""
    numbers = [str(n) for n in range(1, len(candidates) + 1)]
    chosen = IntPrompt.ask("Which key?", console=_CONSOLE, choices=numbers, default=1)
    return candidates[chosen - 1]


@_answered
def ask_names(plan: TableSplit, wishes: Wishes) -> Wishes:
    """Ask for the names of the tables that were not given."""
    if not wishes.parent:
        asked = Prompt.ask("Name of the parent's table", console=_CONSOLE, default=plan.parent)
        wishes = replace(wishes, parent=asked.strip())
    if plan.copy is not None and not wishes.child:
        asked = Prompt.ask("Name of the child's table", console=_CONSOLE, default=plan.copy)
        wishes = replace(wishes, child=asked.strip())
    return wishes


@_answered
def ask_to_write(files: NewFiles) -> bool:
    """Ask whether to write."""
    count = len(files.revisions.ids)
    return Confirm.ask(
        f"Write {files.module_file.name} and {count} revisions, and register the plan in "
        f"{files.registration.name}?",
        console=_CONSOLE,
        default=False,
    )
