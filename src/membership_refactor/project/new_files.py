"""Writes a plan into a project: its module, its revisions and its registration, all or nothing."""

from __future__ import annotations

import configparser
import importlib
import importlib.util
import keyword
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config

from membership_refactor.errors import RefactorError, WrongUse
from membership_refactor.planning import TableSplit
from membership_refactor.project.new_revisions import NewRevisions, new_revisions
from membership_refactor.project.plan_module import plan_module
from membership_refactor.project.registering import (
    registration_file,
    schemas_named,
    with_plan,
)
from membership_refactor.project.registration import (
    add_import_paths,
    imported,
    registered_plans,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFiles:
    """Everything that a new plan adds to a project. Nothing is written before ``write``."""

    config: Config
    plan: TableSplit
    schema: str
    module: str
    constant: str
    module_file: Path
    module_text: str
    registration: Path
    registration_text: str
    revisions: NewRevisions

    @property
    def target(self) -> str:
        """``MODULE:NAME``, as the plan is registered."""
        return f"{self.module}:{self.constant}"

    def write(self) -> list[Path]:
        """Write all files, and return them. Whatever stops it half-way, nothing of it is left."""
        before = self.registration.read_bytes()
        with _taken_back(self._folders(), self.module_file, self.module):
            try:
                _write_new(self.module_file, self.module_text)
                if imported(self.target, str(self.module_file)) != self.plan:
                    raise WrongUse(
                        f"Python imports another module as {self.module} than the new "
                        f"{self.module_file}. Nothing was written.",
                        hint="Choose another name: --plan-module NAME",
                    )
                written = self.revisions.write()
                # As bytes, so that the ends of its lines stay.
                self.registration.write_bytes(self.registration_text.encode())
                self._require_registered()
            except BaseException:
                self.registration.write_bytes(before)
                raise
        return [self.module_file, *written, self.registration]

    def _folders(self) -> tuple[Path, ...]:
        """Where revisions come to be. File names with folders make new folders in there."""
        locations = [Path(p) for p in self.revisions.script.version_locations]
        default = Path(self.revisions.script.dir) / "versions"
        return tuple(locations or [default])

    def _require_registered(self) -> None:
        config = Config(
            file_=self.config.config_file_name,
            toml_file=self.config.toml_file_name,
            ini_section=self.config.config_ini_section,
        )
        try:
            known = [(found.plan, found.schemas) for found in registered_plans(config)]
        except (configparser.Error, tomllib.TOMLDecodeError):
            known = []
        if (self.plan, schemas_named(self.schema)) not in known:
            raise RefactorError(
                f"{self.registration} would not register {self.target} for schema "
                f'"{self.schema}" after the change. Nothing was written.',
                hint="Correct its section [membership_refactor] by hand, then run this again.",
            )


def new_files(
    config: Config,
    plan: TableSplit,
    *,
    schema: str,
    remarks: Mapping[str, str],
    module: str = "",
    head: str = "",
) -> NewFiles:
    """Prepare the files of a plan. Nothing is written.

    Raises WrongUse where something is in the way: the module exists, a plan of that name is
    registered, the project has several heads, its template cannot be used.
    """
    registration = registration_file(config)
    known = registered_plans(config)
    if plan.name in [found.plan.name for found in known]:
        raise WrongUse(
            f'the project has a plan "{plan.name}" already.',
            hint="Give this one another name: --plan-name NAME",
        )
    module = module or f"refactoring_{plan.name}"
    constant = _constant(plan.name)
    file = _file_of(config, module)
    text = registration.read_bytes().decode()
    target = f"{module}:{constant}"
    return NewFiles(
        config=config,
        plan=plan,
        schema=schema,
        module=module,
        constant=constant,
        module_file=file,
        module_text=plan_module(plan, constant, remarks=remarks),
        registration=registration,
        registration_text=with_plan(
            text, target, plan.name, schema, toml=registration.suffix == ".toml"
        ),
        revisions=new_revisions(config, plan, module, constant, head=head),
    )


def _constant(name: str) -> str:
    made = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).upper().strip("_")
    return made if made and not made[0].isdigit() else f"PLAN_{made}"


def _file_of(config: Config, module: str) -> Path:
    """Where the module has to be, so that Alembic can import it. Raises WrongUse."""
    parts = module.split(".")
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
        raise WrongUse(
            f"--plan-module {module} cannot be the name of a Python module.",
            hint="Use letters, digits and _, and a dot behind a package: --plan-module app.plans",
        )
    add_import_paths(config)
    importlib.invalidate_caches()
    if len(parts) == 1:
        folders = [Path(p) for p in config.get_prepend_sys_paths_list() or []]
        if not folders:
            raise WrongUse(
                "the project has no prepend_sys_path, so revisions cannot import a new module.",
                hint="Add `prepend_sys_path = .` below [alembic], or name a module in a package "
                "that is installed: --plan-module PACKAGE.NAME",
            )
        folder = folders[0]
    else:
        folder = _package(".".join(parts[:-1]), module)
    file = folder / f"{parts[-1]}.py"
    if file.exists() or importlib.util.find_spec(module) is not None:
        raise WrongUse(
            f"module {module} exists already, and is left as it is.",
            hint="Name another: --plan-module NAME",
        )
    return file


def _package(name: str, module: str) -> Path:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise WrongUse(
            f"--plan-module {module}: there is no package {name} that Python can import here.",
            hint="Name a module in an existing package, or without a dot to put it beside "
            "alembic.ini.",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _write_new(file: Path, text: str) -> None:
    """Write a file that must not exist yet."""
    with file.open("x", encoding="utf-8") as stream:
        stream.write(text)


@contextmanager
def _taken_back(folders: tuple[Path, ...], module_file: Path, module: str) -> Iterator[None]:
    """Where the block fails, remove the module and every new file of ``folders``."""
    before = {path for folder in folders for path in folder.rglob("*")}
    had_module = module_file.exists()
    try:
        yield
    except BaseException:
        new = {path for folder in folders for path in folder.rglob("*")} - before
        # A folder comes before what is in it, so the last comes first.
        for path in sorted(new, reverse=True):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
        if not had_module:
            module_file.unlink(missing_ok=True)
            Path(importlib.util.cache_from_source(str(module_file))).unlink(missing_ok=True)
        sys.modules.pop(module, None)
        raise
