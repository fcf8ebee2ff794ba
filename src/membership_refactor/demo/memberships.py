"""An endless, seeded stream of realistic memberships, as rows for COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from random import Random

from membership_refactor.demo.hard_cases import HARD_CASES
from membership_refactor.demo.references import ROTATIONS_PER_PROGRAMME, References
from membership_refactor.demo.rows import AMENDED, CURRICULUM, CURRICULUM_START, NULL, Row

HARD_SHARE = 0.04
"""How many memberships are a hard case, after the first ones, which show each case once."""
SCATTERED_SHARE = 0.03
"""How many rows do not follow their sibling, but come some hundreds of ids later."""
WAITING_ROWS = 2_000
GAP_SHARE = 0.02

_FIRST_DAY = date(2004, 1, 1).toordinal()
_DAYS = tuple(date.fromordinal(_FIRST_DAY + n).isoformat() for n in range(14_000))
_LAST_START = date(2022, 5, 1).toordinal() - _FIRST_DAY
_YEAR = 365
# A bulk correction gave most rows the same time of change.
_BULK_CORRECTION = "2022-02-01 09:30:00.417+00"

# (cumulative share, value)
_TYPES = ((0.66, "SUBSTANTIVE"), (0.78, "LAT"), (0.86, "ACADEMIC"), (0.93, "VISITOR"),
          (0.97, "FTSTA"), (1.0, "MILITARY"))  # fmt: skip
_PATHWAYS = ((0.60, "N/A"), (0.97, "CCT"), (0.985, "CESR"), (1.0, NULL))
_REASONS = ((0.62, NULL), (0.85, "Gained CCT"), (0.92, "Resigned"), (0.97, "Completed"),
            (0.98, ""), (1.0, "Transferred"))  # fmt: skip
_DESTINATIONS = ((0.7, NULL), (0.8, "Adjacent region, training"),
                 (0.9, "Adjacent Region-training"), (1.0, "Consultant, same employer"))  # fmt: skip
_GRACE = ((0.5, NULL), (0.75, "0"), (1.0, "6"))


def _pick(choices: tuple[tuple[float, str], ...], x: float) -> str:
    for share, value in choices:
        if x < share:
            return value
    return choices[-1][1]


def memberships(references: References, random: Random) -> Iterator[list[Row]]:
    """Yield the rows of one membership after another. Those of a person follow each other."""
    cases = list(HARD_CASES.values())
    showcase = list(cases)
    # Only random() keeps its sequence from one Python version to the next.
    r = random.random
    person = 0
    while True:
        x = r()
        count = 1 if x < 0.5 else 2 if x < 0.8 else 3 if x < 0.95 else 4
        start = int(r() * _LAST_START)
        # Most persons stay in the programme that their number was given for.
        programme = int(r() * references.programmes)
        for _ in range(count):
            rows, end = _ordinary(references, r, person, programme, start)
            if showcase:
                showcase.pop(0)(rows, references)
            elif r() < HARD_SHARE:
                cases[int(r() * len(cases))](rows, references)
            yield rows
            overlap = 90 if r() < 0.15 else -1
            start = min(end - overlap, _LAST_START)
            if r() < 0.3:
                programme = int(r() * references.programmes)
        person += 1


def _ordinary(
    references: References, r: Callable[[], float], person: int, programme: int, start: int
) -> tuple[list[Row], int]:
    """Return a membership with nothing unusual, and the day on which it ends."""
    end = start + (_YEAR - 1 if r() < 0.4 else int((1 + 5 * r()) * _YEAR))
    rotation, rotation_id = NULL, NULL
    if r() < 0.55:
        n = programme * ROTATIONS_PER_PROGRAMME + int(r() * ROTATIONS_PER_PROGRAMME)
        rotation, rotation_id = references.rotation_name(n), str(references.rotation_id(n))
    left = end < _LAST_START
    missing = r()
    first = [
        str(references.person_id(person)),
        str(references.programme_id(programme)),
        _pick(_TYPES, r()),
        _DAYS[start],
        _DAYS[end],
        rotation,
        rotation_id,
        str(references.training_number_id(person)) if person % 2 == 0 else NULL,
        _pick(_PATHWAYS, r()),
        _pick(_REASONS, r()) if left else NULL,
        _pick(_DESTINATIONS, r()) if left else NULL,
        str(references.curriculum_id(programme * 3)),
        NULL if missing < 0.01 else _DAYS[start],
        NULL if missing > 0.99 else _DAYS[end],
        _DAYS[end] if left and r() < 0.5 else NULL,
        _pick(_GRACE, r()),
        str(int(r() * 500_000)) if r() < 0.4 else NULL,
        _amended(r),
    ]
    rows = [first]
    x = r()
    siblings = 0 if x < 0.70 else 1 if x < 0.95 else 2 if x < 0.99 else 3
    for n in range(1, siblings + 1):
        row = first.copy()
        begin = start + int(r() * (end - start))
        row[CURRICULUM] = str(references.curriculum_id(programme * 3 + n))
        row[CURRICULUM_START] = _DAYS[begin]
        if r() < 0.5:
            row[AMENDED] = _amended(r)
        rows.append(row)
    return rows, end


def _amended(r: Callable[[], float]) -> str:
    """Return a time that depends on the seed alone, so that the same seed gives the same table."""
    if r() < 0.4:
        return _BULK_CORRECTION
    day, milliseconds = _DAYS[int(r() * _LAST_START)], int(r() * 86_400_000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{day} {minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}+00"


def lines(references: References, rows: int, seed: int) -> Iterator[str]:
    """Yield ``rows`` lines for COPY, the id first. Ids rise with gaps. Rows of one membership
    mostly follow each other. A few wait in a bounded list and come later."""
    random = Random(seed)
    r = random.random
    waiting: list[Row] = []
    left, next_id = rows, 1
    for membership in memberships(references, random):
        ready = membership
        if len(membership) > 1 and r() < SCATTERED_SHARE:
            waiting.append(membership.pop())
        # At the end everybody goes; else one at a time, in no order.
        if waiting and (len(waiting) + len(ready) >= left or len(waiting) >= WAITING_ROWS):
            ready = ready + waiting
            waiting = []
        elif waiting and r() < SCATTERED_SHARE / 3:
            ready = [*ready, waiting.pop(int(r() * len(waiting)))]
        for row in ready[:left]:
            yield f"{next_id}\t" + "\t".join(row) + "\n"
            next_id += 1 if r() >= GAP_SHARE else 2 + int(r() * 9)
        left -= len(ready[:left])
        if not left:
            return
