"""Renders one step into the project's own script.py.mako, and checks what came of it.

A template may put the message into a docstring, a comment or a string, call ``op`` by another name,
or leave out what is handed to it. Each way is tried before any file is written.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.util import format_as_comma
from mako.template import Template

from membership_refactor.errors import WrongUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What a revision file has to say."""

    step: str
    module: str
    """The module of the plan."""
    constant: str
    """The plan's name in that module."""
    title: str
    below: str
    """The paragraphs below the title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What the template is given."""

    message: str
    upgrades: str
    downgrades: str
    imports: str


def arguments(config: Config, template: Path, text: Text) -> Arguments:
    """The arguments with which the template makes a revision that runs the step.

    Raises WrongUse where no way does.
    """
    reason = ""
    for message, note in _messages(text):
        plain = Arguments(message=message, upgrades="pass", downgrades="pass", imports="")
        try:
            tree = ast.parse(_rendered(config, template, plain))
            alias = _alias_of_op(tree)
            imports = f"from {text.module} import {text.constant}"
            if alias is None:
                imports, alias = f"from alembic import op\n{imports}", "op"
            made = Arguments(
                message=message,
                upgrades=f"{note}{alias}.{text.step}({text.constant})",
                downgrades=f"{alias}.undo_{text.step}({text.constant})",
                imports=imports,
            )
            tree = ast.parse(_rendered(config, template, made))
        except SyntaxError as error:
            reason = f"the revision would be no Python: {error.msg}"
            continue
        # Whatever the template of somebody else raises while it is rendered.
        except Exception as error:
            reason = f"it cannot be rendered: {type(error).__name__}: {error}"
            continue
        reason = _missing(tree, text, alias)
        if not reason:
            return made
    raise WrongUse(
        f"{template}: {reason}. Nothing was written.",
        hint="Correct the template; `alembic init` writes one that works.",
    )


def _messages(text: Text) -> Iterator[tuple[str, str]]:
    """The message, and comments for upgrade() where the message is only the title."""
    yield f"{text.title}.\n\n{text.below}", ""
    yield f"{text.title}.", "".join(f"# {line}\n    " for line in text.below.splitlines())


def _rendered(config: Config, template: Path, given: Arguments) -> str:
    rendered: str = Template(filename=str(template)).render_unicode(
        up_revision="x",
        down_revision="y",
        branch_labels=None,
        depends_on=None,
        create_date="now",
        comma=format_as_comma,
        config=config,
        message=given.message,
        upgrades=given.upgrades,
        downgrades=given.downgrades,
        imports=given.imports,
    )
    return rendered


def _alias_of_op(tree: ast.Module) -> str | None:
    """What the file calls ``alembic.op``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "alembic":
            for name in node.names:
                if name.name == "op":
                    return name.asname or "op"
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name == "alembic.op":
                    return name.asname or "alembic.op"
    return None


def _missing(tree: ast.Module, text: Text, alias: str) -> str:
    """What the file leaves out; empty if it runs the step up and down."""
    for function, verb in (("upgrade", text.step), ("downgrade", f"undo_{text.step}")):
        wanted = ast.dump(ast.parse(f"{alias}.{verb}({text.constant})").body[0])
        body = next(
            (n.body for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function), []
        )
        if wanted not in map(ast.dump, body):
            return f"{function}() would not call {alias}.{verb}: the template leaves it out"
    imported = {
        name.asname or name.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    if text.constant not in imported:
        return f"{text.constant} would not be imported: the template leaves out ${{imports}}"
    return ""
