"""The plans that a project names in alembic.ini or in pyproject.toml.

In alembic.ini::

    [membership_refactor]
    plans =
        app.refactoring:ORDERS
        app.refactoring:CUSTOMERS

    # Optional, one section for each plan, by the plan's name:
    [membership_refactor:orders]
    schemas = public, archive
    models = app.models:Base
    models.link_children = app.models_between:Base

In pyproject.toml::

    [tool.membership_refactor]
    plans = ["app.refactoring:ORDERS", "app.refactoring:CUSTOMERS"]

    [tool.membership_refactor.orders]
    schemas = ["public", "archive"]
    models = "app.models:Base"

``plans`` are separated by commas or line ends; each is ``MODULE:NAME`` of a TableSplit. Modules are
found where Alembic finds them: ``prepend_sys_path`` counts. The options of a plan:

- ``schemas``: the schemas that have the plan's tables (default ``public``).
- ``models``: the declarative base, or the metadata, of the structure after the last step; several
  may be named. ``models.STEP`` are those that are right from that step on. In pyproject.toml:
  ``models = {link_children = "…", drop_deprecated_columns = "…"}``. Without them no check speaks
  of models.
- ``baseline``: a Chain of steps that come before those of the plan.
"""

from __future__ import annotations

import configparser
import importlib
import pkgutil
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from alembic.config import Config

from membership_refactor.errors import RefactorError, WrongUse
from membership_refactor.planning import TableSplit
from membership_refactor.steps.step_chain import Chain

SECTION = "membership_refactor"
"""The section of alembic.ini, and the table below ``tool`` of pyproject.toml."""
OPTIONS = ("schemas", "models", "baseline")
AGAIN = "Correct it there, then run the same command again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A plan of the project, with what the project says of it."""

    plan: TableSplit
    target: str = ""
    """``MODULE:NAME``, as it is registered; empty for a plan that only revisions name."""
    place: str = ""
    """Where it is registered, for messages: ``[membership_refactor] of alembic.ini``."""
    schemas: tuple[str, ...] = ()
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By step: the targets of the models that are right from that step on; the last structure's
    under the empty name."""
    baseline: Chain = field(default_factory=lambda: Chain(()))
    """The steps before those of the plan."""


def registered_plans(config: Config) -> tuple[Registered, ...]:
    """The plans that the project registers, in its order; none where it registers none.

    Their modules are imported. Raises WrongUse for a plan that cannot be imported, is no plan or
    is named twice, and for an option that cannot be.
    """
    add_import_paths(config)
    found: dict[str, Registered] = {}
    seen: dict[str, str] = {}
    for section in _sections(config):
        here: list[str] = []
        for target in section.plans:
            if target in seen:
                raise WrongUse(
                    f'plan "{target}" is named twice: {seen[target]} and {section.place}.',
                    hint="Take one of the two away, then run the same command again.",
                )
            seen[target] = section.place
            plan = _plan(target, section.place)
            if plan.name in found:
                raise WrongUse(
                    f'"{found[plan.name].target}" and "{target}", {section.place}, are both called '
                    f'"{plan.name}".',
                    hint="Give one of them another name=, or take it away there.",
                )
            here.append(plan.name)
            found[plan.name] = _with_options(plan, target, section)
        for name in section.options:
            if name not in here:
                close = get_close_matches(name, here, n=1)
                meant = f' Did you mean "{close[0]}"?' if close else ""
                known = ", ".join(here) or "none"
                raise WrongUse(
                    f'{section.place} has options for "{name}", which is not a plan there.{meant}',
                    hint=f"The plans there: {known}. {AGAIN}",
                )
    return tuple(found.values())


def add_import_paths(config: Config) -> None:
    """Let Python find the modules of the project where Alembic lets it find them."""
    paths = config.get_prepend_sys_paths_list() or []
    sys.path[:0] = [path for path in paths if path not in sys.path]


def imported(target: str, place: str) -> Any:
    """The object ``MODULE:NAME``. Raises WrongUse where it cannot be imported."""
    if not re.fullmatch(r"[^\s:]+:[^\s:]+", target):
        raise WrongUse(f'"{target}", {place}, is not written as MODULE:NAME.', hint=AGAIN)
    # A module that was written in this run is found too.
    importlib.invalidate_caches()
    try:
        return pkgutil.resolve_name(target)
    except RefactorError as error:
        raise WrongUse(f'"{target}", {place}, cannot be imported: {error.message}') from error
    # Whatever the module of somebody else raises while it is imported.
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise WrongUse(
            f'"{target}", {place}, cannot be imported: {said}.',
            hint="Correct the name there, or the module; its folder has to be in prepend_sys_path.",
        ) from error


def _plan(target: str, place: str) -> TableSplit:
    plan = imported(target, place)
    if not isinstance(plan, TableSplit):
        raise WrongUse(
            f'"{target}", {place}, is not a plan: its type is {type(plan).__name__}, '
            "and a plan is a TableSplit.",
            hint=AGAIN,
        )
    return plan


@dataclass(frozen=True, slots=True)
class _Section:
    """What one file says, as plain texts."""

    place: str
    plans: tuple[str, ...]
    options: Mapping[str, Mapping[str, tuple[str, ...]]]
    """By name of the plan: the texts of each option."""


def _with_options(plan: TableSplit, target: str, section: _Section) -> Registered:
    place, given = section.place, section.options.get(plan.name, {})
    models: dict[str, tuple[str, ...]] = {}
    baseline: Any = Chain(())
    for name, texts in given.items():
        option, _, step = name.partition(".")
        if option not in OPTIONS or (step and option != "models"):
            raise WrongUse(
                f'{place}: plan "{plan.name}" has the unknown option "{name}".',
                hint=f"Known: {', '.join(OPTIONS)}, models.STEP. {AGAIN}",
            )
        if option == "models":
            models[step] = texts
        elif option == "baseline":
            (named,) = texts or ("",)
            baseline = imported(named, place)
            if not isinstance(baseline, Chain):
                raise WrongUse(f'"{named}", {place}, is not a Chain of steps.', hint=AGAIN)
    return Registered(
        plan=plan,
        target=target,
        place=place,
        schemas=given.get("schemas", ()),
        models=models,
        baseline=baseline,
    )


def _sections(config: Config) -> Iterator[_Section]:
    if config.config_file_name is not None and config.file_config.has_section(SECTION):
        yield _from_ini(config.file_config, Path(config.config_file_name).name)
    if config.toml_file_name is not None and Path(config.toml_file_name).exists():
        text = Path(config.toml_file_name).read_text(encoding="utf-8")
        table = tomllib.loads(text).get("tool", {}).get(SECTION)
        if table is not None:
            yield _from_toml(table, Path(config.toml_file_name).name)


def _from_ini(file: configparser.ConfigParser, name: str) -> _Section:
    place, shared = f"[{SECTION}] of {name}", file.defaults().keys()
    options: dict[str, dict[str, tuple[str, ...]]] = {}
    for section in file.sections():
        known, colon, plan = section.partition(":")
        if known == SECTION and colon:
            given = {o: t for o, t in file.items(section) if o not in shared}
            options[plan] = {option: split_texts(text) for option, text in given.items()}
    for option in file.options(SECTION):
        if option != "plans" and option not in shared:
            raise WrongUse(f'{place} has the unknown option "{option}".', hint=_OF_PLANS)
    return _Section(place, split_texts(file.get(SECTION, "plans", fallback="")), options)


def _from_toml(table: Any, name: str) -> _Section:
    place = f"[tool.{SECTION}] of {name}"
    if not isinstance(table, dict):
        raise WrongUse(f"{place} is not a table.", hint=AGAIN)
    options: dict[str, dict[str, tuple[str, ...]]] = {}
    for plan, given in table.items():
        if plan == "plans":
            continue
        if not isinstance(given, dict):
            raise WrongUse(f'{place} has the unknown option "{plan}".', hint=_OF_PLANS)
        options[plan] = {}
        for option, value in given.items():
            if option == "models" and isinstance(value, dict):
                steps = {f"models.{step}": _texts(text, place) for step, text in value.items()}
                options[plan].update(steps)
            else:
                options[plan][option] = _texts(value, place)
    return _Section(place, _texts(table.get("plans", ()), place), options)


_OF_PLANS = f"It has plans only; the options of a plan stand in [{SECTION}:PLAN]."


def split_texts(text: str) -> tuple[str, ...]:
    """The texts of an option in alembic.ini."""
    return tuple(part for part in re.split(r"[,\s]+", text) if part)


def _texts(value: Any, place: str) -> tuple[str, ...]:
    """A text, or a list of texts, as they stand in TOML."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(text, str) for text in value):
        return tuple(value)
    raise WrongUse(f"{place}: {value!r} is neither a text nor a list of texts.", hint=AGAIN)
