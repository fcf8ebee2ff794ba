"""membership-refactor: Alembic's command line with the verbs of this package added."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status.

    The imports take most of a second, so they are inside the block that answers Ctrl-C.
    """
    try:
        from membership_refactor.cli.command_line import run

        status = run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        print("FAILED: interrupted.", file=sys.stderr)
        status = 255
    raise SystemExit(status)
