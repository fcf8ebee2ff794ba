"""Adds a plan to the registration in alembic.ini or pyproject.toml, as text: comments stay."""

from __future__ import annotations

import json
import re
from pathlib import Path

from alembic.config import Config

from membership_refactor.errors import WrongUse
from membership_refactor.project.registration import SECTION, split_texts
from membership_refactor.project.toml_list import with_item


def registration_file(config: Config) -> Path:
    """The file to register plans in: the one that registers some, else that which says where the
    revisions are.

    Raises WrongUse where there is neither.
    """
    # Without a file the configuration still has the name of one.
    ini = Path(config.config_file_name) if config.config_file_name else None
    toml = Path(config.toml_file_name) if config.toml_file_name else None
    if ini is not None and ini.is_file():
        registers = config.file_config.has_section(SECTION)
        if registers or not config.toml_alembic_config:
            return ini
    if toml is not None and toml.is_file() and config.toml_alembic_config:
        return toml
    raise WrongUse(
        "there is no alembic.ini, and no pyproject.toml with [tool.alembic], in this folder.",
        hint="Go to the folder of your Alembic project, or make one: alembic init alembic",
    )


def with_plan(text: str, target: str, name: str, schema: str, *, toml: bool) -> str:
    """The file's text with the plan added. ``schema`` is written unless it is public.

    Raises WrongUse for a schema that alembic.ini cannot name.
    """
    schemas = schemas_named(schema)
    if not toml and not all(split_texts(named) == (named,) for named in schemas):
        raise WrongUse(
            f'schema "{schema}" cannot be named in alembic.ini, where blanks and commas separate '
            "names. Nothing was written.",
            hint="Move Alembic's configuration to pyproject.toml: [tool.alembic].",
        )
    newline = "\r\n" if "\r\n" in text else "\n"
    return (_in_toml if toml else _in_ini)(text, target, name, schemas, newline)


def schemas_named(schema: str) -> tuple[str, ...]:
    """What is registered for a plan whose tables are in that schema."""
    return (schema,) if schema != "public" else ()


def _in_ini(text: str, target: str, name: str, schemas: tuple[str, ...], newline: str) -> str:
    lines = text.removesuffix(newline).split(newline)
    head = f"[{SECTION}]"
    if head in [line.strip() for line in lines]:
        at = next(n for n, line in enumerate(lines) if line.strip() == head)
        plans = next(
            (n for n in range(at + 1, _end(lines, at)) if re.match(r"plans\s*[=:]", lines[n])), None
        )
        if plans is None:
            lines[at + 1 : at + 1] = [f"plans = {target}"]
        else:
            # The value goes on in the indented lines below, and may be empty.
            end = plans + 1
            while end < len(lines) and lines[end][:1] in (" ", "\t") and lines[end].strip():
                end += 1
            lines[end:end] = [f"    {target}"]
    else:
        lines += ["", "# Plans of membership_refactor: MODULE:NAME, one a line.", head, "plans ="]
        lines += [f"    {target}"]
    if schemas:
        lines += ["", f"[{SECTION}:{name}]", f"schemas = {', '.join(schemas).replace('%', '%%')}"]
    return newline.join((*lines, ""))


def _end(lines: list[str], at: int) -> int:
    """The line of the next section's head."""
    following = (n for n in range(at + 1, len(lines)) if lines[n].startswith("["))
    return next(following, len(lines))


def _in_toml(text: str, target: str, name: str, schemas: tuple[str, ...], newline: str) -> str:
    text = text if text.endswith("\n") else f"{text}{newline}"
    found = re.search(rf"^[ \t]*\[tool\.{SECTION}\][^\n]*\n", text, re.MULTILINE)
    new = newline.join(("plans = [", f"    {json.dumps(target)},", "]", ""))
    if found is None:
        text = f"{text.rstrip()}{newline * 2}[tool.{SECTION}]{newline}{new}"
    else:
        plans = re.compile(r"^[ \t]*plans[ \t]*=[ \t]*", re.MULTILINE).search(
            text, found.end(), _end_of_table(text, found.end())
        )
        if plans is None:
            text = text[: found.end()] + new + text[found.end() :]
        else:
            text = with_item(text, plans.end(), target, newline)
    if schemas:
        listed = ", ".join(json.dumps(s) for s in schemas)
        table = f"[tool.{SECTION}.{json.dumps(name)}]"
        text = newline.join((text.rstrip(), "", table, f"schemas = [{listed}]", ""))
    return text


def _end_of_table(text: str, begin: int) -> int:
    """Where the next table's head stands."""
    following = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, begin)
    return len(text) if following is None else following.start()
