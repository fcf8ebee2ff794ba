"""The way down beside the way up: rows a second of the steps that move rows on their way down.

All steps up, then all down, without checks, with groups of the usual size and with four parents
that share all rows. 0010 has dropped the deprecated columns and 0011 the archive, so that the
downgrades of 0009 and 0005 have to fill them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.chain import runner_of
from benchmarks.measure import Cost, measured
from benchmarks.place import Place
from benchmarks.target import NAMES
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from tests.fixtures.steps import IDS, step_of

PARENTS = 4
USUAL_GROUPS, FEW = "small groups", f"{PARENTS} parents"
UP_OF = {"0009": "0003", "0008": "0008", "0005": "0003"}
"""By step, the step whose way up moves the same rows: 0009 and 0005 move none on theirs."""
FIRST, LAST = "0003", "0011"


@dataclass(slots=True)
class Ways:
    """One shape of groups, taken up and down once."""

    rows: int
    up: dict[str, Cost] = field(default_factory=dict)
    down: dict[str, Cost] = field(default_factory=dict)

    def times(self, revision: str) -> float:
        """How many times the time of the way up the way down takes."""
        return self.down[revision].wall / self.up[UP_OF[revision]].wall


def measure(place: Place, *, repeats: int, say: Callable[[str], None]) -> dict[str, list[Ways]]:
    """Both shapes in turn, every repeat."""
    _few_parents(place)
    found: dict[str, list[Ways]] = {}
    for repeat in range(repeats):
        for shape, template in ((USUAL_GROUPS, "legacy"), (FEW, "few")):
            say(f"downgrades, repeat {repeat + 1}: {shape}")
            with place.fresh("ways", template) as database:
                found.setdefault(shape, []).append(_there_and_back(place, database))
    return found


def _there_and_back(place: Place, database: str) -> Ways:
    runner = runner_of(place, database, workers=1, checks=False)
    made, ids = Ways(place.rows), [r for r in IDS if FIRST <= r <= LAST]
    with place.connect(database) as look:
        for revision in ids:
            with measured(look, place.postmaster) as made.up[revision]:
                runner.upgrade(step_of(revision))
        look.execute("VACUUM (ANALYZE)")  # autovacuum, which is off here, would have come
        for revision in reversed(ids):
            with measured(look, place.postmaster) as made.down[revision]:
                runner.downgrade(step_of(revision), lowest=step_of(FIRST))
    return made


def _few_parents(place: Place) -> None:
    """The database ``few``: all rows have one of four keys."""
    with place.connect("postgres") as admin:
        admin.execute("CREATE DATABASE few TEMPLATE legacy")
    key, ids, some = listed(SPLIT.key, "s."), ident(SPLIT.last_id), NAMES.source
    with place.connect("few") as connection:
        connection.execute(
            f"""WITH few AS MATERIALIZED (
  SELECT {key}, pg_catalog.row_number() OVER (ORDER BY pg_catalog.min(s.{ids})) AS n
  FROM {some} AS s GROUP BY {key} ORDER BY n LIMIT {PARENTS}
)
UPDATE {some} AS m SET ({listed(SPLIT.key)}) = ROW ({listed(SPLIT.key, "few.")})
FROM few WHERE few.n = m.{ids} % {PARENTS} + 1""".encode()
        )
        connection.execute(f"VACUUM (FULL, ANALYZE) {some}".encode())
