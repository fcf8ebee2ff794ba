"""membership-refactor: Alembic's command line with the verbs of this package added."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status.

    The imports take a while, so they are inside the block that answers Ctrl-C.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        status = _run(arguments)
    except KeyboardInterrupt:
        print("FAILED: interrupted.", file=sys.stderr)
        status = 255
    raise SystemExit(status)


def _run(arguments: list[str]) -> int:
    if arguments in (["-h"], ["--help"]):
        # Without Alembic, whose import alone takes longer than the page.
        from membership_refactor.cli.help_page import page

        try:
            print(page(), end="", flush=True)
            return 0
        except OSError:
            # The command line says it as it says it for every output.
            pass
    _import_less()
    from membership_refactor.cli.command_line import run

    return run(arguments)


def _import_less() -> None:
    """Save processor time of a short command, most of which is spent on imports."""
    # Hardly anything that an import makes is garbage. Python looks for some each 700 objects.
    gc.set_threshold(10_000)
    # Alembic imports Mako, and Mako imports the lexers of Pygments, to colour tracebacks in HTML.
    # With None here that import fails, and Mako goes on without them. Rich has its own.
    sys.modules.setdefault("mako.ext.pygmentplugin", None)  # type: ignore[arg-type]
