"""Rehearsals of the plans that the tests of the chain use."""

from __future__ import annotations

from alembic.config import Config

from membership_refactor.cli.command_line import packaged_configuration
from membership_refactor.environment import Request
from membership_refactor.execution.progress import Progress
from membership_refactor.rehearsal import Place, Rehearsal, Subject, Wanted, rehearse
from tests.chain.driver import Chain
from tests.chain.subjects import MEMBERSHIP


def rehearsed(
    chain: Chain,
    *,
    rows: int = 1000,
    place: Place = Place.AUTO,
    url: str | None = None,
    to: str | None = None,
    back: bool = False,
) -> Rehearsal:
    """The whole rehearsal: of the shipped plan by its revisions, of another by its steps."""
    shipped = chain.plan == MEMBERSHIP.plan
    return rehearse(
        Subject(
            url=url or chain.url,
            plan=chain.plan,
            request=Request(schema=chain.subject.schema),
            config=Config(str(packaged_configuration())) if shipped else None,
        ),
        Wanted(rows=rows, place=place, to=to, back=back, progress=Progress(quiet=True)),
    )
