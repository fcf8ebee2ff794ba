"""Puts the revisions into the wheel, as membership_refactor/_alembic.

An editable install reads them from the checkout instead, so that there is no second copy.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Revisions(BuildHookInterface):
    """Adds alembic/ and alembic.ini to a wheel that is not editable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            for name in ("alembic", "alembic.ini"):
                build_data["force_include"][name] = f"membership_refactor/_alembic/{name}"
