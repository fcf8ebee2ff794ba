"""What a command line asks for with ``-x NAME=VALUE``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from membership_refactor.errors import WrongUse
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.version_table import VersionTable
from membership_refactor.portrait import Portrait
from membership_refactor.portrait.document import from_json
from membership_refactor.x_names import X_NAMES

_OWN_NAMES = ("url", "schema", "portrait")
"""Those that are not options of a run."""
OF_THE_PROJECT = ("url", "schema")
"""Those that mean what the project's env.py makes of them, where the env.py is somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for. The ``op.`` verbs find it in Alembic's options."""

    schema: str = "public"
    url: str | None = None
    portrait: Path | None = None
    """The file of the portrait that a script is made for."""
    options: Options = field(default_factory=Options)
    way: tuple[str, ...] = ()
    """The ids of the revisions that this command runs, in order; empty until Alembic knows."""
    progress: Progress = field(default_factory=Progress)
    version_table: VersionTable | None = None
    """Where Alembic records the version; None for its usual table in the plan's schema."""

    def read_portrait(self) -> Portrait | None:
        """The portrait that a script is made for. None where none is given."""
        if self.portrait is None:
            return None
        try:
            return from_json(self.portrait.read_text(encoding="utf-8"))
        except OSError as error:
            raise WrongUse(
                f"-x portrait={self.portrait}: {error.strerror}.",
                hint="`membership-refactor plan --format json > FILE` writes one.",
            ) from None


def request_from(given: Mapping[str, str], **more: Any) -> Request:
    """Make the request of ``-x NAME=VALUE`` pairs. Raises WrongUse for a name or value that
    cannot be. ``more`` are further fields of the request."""
    for name in given:
        if name not in X_NAMES:
            raise WrongUse(
                f"-x {name}: unknown name.", hint=f"Known: {', '.join(sorted(X_NAMES))}."
            )
    for name in ("url", "portrait"):
        if name in given and not given[name].strip():
            raise WrongUse(f"-x {name}= is empty.", hint="Write a value, or leave it out.")
    schema = given.get("schema", "public")
    if not schema or "\0" in schema or len(schema.encode()) > 63:
        raise WrongUse(
            f'-x schema="{schema}" cannot be the name of a schema.',
            hint="A name has 1 to 63 bytes.",
        )
    portrait = given.get("portrait")
    rest = {name: text for name, text in given.items() if name not in _OWN_NAMES}
    return Request(
        schema=schema,
        url=given.get("url"),
        portrait=Path(portrait) if portrait else None,
        options=Options.from_text(rest),
        **more,
    )


def guest_request(arguments: Iterable[str]) -> Request:
    """Make the request of a project with ``-x`` names of its own, which are let through.

    Raises WrongUse for a name that is nearly one of ours.
    """
    names = [name for name in X_NAMES if name not in OF_THE_PROJECT]
    ours: list[str] = []
    for text in arguments:
        name = text.partition("=")[0]
        near = get_close_matches(name, names, n=1, cutoff=0.85)
        if name in names:
            ours.append(text)
        elif near and name not in OF_THE_PROJECT:
            raise WrongUse(f"-x {name}: unknown name.", hint=f"Did you mean {near[0]}?")
    return request_from(x_values(ours))


def x_values(arguments: Iterable[str]) -> dict[str, str]:
    """Read ``NAME=VALUE`` texts, as they stand behind each ``-x``."""
    given: dict[str, str] = {}
    for text in arguments:
        name, found, value = text.partition("=")
        if not found:
            raise WrongUse(f"-x {text}: write -x NAME=VALUE.")
        if given.get(name, value) != value:
            raise WrongUse(f"-x {name} is given twice, with two values.", hint="Leave one out.")
        given[name] = value
    return given
