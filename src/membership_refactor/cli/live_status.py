"""The loop of ``status --watch``: draws, waits for a key, and changes the control row."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from membership_refactor.errors import RefactorError
from membership_refactor.execution.control import Change, change
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect.live import Moment, lines, read_moment, shown

KEYS = {"p": Change.PAUSE, "r": Change.RESUME, "s": Change.SLOWER, "f": Change.FASTER}
QUIT = "q"
LEGEND = ", ".join(f"{key} {wanted}" for key, wanted in KEYS.items()) + f", {QUIT} quit"


def watch(runner: Runner, *, seconds: float) -> Moment:
    """Show the step until somebody quits, and return the last moment that was read.

    On a terminal it draws, and keys change the control row. Elsewhere it prints what has changed,
    as plain lines. Ctrl-C ends it too; the step that it shows goes on.
    """
    console = Console()
    live = console.is_terminal and sys.stdin.isatty()
    moment = read_moment(runner)
    try:
        if live:
            return _draw(runner, console, moment, seconds)
        return _print(runner, moment, seconds)
    except KeyboardInterrupt:
        return moment


def _print(runner: Runner, moment: Moment, seconds: float) -> Moment:
    before: list[str] = []
    while True:
        text = list(lines(moment))
        if text != before:
            print(f"{moment.at:%H:%M:%S} " + "\n".join(text), flush=True)
        before = text
        time.sleep(seconds)
        moment = read_moment(runner)


def _draw(runner: Runner, console: Console, moment: Moment, seconds: float) -> Moment:
    said = ""
    with _keys(), Live(console=console, auto_refresh=False) as screen:
        while True:
            screen.update(shown(moment, keys=LEGEND, said=said), refresh=True)
            pressed = _pressed(seconds)
            if pressed == QUIT:
                return moment
            if wanted := KEYS.get(pressed):
                try:
                    said = f"{wanted}: {change(runner, wanted)}"
                except RefactorError as error:
                    said = str(error)
            moment = read_moment(runner)


@contextmanager
def _keys() -> Iterator[None]:
    """Give single keys to the program, without echo; Ctrl-C still interrupts."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _pressed(seconds: float) -> str:
    """The key that was pressed within that time; empty for none, and quit where the input ends."""
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    if not ready:
        return ""
    # Not through sys.stdin, whose buffer would hide a second key from select.
    pressed = os.read(sys.stdin.fileno(), 1)
    return pressed.decode(errors="replace").lower() if pressed else QUIT
