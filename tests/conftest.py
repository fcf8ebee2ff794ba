"""Every test gets the fixtures of tests/fixtures, and a Ctrl-C that can be heard."""

import signal
from pathlib import Path

pytest_plugins = [
    f"tests.fixtures.{module.stem}"
    for module in sorted((Path(__file__).parent / "fixtures").glob("[!_]*.py"))
]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts what runs in the background deaf to SIGINT, and processes
    # that tests start would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
