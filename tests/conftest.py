"""Every test gets the fixtures of tests/fixtures, and a Ctrl-C that can be heard."""

import gc
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# The same commit passes or fails the same way twice; `--hypothesis-profile search` tries new data.
settings.register_profile("repeatable", derandomize=True, database=None)
settings.register_profile("search", print_blob=True)
settings.load_profile("repeatable")

# Fixtures import one another and the drivers; a failed assertion in any of them shows its values.
HERE = Path(__file__).parent
pytest.register_assert_rewrite(*(f"tests.{room.name}" for room in HERE.iterdir() if room.is_dir()))

pytest_plugins = [
    f"tests.fixtures.{module.stem}" for module in sorted((HERE / "fixtures").glob("[!_]*.py"))
]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts what runs in the background deaf to SIGINT, and processes
    # that tests start would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """The thousands of tests that were found stay to the end: nobody looks for garbage in them."""
    gc.collect()
    gc.freeze()
