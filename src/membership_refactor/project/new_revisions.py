"""Writes the revisions of a plan behind the head of the project, as Alembic would write them.

The ids come from Alembic's own generator, or go on where the project numbers its revisions. File
names, folders, time zone and post-write hooks are those of the project.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError, rev_id

from membership_refactor.errors import WrongUse
from membership_refactor.planning import TableSplit
from membership_refactor.project.revision_template import Arguments, Text, arguments
from membership_refactor.project.step_texts import step_text

TEMPLATE = "script.py.mako"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRevisions:
    """Revisions that can be written: the template takes them, and the head is known."""

    script: ScriptDirectory
    config: Config
    head: str
    plan: TableSplit
    ids: Mapping[str, str]
    """By step, in the plan's order."""
    texts: Mapping[str, Arguments]

    def write(self) -> list[Path]:
        """Write the files, each of which Alembic imports. Raises what stops it half-way."""
        written, head, template = [], self.head, self.script.file_template
        try:
            for step, revision in self.ids.items():
                slug = f"{self.plan.name}_{step}".lower().replace("%", "%%")
                # Alembic would make the name of the whole message, and cut it somewhere.
                self.script.file_template = template.replace("%(slug)s", slug)
                given = self.texts[step]
                # Hooks say on standard output what they do.
                with redirect_stdout(sys.stderr):
                    made = self.script.generate_revision(
                        revision,
                        given.message,
                        head=head,
                        config=self.config,
                        upgrades=given.upgrades,
                        downgrades=given.downgrades,
                        imports=given.imports,
                    )
                if made is None:
                    raise WrongUse(
                        f"Alembic does not find revision {revision} in the file that it wrote.",
                        hint="Does file_template begin with a dot or an underscore? Change it.",
                    )
                head = made.revision
                written.append(Path(made.path))
        finally:
            self.script.file_template = template
        return written


def new_revisions(
    config: Config, plan: TableSplit, module: str, constant: str, *, head: str = ""
) -> NewRevisions:
    """Prepare the revisions of the plan ``constant`` of ``module``. Nothing is written.

    ``head`` is the revision, or the branch, behind which they come; it has to be given where the
    project has several heads. Raises WrongUse.
    """
    script = ScriptDirectory.from_config(config)
    # The caller says what was written; standard output may be read by a program.
    script.messaging_opts = {"quiet": True}
    behind = _head(script, head)
    numbers = _ids(script, len(plan.steps))
    ids = dict(zip(plan.steps, numbers, strict=True))
    template = Path(script.dir) / TEMPLATE
    if not template.is_file():
        raise WrongUse(
            f"{template} is missing, and Alembic makes revisions of it.",
            hint="Write one, or copy that of another project: `alembic init` makes one.",
        )
    texts = {}
    for step in plan.steps:
        title, below = step_text(plan, step, ids)
        texts[step] = arguments(
            config,
            template,
            Text(step=step, module=module, constant=constant, title=title, below=below),
        )
    return NewRevisions(script=script, config=config, head=behind, plan=plan, ids=ids, texts=texts)


def _head(script: ScriptDirectory, wished: str) -> str:
    heads = script.get_heads()
    if not wished:
        if len(heads) > 1:
            raise WrongUse(
                f"the project has {len(heads)} heads: {', '.join(sorted(heads))}.",
                hint="Say behind which one the steps come: --head REVISION",
            )
        return heads[0] if heads else "base"
    try:
        found = script.get_revisions(wished)
    except CommandError as error:
        raise WrongUse(f"--head {wished}: {error}", hint=_heads(heads)) from None
    if len(found) != 1 or found[0] is None:
        raise WrongUse(f"--head {wished} is {len(found)} revisions, not one.", hint=_heads(heads))
    if not found[0].is_head:
        raise WrongUse(f"--head {wished} is not a head of the project.", hint=_heads(heads))
    return found[0].revision


def _heads(heads: Sequence[str]) -> str:
    return f"The heads: {', '.join(sorted(heads)) or 'none'}."


def _ids(script: ScriptDirectory, count: int) -> list[str]:
    """The next numbers where all ids of the project are numbers of one width, else Alembic's."""
    known = [found.revision for found in script.walk_revisions()]
    numbered = known and all(re.fullmatch(r"[0-9]{1,9}", one) for one in known)
    if numbered and len({len(one) for one in known}) == 1:
        highest, width = max(map(int, known)), len(known[0])
        numbers = [str(highest + n).zfill(width) for n in range(1, count + 1)]
        if len(numbers[-1]) == width:
            return numbers
    return [rev_id() for _ in range(count)]
