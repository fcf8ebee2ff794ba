"""What pages show is what a reader gets who types their commands in a fresh folder."""

from __future__ import annotations

import re

import pytest

from tests.docs.blocks import document
from tests.docs.shell import Place
from tests.docs.test_documents import DOCUMENTS
from tests.docs.transcripts import Session, Shown, agrees, pages, renewed, sessions

SESSIONS = [session for page in pages() for session in sessions(page)]
RUN_ELSEWHERE = {"docs/guides/your-own-plan.md"}


@pytest.mark.parametrize("session", SESSIONS, ids=lambda s: f"{s.page}: {s.name}")
def test_a_page_shows_what_its_commands_print(session: Session, place: Place) -> None:
    for block, ended in place.run(session):
        again = f"python -m tests.docs.transcripts {session.page}"
        assert ended.status == block.status, f"{block.commands}\n{ended.output}"
        if block.output is not None and not agrees(block.output, ended.output):
            assert block.output == ended.output, again


@pytest.mark.parametrize("page", DOCUMENTS)
def test_commands_are_run_or_marked_as_not_run(page: str) -> None:
    """A fenced `sh` block cannot escape the test by standing in front of the first session."""
    marked = document(page).count("<!-- not run -->\n```sh\n")
    fenced = len(re.findall(r"^```sh$", document(page), re.MULTILINE))
    hidden = document(page).count("<!-- hidden: ")
    run = sum(len(session.blocks) for session in SESSIONS if session.page == page) - hidden
    assert page in RUN_ELSEWHERE or fenced == marked + run


def test_a_session_goes_on_in_one_shell(place: Place) -> None:
    blocks = [
        Shown(commands="word=kept; echo data > file"),
        Shown(commands="cat file; echo $word; pwd"),
        Shown(commands="false; echo after"),
        Shown(commands='psql -AtX "$DATABASE_URL" -c "SELECT 1 + 1"'),
        Shown(commands="membership-refactor --version; python -c 'import membership_refactor'"),
    ]
    session = Session(page="", name="", blocks=blocks)
    ended = [e for _, e in place.run(session)]
    assert [e.status for e in ended] == [0, 0, 1, 0, 0]
    assert ended[1].output == "data\nkept\n/home/you"
    assert ended[3].output == "2"


def test_the_package_is_the_installed_one(place: Place) -> None:
    where = Shown(commands="python -c 'import membership_refactor as m; print(m.__file__)'")
    ((_, ended),) = place.run(Session(page="", name="", blocks=[where]))
    assert ended.output.startswith(str(place.programs.parent))


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("took 0.2 s", "took 11.5 s", True),
        ("took 0.2 s", "took 11.5", False),
        ("at 2026-05-03 09:12:44 UTC", "at 2027-01-01 00:00:00 UTC", True),
        ("12 rows", "13 rows", False),
        ("first\n…\nlast", "first\na\nb\nlast", True),
        ("first\n…\nlast", "first\na\nb", False),
        ("a   b  ", "a b", True),
        ("a", "a\nb", False),
    ],
)
def test_only_what_is_unsteady_may_differ(shown: str, printed: str, expected: bool) -> None:
    assert agrees(shown, printed) is expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [("a\nb\n…\nz\n", "1\n2\n…\n5\n"), ("a\n", "1\n2\n3\n4\n5\n"), ("…\n", "1\n2\n3\n4\n5\n")],
)
def test_a_block_that_is_written_again_leaves_out_what_it_left_out(
    shown: str, expected: str
) -> None:
    assert renewed(shown, "1\n2\n3\n4\n5\n") == expected


def test_a_block_that_is_written_again_goes_by_the_lines_that_agree() -> None:
    shown = "took 1 s\n…\nlast of a\nold\n…\nend\n"
    printed = "took 2 s\na\nb\nlast of a\nnew\nc\nend\n"
    assert renewed(shown, printed) == "took 1 s\n…\nlast of a\n…\nend\n"
