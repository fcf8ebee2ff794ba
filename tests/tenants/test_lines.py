"""Lines about a tenant: what is found, and the command for it alone."""

from __future__ import annotations

from typing import Any

import pytest

from membership_refactor.cli import usage
from membership_refactor.cli.all_schemas import _again


@pytest.mark.parametrize(
    "given",
    [
        ("--standby", "postgresql://u:hidden@replica/d"),
        ("--standby=postgresql+psycopg://u:hidden@replica/d",),
        ("--standby", "host=replica user=u password=hidden"),
    ],
)
def test_the_command_for_one_tenant_shows_no_password(given: tuple[str, ...]) -> None:
    said = _again(["-x", "url=postgresql://u:hidden@h/d", "watch", *given], "watch")
    assert said.startswith("membership-refactor -x schema={} watch --standby")
    assert "hidden" not in said and "URL" in said


def gate(step: str, *reasons: str, asked: bool = True) -> dict[str, Any]:
    return {"step": step, "asked": asked, "open": not reasons, "reasons": list(reasons)}


@pytest.mark.parametrize(
    ("gates", "in_use", "expected"),
    [
        ([gate("0011"), gate("0011", "no watch")], False, "no watch"),
        ([gate("0011"), gate("0011")], False, "the gate of 0011 is open"),
        ([gate("0005", "a", "b"), gate("0006", "c")], True, "the old structure is in use; a; b"),
        ([gate("0005", asked=False)], False, "no gate asks for evidence now"),
    ],
)
def test_a_step_of_two_gates_is_open_only_where_both_are(
    gates: list[dict[str, Any]], in_use: bool, expected: str
) -> None:
    assert usage.one_line({"in_use": in_use, "users": [], "gates": gates}) == expected
