"""The revisions travel in the wheel, as membership_refactor/_alembic.

An editable install reads them where they are; a copy would only grow old.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Revisions(BuildHookInterface):
    """Adds the folder and its configuration to a wheel that will be installed for good."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            for name in ("alembic", "alembic.ini"):
                build_data["force_include"][name] = f"membership_refactor/_alembic/{name}"
