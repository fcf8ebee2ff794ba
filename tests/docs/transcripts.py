"""Pages that show what commands print: the commands are run, and the pages are compared.

A page has sessions. `<!-- session: NAME -->` begins one, in a fresh folder with a fresh, empty
database in DATABASE_URL. From there on each `sh` block is run, in one shell, and the `text` block
behind it is what it printed. `…` stands for anything. Before an `sh` block may stand:

    <!-- status: 1 -->      it ends with this status (0 where nothing is said)
    <!-- not run -->        it is left out

Commands that the reader does not see stand in `<!-- hidden: COMMANDS -->`. A session has words:

    at=0003     the chain stands there, with 400 generated rows
    embedded    no database is named, so that the embedded one is used

`python -m tests.docs.transcripts [PAGE…]` runs every session and writes the blocks again that show
something else.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from tests.docs.blocks import ROOT, document

_PART = re.compile(
    r"^<!-- (?P<word>session|status|hidden|not run|end of session)(?:: (?P<value>.*?))?\s*-->$"
    r"|^```(?P<kind>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_UNSTEADY = (
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d)?", "<moment>"),
    (r"(opened by hand by \w+, )\d{4}-\d\d-\d\d", r"\1<day>"),
    (r"postgresql(\+psycopg)?://\S*", "<url>"),
    (r"PostgreSQL \d+(\.\d+)*", "PostgreSQL <version>"),
    (r"\b\d[\d,.]* ?(ms|s|min|h|seconds|minutes|hours)\b", "<time>"),
    (r"\b\d[\d,.]* ?(bytes|kB|MB|GB)\b", "<size>"),
    (r"\b\d[\d,.]* rows/s", "<rate>"),
    (r"\bpid \d+", "pid <number>"),
    (r"\bline \d+ at\b", "line <number> at"),
    (r"\b\d+\.\d+ times\b", "<number> times"),
    (r"\b\d+ tries\b", "<number> tries"),
    (r"-{2,}", "--"),
    (r"[ \t]+", " "),
)
"""What differs from run to run, and widths that follow it."""


@dataclass(kw_only=True)
class Shown:
    """Commands of a page, and what the page says they print."""

    commands: str
    status: int = 0
    output: str | None = None
    """None where the page shows no output."""
    span: tuple[int, int] = (0, 0)
    """Where the output stands in the page."""


@dataclass(kw_only=True)
class Session:
    """The commands that one reader types, from a fresh folder to the end."""

    page: str
    name: str
    words: Mapping[str, str] = field(default_factory=dict)
    blocks: list[Shown] = field(default_factory=list)


def sessions(page: str) -> list[Session]:
    """The sessions of a page; AssertionError where a block could not be meant."""
    found: list[Session] = []
    session: Session | None = None
    status, skipped = 0, False
    for part in _PART.finditer(document(page)):
        match part["word"] or part["kind"]:
            case "session":
                name, *words = part["value"].split()
                given = {k: v for k, _, v in (word.partition("=") for word in words)}
                session = Session(page=page, name=name, words=given)
                found.append(session)
            case "end of session":
                session = None
            case "not run":
                skipped = True
            case "status":
                status = int(part["value"])
            case "hidden" if session:
                session.blocks.append(Shown(commands=part["value"]))
            case "sh" if skipped:
                skipped = False
            case "sh" if session:
                session.blocks.append(Shown(commands=part["text"], status=status))
                status = 0
            case "text" if session:
                assert session.blocks, f"{page}: output before the first command"
                before = session.blocks[-1]
                assert before.output is None, f"{page}: two outputs of {before.commands}"
                before.output, before.span = part["text"], part.span("text")
    return found


def steady(text: str) -> str:
    """The text with a word in place of whatever differs from run to run."""
    for pattern, word in _UNSTEADY:
        text = re.sub(pattern, word, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def agrees(shown: str, printed: str) -> bool:
    """Whether the page shows what was printed, but for times, sizes and what `…` leaves out."""
    wanted = ".*?".join(re.escape(part) for part in steady(shown).split("…"))
    return re.fullmatch(wanted, steady(printed), re.DOTALL) is not None


def renewed(shown: str, printed: str) -> str:
    """What was printed, without what the shown text left out: `…` goes on from one line that is
    still printed to the next. Lines that agree stay as they were shown. Where none agrees, as many
    lines stay before and after the `…` as there were."""
    old, new = shown.rstrip().splitlines(), printed.rstrip().splitlines()
    matching = SequenceMatcher(
        None, [steady(line) for line in old], [steady(line) for line in new], autojunk=False
    )
    if not matching.quick_ratio():
        return _renewed_by_count(shown, new)
    lines: list[str] = []
    before_old = before_new = 0
    for match in matching.get_matching_blocks():
        skipped = old[before_old : match.a]
        lines += ["…"] if "…" in skipped else new[before_new : match.b]
        lines += old[match.a : match.a + match.size]
        before_old, before_new = match.a + match.size, match.b + match.size
    return "\n".join(lines) + "\n"


def _renewed_by_count(shown: str, lines: list[str]) -> str:
    before, left_out, after = shown.partition("\n…\n")
    first, last = before.count("\n") + 1, len(after.rstrip().splitlines())
    if left_out and "…" not in after and first + last < len(lines):
        lines[first : len(lines) - last] = ["…"]
    return "\n".join(lines) + "\n"


def pages() -> Iterator[str]:
    """The committed pages that have sessions."""
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        if "<!-- session: " in file.read_text(encoding="utf-8"):
            yield str(file.relative_to(ROOT))


def write(chosen: Sequence[str]) -> None:
    """Run the sessions of these pages, and put what was printed into the blocks that differ."""
    from tests.docs.shell import Place

    with ExitStack() as stack:
        place = stack.enter_context(Place.on_own_server())
        for page in chosen:
            changes: list[tuple[tuple[int, int], str]] = []
            for session in sessions(page):
                for block, ended in place.run(session):
                    print(f"{page}: {block.commands.strip()}", file=sys.stderr)
                    if ended.status != block.status:
                        print(f"  STATUS {ended.status}\n{ended.output}", file=sys.stderr)
                    if block.output is not None and not agrees(block.output, ended.output):
                        changes.append((block.span, renewed(block.output, ended.output)))
            text = document(page)
            for (start, end), new in reversed(changes):
                text = text[:start] + new + text[end:]
            (ROOT / page).write_text(text, encoding="utf-8")
            print(f"{page}: {len(changes)} blocks written", file=sys.stderr)


if __name__ == "__main__":
    write([str(Path(name)) for name in sys.argv[1:]] or list(pages()))
