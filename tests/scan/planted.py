"""Wrong rewritings that people make, each beside the statement it should have been."""

from __future__ import annotations

from typing import NamedTuple

CHILD, PARENT = "curriculum_membership", "programme_membership"
LINK = "pm.uuid = cm.programme_membership_uuid"
KEY = (
    "person_id", "programme_id", "programme_membership_type", "programme_start_date",
    "programme_end_date",
)  # fmt: skip


class Planted(NamedTuple):
    """``wrong`` runs, and means something else than ``old``."""

    name: str
    old: str
    wrong: str


def _by_key(operator: str, columns: tuple[str, ...] = KEY) -> str:
    return " AND ".join(f"pm.{column} {operator} cm.{column}" for column in columns)


def _coalesced() -> str:
    parts = [f"pm.{c} IS NOT DISTINCT FROM cm.{c}" for c in KEY if c != "programme_membership_type"]
    type_ = "programme_membership_type"
    return " AND ".join([*parts, f"coalesce(pm.{type_}, '') = coalesce(cm.{type_}, '')"])


_ONE_UNSAFE = " AND ".join(
    f"pm.{c} {'=' if c == 'programme_end_date' else 'IS NOT DISTINCT FROM'} cm.{c}" for c in KEY
)
ROWS = (
    f"SELECT cm.id, cm.rotation, cm.curriculum_id FROM {CHILD} cm "
    "WHERE cm.curriculum_start_date > '2020-05-01'"
)
_ROWS_NEW = (
    f"SELECT cm.id, pm.rotation, cm.curriculum_id FROM {CHILD} cm JOIN {PARENT} pm ON {{}} "
    "WHERE cm.curriculum_start_date {} '2020-05-01'"
)
FILTERED = (
    f"SELECT cm.id, cm.leaving_reason FROM {CHILD} cm "
    "WHERE cm.programme_membership_type = 'LAT' AND cm.period_of_grace = 3"
)
_FILTERED_NEW = f"SELECT cm.id, pm.leaving_reason FROM {CHILD} cm JOIN {PARENT} pm ON {LINK} WHERE "
LEFT = f"SELECT p.id, cm.id AS row_id FROM person p LEFT JOIN {CHILD} cm ON cm.person_id = p.id"
COUNT = f"SELECT programme_id, count(*) AS n FROM {CHILD} GROUP BY programme_id"
PEOPLE = f"SELECT programme_id, count(DISTINCT person_id) AS n FROM {CHILD} GROUP BY programme_id"
DISTINCT = f"SELECT DISTINCT person_id FROM {CHILD}"
SWAPPED = f"SELECT cm.id, cm.programme_start_date AS a, cm.programme_end_date AS b FROM {CHILD} cm"
CONDITION = (
    f"SELECT p.id, cm.id AS row_id FROM person p LEFT JOIN {CHILD} cm "
    "ON cm.person_id = p.id AND cm.training_pathway = 'CCT'"
)

PLANTED = (
    Planted("a lost filter", FILTERED, _FILTERED_NEW + "cm.period_of_grace = 3"),
    Planted(
        "another lost filter", FILTERED, _FILTERED_NEW + "pm.programme_membership_type = 'LAT'"
    ),
    Planted("> became >=", ROWS, _ROWS_NEW.format(LINK, ">=")),
    Planted("the key compared with =", ROWS, _ROWS_NEW.format(_by_key("="), ">")),
    Planted("one key column not null-safe", ROWS, _ROWS_NEW.format(_ONE_UNSAFE, ">")),
    Planted("the key with coalesce", ROWS, _ROWS_NEW.format(_coalesced(), ">")),
    *(
        Planted(
            f"the key without {column}",
            ROWS,
            _ROWS_NEW.format(
                _by_key("IS NOT DISTINCT FROM", tuple(c for c in KEY if c != column)), ">"
            ),
        )
        for column in KEY
    ),
    Planted("joined by the person only", ROWS, _ROWS_NEW.format(_by_key("=", KEY[:1]), ">")),
    Planted(
        "the parent alone, duplicates lost",
        f"SELECT person_id, rotation FROM {CHILD}",
        f"SELECT person_id, rotation FROM {PARENT}",
    ),
    Planted(
        "LEFT became INNER",
        LEFT,
        f"SELECT p.id, cm.id AS row_id FROM person p JOIN ({CHILD} cm JOIN {PARENT} pm ON {LINK}) "
        "ON pm.person_id = p.id",
    ),
    Planted(
        "ON became WHERE",
        CONDITION,
        f"SELECT p.id, cm.id AS row_id FROM person p LEFT JOIN ({CHILD} cm JOIN {PARENT} pm "
        f"ON {LINK}) ON pm.person_id = p.id WHERE pm.training_pathway = 'CCT'",
    ),
    Planted(
        "counted over the parent",
        COUNT,
        f"SELECT programme_id, count(*) AS n FROM {PARENT} GROUP BY programme_id",
    ),
    Planted("a parent without children", DISTINCT, f"SELECT DISTINCT person_id FROM {PARENT}"),
    Planted(
        "DISTINCT lost in an aggregate",
        PEOPLE,
        f"SELECT pm.programme_id, count(pm.person_id) AS n FROM {CHILD} cm "
        f"JOIN {PARENT} pm ON {LINK} GROUP BY pm.programme_id",
    ),
    Planted(
        "two columns swapped",
        SWAPPED,
        f"SELECT cm.id, pm.programme_end_date AS a, pm.programme_start_date AS b FROM {CHILD} cm "
        f"JOIN {PARENT} pm ON {LINK}",
    ),
    Planted(
        "a second LEFT JOIN instead of brackets",
        LEFT.replace("cm.id AS row_id", "cm.id AS row_id, cm.rotation"),
        f"SELECT p.id, cm.id AS row_id, pm.rotation FROM person p LEFT JOIN {PARENT} pm "
        f"ON pm.person_id = p.id LEFT JOIN {CHILD} cm ON {LINK}",
    ),
)

RIGHT = (
    Planted("rows", ROWS, _ROWS_NEW.format(LINK, ">")),
    Planted(
        "filtered",
        FILTERED,
        _FILTERED_NEW + "pm.programme_membership_type = 'LAT' AND cm.period_of_grace = 3",
    ),
    Planted(
        "left join",
        LEFT,
        f"SELECT p.id, cm.id AS row_id FROM person p LEFT JOIN ({CHILD} cm JOIN {PARENT} pm "
        f"ON {LINK}) ON pm.person_id = p.id",
    ),
    Planted(
        "people",
        PEOPLE,
        f"SELECT pm.programme_id, count(DISTINCT pm.person_id) AS n FROM {CHILD} cm "
        f"JOIN {PARENT} pm ON {LINK} GROUP BY pm.programme_id",
    ),
    Planted(
        "null-safe key join",
        ROWS,
        _ROWS_NEW.format(_by_key("IS NOT DISTINCT FROM"), ">"),
    ),
)
