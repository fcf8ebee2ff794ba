"""Kinds of errors, planted in the new form of each statement, that other rows tell apart.

Each statement has its right form. Errors of links are made for every statement that has one, the
others are written by hand. An error that means the same as the right form is no error: it is not
in the list, and the comment beside the statement says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.scan.planted import CHILD, KEY, LINK, PARENT

JOINED = f"{CHILD} cm JOIN {PARENT} pm ON {LINK}"


def _safe(*columns: str) -> str:
    return " AND ".join(f"pm.{column} IS NOT DISTINCT FROM cm.{column}" for column in columns)


def _without(column: str) -> str:
    return _safe(*(other for other in KEY if other != column))


LINKS = {
    **{f"key without {column}": _without(column) for column in KEY},
    "key with =": " AND ".join(f"pm.{column} = cm.{column}" for column in KEY),
    "type with coalesce": _without("programme_membership_type")
    + " AND coalesce(pm.programme_membership_type, '') = "
    "coalesce(cm.programme_membership_type, '')",
    "dates with coalesce": _safe(*KEY[:3])
    + " AND coalesce(pm.programme_start_date, '1900-01-01') = "
    "coalesce(cm.programme_start_date, '1900-01-01') AND "
    "coalesce(pm.programme_end_date, '1900-01-01') = coalesce(cm.programme_end_date, '1900-01-01')",
}
"""Wrong conditions in the place of the link, by the name of the error."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A statement, its right new form, and errors as replacements in the new form."""

    name: str
    old: str
    new: str
    errors: dict[str, tuple[str, str]] = field(default_factory=dict)
    same: tuple[str, ...] = ()
    """Wrong links that mean the same here."""

    def wrong(self) -> Iterator[tuple[str, str]]:
        """Yield each error and the wrong form."""
        for name, link in LINKS.items():
            if LINK in self.new and name not in self.same:
                yield name, self.new.replace(LINK, link)
        for name, (found, put) in self.errors.items():
            assert found in self.new, (self.name, name)
            yield name, self.new.replace(found, put)


PAIRS = (
    Pair(
        "rows of a programme",
        f"SELECT cm.id, cm.rotation, cm.leaving_reason FROM {CHILD} cm WHERE cm.programme_id = 12",
        f"SELECT cm.id, pm.rotation, pm.leaving_reason FROM {JOINED} WHERE pm.programme_id = 12",
        {
            "columns swapped": (
                "pm.rotation, pm.leaving_reason",
                "pm.leaving_reason AS rotation, pm.rotation AS leaving_reason",
            ),
            "a lost condition": (" WHERE pm.programme_id = 12", ""),
            "another column": ("pm.programme_id = 12", "pm.person_id = 12"),
            "a neighbour": ("= 12", "= 13"),
            "left join": (" JOIN ", " RIGHT JOIN "),
        },
        same=("key without programme_id",),  # the filter fixes it on both sides
    ),
    Pair(
        "three tables",
        f"SELECT p.id, cm.rotation FROM person p LEFT JOIN contact_details d ON d.id = p.id "
        f"JOIN {CHILD} cm ON cm.person_id = p.id",
        f"SELECT p.id, pm.rotation FROM person p LEFT JOIN contact_details d ON d.id = p.id "
        f"JOIN ({JOINED}) ON pm.person_id = p.id",
        {
            "left to inner": ("LEFT JOIN contact", "JOIN contact"),
            "inner to left": (f"JOIN ({CHILD}", f"LEFT JOIN ({CHILD}"),
            "childless parents": (JOINED, f"{PARENT} pm LEFT JOIN {CHILD} cm ON {LINK}"),
            "another column": ("pm.rotation", "pm.training_pathway AS rotation"),
        },
        same=("key without person_id",),
    ),
    Pair(
        "persons without memberships",
        f"SELECT p.id, cm.id AS row_id FROM person p LEFT JOIN {CHILD} cm "
        "ON cm.person_id = p.id AND cm.rotation = 'North'",
        f"SELECT p.id, cm.id AS row_id FROM person p LEFT JOIN ({JOINED}) "
        "ON pm.person_id = p.id AND pm.rotation = 'North'",
        {
            "left to inner": ("person p LEFT JOIN", "person p JOIN"),
            "left to right": ("person p LEFT JOIN", "person p RIGHT JOIN"),
            "condition to where": (" AND pm.rotation", " WHERE pm.rotation"),
            "a lost condition": (" AND pm.rotation = 'North'", ""),
            "case": ("'North'", "'NORTH'"),
        },
        same=("key without person_id",),
    ),
    Pair(
        "the last of each person",
        "SELECT DISTINCT a.person_id, a.programme_id, a.programme_start_date, "
        f"a.programme_membership_type, a.curriculum_end_date FROM {CHILD} a JOIN (SELECT "
        f"person_id, max(programme_end_date) AS m FROM {CHILD} GROUP BY person_id) l "
        "ON l.person_id = a.person_id AND l.m = a.programme_end_date",
        "SELECT DISTINCT pm.person_id, pm.programme_id, pm.programme_start_date, "
        f"pm.programme_membership_type, cm.curriculum_end_date FROM {JOINED} JOIN (SELECT "
        f"q.person_id, max(q.programme_end_date) AS m FROM {CHILD} c JOIN {PARENT} q "
        "ON q.uuid = c.programme_membership_uuid GROUP BY q.person_id) l "
        "ON l.person_id = pm.person_id AND l.m = pm.programme_end_date",
        {
            "min": ("max(", "min("),
            "lost distinct": ("SELECT DISTINCT", "SELECT"),
            "lost date": (" AND l.m = pm.programme_end_date", ""),
            "lost person": ("l.person_id = pm.person_id AND ", ""),
            "start for end": ("max(q.programme_end_date)", "max(q.programme_start_date)"),
            "last of the parents": (
                f"{CHILD} c JOIN {PARENT} q ON q.uuid = c.programme_membership_uuid",
                f"{PARENT} q",
            ),
            "left join": (") l ON", ") l ON true OR"),
        },
    ),
    Pair(
        "how many for each programme",
        f"SELECT programme_id, count(*) AS n, count(rotation) AS r FROM {CHILD} "
        "GROUP BY programme_id",
        f"SELECT pm.programme_id, count(*) AS n, count(pm.rotation) AS r FROM {JOINED} "
        "GROUP BY pm.programme_id",
        {
            "over parents": (JOINED, f"{PARENT} pm"),
            "distinct": ("count(*)", "count(DISTINCT pm.uuid)"),
            "not null": ("count(*)", "count(pm.rotation)"),
            "all": ("count(pm.rotation)", "count(*)"),
            "grouped by more": (
                "GROUP BY pm.programme_id",
                "GROUP BY pm.programme_id, pm.rotation",
            ),
            "childless parents": (JOINED, f"{PARENT} pm LEFT JOIN {CHILD} cm ON {LINK}"),
        },
    ),
    Pair(
        "persons in busy programmes",
        f"SELECT programme_id, count(DISTINCT person_id) AS n FROM {CHILD} "
        "WHERE leaving_reason IS NULL GROUP BY programme_id HAVING count(*) >= 2",
        f"SELECT pm.programme_id, count(DISTINCT pm.person_id) AS n FROM {JOINED} "
        "WHERE pm.leaving_reason IS NULL GROUP BY pm.programme_id HAVING count(*) >= 2",
        {
            "lost distinct": ("DISTINCT ", ""),
            "border": (">= 2", "> 2"),
            "border below": (">= 2", ">= 1"),
            "is not null": ("IS NULL", "IS NOT NULL"),
            "lost condition": ("WHERE pm.leaving_reason IS NULL ", ""),
            "lost having": (" HAVING count(*) >= 2", ""),
            "having over distinct": ("HAVING count(*)", "HAVING count(DISTINCT pm.uuid)"),
        },
    ),
    Pair(
        "in order",
        f"SELECT id, programme_end_date FROM {CHILD} WHERE programme_membership_type = 'LAT' "
        "ORDER BY programme_end_date, id",
        f"SELECT cm.id, pm.programme_end_date FROM {JOINED} "
        "WHERE pm.programme_membership_type = 'LAT' ORDER BY pm.programme_end_date, cm.id",
        {
            "lost order": (" ORDER BY pm.programme_end_date, cm.id", ""),
            "half an order": ("ORDER BY pm.programme_end_date, cm.id", "ORDER BY cm.id"),
            "other direction": (
                "pm.programme_end_date, cm.id",
                "pm.programme_end_date DESC, cm.id",
            ),
            "nulls first": ("pm.programme_end_date, cm", "pm.programme_end_date NULLS FIRST, cm"),
            "by another date": ("BY pm.programme_end_date", "BY pm.programme_start_date"),
        },
        same=("key without programme_membership_type", "type with coalesce"),
    ),
    Pair(
        "in order of a date that is not shown",
        f"SELECT id FROM {CHILD} ORDER BY programme_end_date",
        f"SELECT cm.id FROM {JOINED} ORDER BY pm.programme_end_date",
        {
            "lost order": (" ORDER BY pm.programme_end_date", ""),
            "other direction": ("programme_end_date", "programme_end_date DESC"),
        },
    ),
    Pair(
        "ended in the last month",
        f"SELECT id, training_pathway FROM {CHILD} WHERE programme_end_date > current_date - 30 "
        "AND programme_start_date <= current_date",
        f"SELECT cm.id, pm.training_pathway FROM {JOINED} "
        "WHERE pm.programme_end_date > current_date - 30 "
        "AND pm.programme_start_date <= current_date",
        {
            "a day more": ("- 30", "- 31"),
            "a day less": ("- 30", "- 29"),
            "at the border": ("> current_date", ">= current_date"),
            "at the other border": ("<= current_date", "< current_date"),
            "or": (" AND pm.programme_start", " OR pm.programme_start"),
            "dates swapped": (
                "pm.programme_end_date > current_date - 30 AND pm.programme_start_date <=",
                "pm.programme_start_date > current_date - 30 AND pm.programme_end_date <=",
            ),
        },
        same=("key with =", "dates with coalesce"),  # but for the type, see below
    ),
    Pair(
        "longer than a year",
        f"SELECT id FROM {CHILD} WHERE programme_end_date - programme_start_date > 365",
        f"SELECT cm.id FROM {JOINED} WHERE pm.programme_end_date - pm.programme_start_date > 365",
        {
            "a day more": ("365", "366"),
            "a day less": ("365", "364"),
            "at the border": ("> 365", ">= 365"),
            "the other way": (
                "pm.programme_end_date - pm.programme_start_date",
                "pm.programme_start_date - pm.programme_end_date",
            ),
        },
        same=("dates with coalesce",),  # rows without a date are left out
    ),
    Pair(
        "a choice of dates",
        f"SELECT id, CASE WHEN rotation = 'q' THEN programme_start_date ELSE programme_end_date "
        f"END AS d FROM {CHILD}",
        "SELECT cm.id, CASE WHEN pm.rotation = 'q' THEN pm.programme_start_date "
        f"ELSE pm.programme_end_date END AS d FROM {JOINED}",
        {
            "exchanged": (
                "THEN pm.programme_start_date ELSE pm.programme_end_date",
                "THEN pm.programme_end_date ELSE pm.programme_start_date",
            ),
            "never": ("THEN pm.programme_start_date", "THEN pm.programme_end_date"),
            "always": ("ELSE pm.programme_end_date", "ELSE pm.programme_start_date"),
            "no else": (" ELSE pm.programme_end_date", ""),
            "another value": ("'q'", "'Q'"),
        },
    ),
    Pair(
        "is there one",
        f"SELECT p.id FROM person p WHERE EXISTS (SELECT 1 FROM {CHILD} cm "
        "WHERE cm.person_id = p.id AND cm.leaving_reason = 'gone')",
        f"SELECT p.id FROM person p WHERE EXISTS (SELECT 1 FROM {JOINED} "
        "WHERE pm.person_id = p.id AND pm.leaving_reason = 'gone')",
        {
            "over parents": (JOINED, f"{PARENT} pm"),
            "lost condition": (" AND pm.leaving_reason = 'gone'", ""),
            "not": ("WHERE EXISTS", "WHERE NOT EXISTS"),
            "another column": ("pm.leaving_reason", "pm.leaving_destination"),
        },
        same=("key without person_id",),
    ),
    Pair(
        "persons without any",
        f"SELECT p.id FROM person p LEFT JOIN {CHILD} cm ON cm.person_id = p.id "
        "WHERE cm.person_id IS NULL",
        f"SELECT p.id FROM person p LEFT JOIN ({JOINED}) ON pm.person_id = p.id "
        "WHERE pm.person_id IS NULL",
        {
            "over parents": (f"({JOINED})", f"{PARENT} pm"),
            "lost condition": (" WHERE pm.person_id IS NULL", ""),
            "left to inner": ("p LEFT JOIN", "p JOIN"),
        },
        # Every child finds its own parent under each of these links.
        same=(*(name for name in LINKS if name not in ("key with =",)),),
    ),
    Pair(
        "of two kinds",
        f"SELECT person_id FROM {CHILD} WHERE rotation IN ('a', 'b') UNION "
        f"SELECT person_id FROM {CHILD} WHERE training_pathway = 'CCT'",
        f"SELECT pm.person_id FROM {JOINED} WHERE pm.rotation IN ('a', 'b') UNION "
        f"SELECT pm.person_id FROM {JOINED} WHERE pm.training_pathway = 'CCT'",
        {
            "union all": ("UNION", "UNION ALL"),
            "intersect": ("UNION", "INTERSECT"),
            "one value": ("IN ('a', 'b')", "IN ('a')"),
            "over parents": (JOINED, f"{PARENT} pm"),
        },
        same=("type with coalesce", "dates with coalesce"),
    ),
    Pair(
        "numbered",
        "SELECT id, row_number() OVER (PARTITION BY person_id ORDER BY programme_start_date, id) "
        f"AS n FROM {CHILD}",
        "SELECT cm.id, row_number() OVER (PARTITION BY pm.person_id "
        f"ORDER BY pm.programme_start_date, cm.id) AS n FROM {JOINED}",
        {
            "without partition": ("PARTITION BY pm.person_id ", ""),
            "another partition": ("PARTITION BY pm.person_id", "PARTITION BY pm.programme_id"),
            "another order": ("pm.programme_start_date, cm", "pm.programme_end_date, cm"),
            "without the last column": ("start_date, cm.id", "start_date"),
            "the other way": ("start_date, cm.id", "start_date DESC, cm.id"),
        },
    ),
    Pair(
        "a total",
        f"SELECT person_id, sum(period_of_grace) AS g, min(programme_start_date) AS s FROM {CHILD} "
        "GROUP BY person_id",
        "SELECT pm.person_id, sum(cm.period_of_grace) AS g, min(pm.programme_start_date) AS s "
        f"FROM {JOINED} GROUP BY pm.person_id",
        {
            "max": ("min(", "max("),
            "distinct": ("sum(cm", "sum(DISTINCT cm"),
            "another date": ("min(pm.programme_start_date)", "min(pm.programme_end_date)"),
        },
    ),
    Pair(
        "an update that returns",
        f"UPDATE {CHILD} SET period_of_grace = 1 WHERE person_id = 2 RETURNING id, rotation",
        f"UPDATE {CHILD} cm SET period_of_grace = 1 FROM {PARENT} pm WHERE {LINK} "
        "AND pm.person_id = 2 RETURNING cm.id, pm.rotation",
        {
            "returning lost": (" RETURNING cm.id, pm.rotation", ""),
            "another column returned": ("pm.rotation", "pm.leaving_reason AS rotation"),
            "less returned": ("RETURNING cm.id, pm.rotation", "RETURNING cm.id"),
            "another value": ("period_of_grace = 1", "period_of_grace = 2"),
            "all rows": (" AND pm.person_id = 2", ""),
        },
        same=("key without person_id",),
    ),
    Pair(
        "an update of the parent",
        f"UPDATE {CHILD} SET rotation = 'x' WHERE person_id = 2",
        f"UPDATE {PARENT} pm SET rotation = 'x' WHERE pm.person_id = 2 AND EXISTS (SELECT 1 FROM "
        f"{CHILD} c_ WHERE c_.programme_membership_uuid = pm.uuid)",
        {
            "childless parents": (
                f" AND EXISTS (SELECT 1 FROM {CHILD} c_ WHERE c_.programme_membership_uuid = "
                "pm.uuid)",
                "",
            ),
            "another column": ("SET rotation", "SET training_pathway"),
            "all rows": ("pm.person_id = 2 AND ", ""),
            "another person": ("pm.person_id = 2", "pm.person_id = 3"),
        },
    ),
    Pair(
        "a delete that returns",
        f"DELETE FROM {CHILD} WHERE programme_end_date < '2020-01-01' RETURNING id",
        f"DELETE FROM {CHILD} cm USING {PARENT} pm WHERE {LINK} "
        "AND pm.programme_end_date < '2020-01-01' RETURNING cm.id",
        {
            "returning lost": (" RETURNING cm.id", ""),
            "border": ("< '2020", "<= '2020"),
            "another date": ("pm.programme_end_date", "pm.programme_start_date"),
            "all rows": (" AND pm.programme_end_date < '2020-01-01'", ""),
        },
        # A row goes as soon as one parent of its key fits, and all of them have its own date.
        same=(
            "dates with coalesce",
            "type with coalesce",
            "key without person_id",
            "key without programme_id",
            "key without programme_membership_type",
            "key without programme_start_date",
        ),
    ),
    Pair(
        "into another table",
        f"INSERT INTO audit (note, day) SELECT rotation, programme_end_date FROM {CHILD} "
        "WHERE person_id = 4",
        f"INSERT INTO audit (note, day) SELECT pm.rotation, pm.programme_end_date FROM {JOINED} "
        "WHERE pm.person_id = 4",
        {
            "another date": ("pm.programme_end_date", "pm.programme_start_date"),
            "distinct": ("SELECT pm", "SELECT DISTINCT pm"),
            "over parents": (JOINED, f"{PARENT} pm"),
        },
        same=("key without person_id",),
    ),
)
