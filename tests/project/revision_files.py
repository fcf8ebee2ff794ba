"""Alembic projects in a folder: revision files, and modules of plans that they import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from membership_refactor import op
from membership_refactor.steps import SPLIT_STEPS

STEPS = [step.name for step in SPLIT_STEPS if hasattr(op, step.name)]
"""Every step of a split; its verb is registered with Alembic."""

PLANS = '''"""Plans of a shop."""

from membership_refactor import TableSplit


def plan(name, **more):
    return TableSplit(
        **{
            "name": name,
            "source": name,
            "copy": name + "_item",
            "parent": name + "_parent",
            "link": "parent_uuid",
            "key": ("customer_id",),
            "parent_columns": (),
            "child_columns": ("sku",),
            **more,
        }
    )


ORDERS, CUSTOMERS = plan("orders"), plan("customers")
BOTH = [ORDERS, CUSTOMERS]
'''


def revision(
    name: str,
    below: str | tuple[str, ...] | None,
    body: str = "pass",
    *,
    above: str = "",
    depends_on: str | None = None,
    labels: str | None = None,
) -> str:
    """The text of a revision file: its upgrade() has that body, and ``above`` stands before it."""
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    return (
        f"revision = {name!r}\ndown_revision = {below!r}\ndepends_on = {depends_on!r}\n"
        f"branch_labels = {labels!r}\n{above}\n\n"
        f"def upgrade():\n{indented}\n\n\ndef downgrade():\n    pass\n"
    )


def write_revisions(folder: Path, files: Mapping[str, str]) -> ScriptDirectory:
    """Write the files of revisions into ``folder``/alembic/versions, and read them."""
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (versions / f"{name}.py").write_text(text)
    config = Config()
    config.set_main_option("script_location", str(folder / "alembic"))
    return ScriptDirectory.from_config(config)
