"""Projects into which ``new`` writes, and the command line run in them in this process."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from membership_refactor.cli.command_line import run
from tests.cli.processes import Ended
from tests.guest.projects import Project


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in that folder; what is imported from it is forgotten afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", list(sys.path))
        before = set(sys.modules)
        try:
            yield
        finally:
            for name in set(sys.modules) - before:
                file = getattr(sys.modules[name], "__file__", None)
                if file is not None and Path(file).resolve().is_relative_to(folder.resolve()):
                    del sys.modules[name]
            importlib.invalidate_caches()


def new(project: Project, *arguments: str) -> Ended:
    """Run ``membership-refactor new`` in the project's folder."""
    return verb(project, "new", *arguments)


def verb(project: Project, *arguments: str) -> Ended:
    """Run ``membership-refactor`` in the project's folder."""
    out, err = io.StringIO(), io.StringIO()
    with (
        inside(project.folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = run([*arguments])
    return Ended(status, out.getvalue(), err.getvalue())


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of the project but Python's caches."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
