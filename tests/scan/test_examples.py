"""The pre-commit hook and the workflow that ship name options that exist."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from membership_refactor.cli import scan as verb

EXAMPLES = Path(__file__).parents[2] / "examples" / "scan"


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_its_command_is_understood(path: Path) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    verb.configure(parser)
    parser.add_argument("--format", choices=verb.FORMATS)
    commands = re.findall(r"membership-refactor scan ([^>\n]*)", path.read_text())
    commands = [command for command in commands if "--" in command]
    assert commands
    for command in commands:
        options = parser.parse_args(command.split())
        assert options.consumers == "consumers.toml"
