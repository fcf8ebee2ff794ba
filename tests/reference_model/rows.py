"""Random small wide tables: gaps, near keys, sentinels, infinity, conflicts, ties, duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

WideRow = dict[str, Any]
Rows = list[WideRow]

TEXTS = (
    None,
    "",
    " ",
    "NULL",
    "\\N",
    "Substantive",
    "SUBSTANTIVE",
    "SUBSTANTIVE ",
    "ß",
    "a\\b'%s\"",
)
DATES = (None, "1800-01-01", "2000-02-29", "2020-01-01", "infinity", "-infinity", "9999-12-31")
TIMES = ("2020-01-01 00:00:00+00", "2020-01-01 00:00:00.001+00", "2021-06-01 12:00:00+02")
SMALL = st.integers(1, 40)


def tables(
    id: str,
    ids: st.SearchStrategy[Any],
    keys: Mapping[str, Sequence[Any]],
    values: Mapping[str, Sequence[Any]],
    *,
    agreeing: Mapping[str, Sequence[Any]] | None = None,
    most: int = 40,
) -> st.SearchStrategy[Rows]:
    """Rows whose keys come from a few, so that they meet; ``agreeing`` columns have one value
    a key. Ids have gaps, and the order in which rows are inserted is not that of the ids."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Rows:
        key = st.fixed_dictionaries({c: st.sampled_from(v) for c, v in keys.items()})
        first = draw(key)
        pool = [first]
        # Near keys: the first one with another value, or a gap, in some columns.
        for _ in range(draw(st.integers(0, 7))):
            other = draw(key)
            kept = draw(st.sets(st.sampled_from(list(keys))))
            pool.append({c: first[c] if c in kept else other[c] for c in keys})
        agreed = {
            tuple(k[c] for c in keys): draw(
                st.fixed_dictionaries({c: st.sampled_from(v) for c, v in (agreeing or {}).items()})
            )
            for k in pool
        }
        rest = st.fixed_dictionaries({c: st.sampled_from(v) for c, v in values.items()})
        rows = []
        for number in draw(st.lists(ids, unique=True, max_size=most)):
            chosen = draw(st.sampled_from(pool))
            rows.append(
                {id: number, **chosen, **agreed[tuple(chosen[c] for c in keys)], **draw(rest)}
            )
        return rows

    return drawn()


MEMBERSHIP_KEYS: dict[str, Sequence[Any]] = {
    "person_id": (0, 1, 2, 3),
    "programme_id": (-1, 0, 1, 2),
    "programme_membership_type": TEXTS,
    "programme_start_date": DATES,
    "programme_end_date": DATES,
}
MEMBERSHIP_VALUES: dict[str, Sequence[Any]] = {
    "rotation": (None, "", "zero", "Zero"),
    "rotation_id": (None, 0, 1),
    "training_number_id": (None, -1, 0, 1),
    "training_pathway": (None, "CCT", "N/A"),
    "leaving_reason": (None, "x"),
    "leaving_destination": (None, "Adjacent region, x", "Adjacent Region-x"),
    "curriculum_id": (0, 1, 2),
    "curriculum_start_date": DATES,
    "period_of_grace": (None, 0, 6),
    "intrepid_id": (None, "", "i"),
    "amended_date": TIMES,
}
memberships = tables("id", st.integers(-3, 60), MEMBERSHIP_KEYS, MEMBERSHIP_VALUES)

UUIDS = (None, "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff")
ODD_KEYS: dict[str, Sequence[Any]] = {
    "first key %": TEXTS,
    "order": (None, -1, 0, 1, 32767),
    'né "q"': DATES,
    "b$ody$": UUIDS,
    "{last}": (None, True, False),
}
ODD_VALUES: dict[str, Sequence[Any]] = {
    "latest{first}": TEXTS,
    "late json": (None, '{"a":1}', '{"a": 1}', "null"),
    "First\\": (None, "", "%s", "Ü"),
    "max num": (None, "NaN", "1.0", "1.00", "1.10", "-5", "99999999999999999999.5"),
    "max'date": DATES,
    "stays ü": (None, "{last}", "$body$"),
    "user": (None, "NaN", "-0", "0", "1e300"),
    "not in the plan": (None, "kept"),
}
ODD_TIMES = (None, "2020-01-01 00:00:00", "2020-01-01 00:00:00.000001", "infinity")
ODD_IDS = st.text(alphabet="aÄB%\"'\\ 1{}", min_size=0, max_size=4)
AGREEING = {"agrees %": (None, 0, 7)}


def odd_rows(*, changed: str | None, gaps: bool = True) -> st.SearchStrategy[Rows]:
    """For the plan that is unlike the one that ships."""
    keys = {c: [v for v in values if gaps or v is not None] for c, values in ODD_KEYS.items()}
    values = {**ODD_VALUES, **({changed: ODD_TIMES} if changed else {})}
    return tables('Schlüssel "%"', ODD_IDS, keys, values, agreeing=AGREEING)
