"""Every test gets the fixtures of tests/fixtures."""

from pathlib import Path

pytest_plugins = [
    f"tests.fixtures.{module.stem}"
    for module in sorted((Path(__file__).parent / "fixtures").glob("[!_]*.py"))
]
