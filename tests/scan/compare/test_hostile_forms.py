"""Wrong rewritings that look right, of windows, ties, NULLs, groups, lateral joins and types."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from sqlalchemy import Connection

from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.compare.comparer import Comparer
from membership_refactor.scan.compare.results import Verdict
from tests.scan.planted import CHILD, LINK, PARENT
from tests.scan.planted_kinds import JOINED


class Hostile(NamedTuple):
    """A statement, its right new form, and replacements in the new form that change its meaning."""

    name: str
    old: str
    new: str
    wrong: tuple[tuple[str, str], ...]


def hostile(name: str, text: str, *wrong: tuple[str, str]) -> Hostile:
    """Make one from its new form, in which ``@from`` is the join: the old one has no aliases."""
    old = text.replace("@from", CHILD).replace("pm.", "").replace("cm.", "")
    return Hostile(name, old, text.replace("@from", JOINED), wrong)


FORMS = (
    hostile(
        "the last of a window",
        "SELECT cm.id, last_value(pm.rotation) OVER (PARTITION BY pm.person_id ORDER BY "
        "pm.programme_start_date, cm.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) "
        "AS v FROM @from",
        (" ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", ""),
        ("last_value", "first_value"),
        ("UNBOUNDED FOLLOWING", "1 FOLLOWING"),
    ),
    hostile(
        "a running total with peers",
        "SELECT cm.id, sum(cm.period_of_grace) OVER (PARTITION BY pm.person_id ORDER BY "
        "pm.programme_start_date) AS v FROM @from",
        ("pm.programme_start_date)", "pm.programme_start_date, cm.id)"),
        ("pm.programme_start_date)", "pm.programme_start_date ROWS UNBOUNDED PRECEDING)"),
        (" ORDER BY pm.programme_start_date", ""),
        ("PARTITION BY pm.person_id ", ""),
    ),
    hostile(
        "ranks",
        "SELECT cm.id, rank() OVER (PARTITION BY pm.programme_id ORDER BY pm.programme_end_date) "
        "AS v FROM @from",
        ("rank()", "dense_rank()"),
        ("pm.programme_end_date)", "pm.programme_end_date NULLS FIRST)"),
    ),
    hostile(
        "the row before",
        "SELECT cm.id, lag(pm.rotation) OVER (ORDER BY cm.id) AS v FROM @from",
        ("lag(pm.rotation)", "lag(pm.rotation, 2)"),
        ("lag(pm.rotation)", "lead(pm.rotation)"),
        ("lag(pm.rotation)", "lag(pm.rotation, 1, '')"),
    ),
    hostile(
        "not in with a missing value",
        "SELECT p.id FROM person p WHERE p.id NOT IN (SELECT pm.training_number_id FROM @from)",
        ("SELECT pm.training_number_id", "SELECT coalesce(pm.training_number_id, -1)"),
        (
            f"p.id NOT IN (SELECT pm.training_number_id FROM {JOINED})",
            f"NOT EXISTS (SELECT 1 FROM {JOINED} WHERE pm.training_number_id = p.id)",
        ),
        (JOINED, f"{PARENT} pm"),
    ),
    hostile(
        "the first of each, missing dates first",
        "SELECT DISTINCT ON (pm.person_id) pm.person_id, pm.rotation FROM @from "
        "ORDER BY pm.person_id, pm.programme_end_date DESC, cm.id",
        ("DESC", "DESC NULLS LAST"),
        ("DESC", ""),
        (", pm.programme_end_date DESC", ""),
    ),
    hostile(
        "a lateral join",
        "SELECT p.id, l.curriculum_id FROM person p CROSS JOIN LATERAL (SELECT cm.curriculum_id "
        "FROM @from WHERE pm.person_id = p.id ORDER BY cm.id LIMIT 1) l",
        ("LIMIT 1", "LIMIT 2"),
        ("ORDER BY cm.id", "ORDER BY cm.id DESC"),
        ("WHERE pm.person_id = p.id ", ""),
    ),
    hostile(
        "a correlated count",
        "SELECT p.id, (SELECT count(*) FROM @from WHERE pm.person_id = p.id) AS n FROM person p",
        (JOINED, f"{PARENT} pm"),
        ("count(*)", "count(DISTINCT pm.uuid)"),
        ("count(*)", "count(cm.period_of_grace)"),
        ("count(*)", "nullif(count(*), 0)"),
    ),
    hostile(
        "grouping sets",
        "SELECT pm.person_id, pm.programme_id, count(*) AS n FROM @from "
        "GROUP BY GROUPING SETS ((pm.person_id), (pm.programme_id))",
        ("((pm.person_id), (pm.programme_id))", "((pm.person_id), (pm.programme_id), ())"),
        ("GROUPING SETS ((pm.person_id), (pm.programme_id))", "ROLLUP (1, 2)"),
        ("GROUPING SETS ((pm.person_id), (pm.programme_id))", "CUBE (1, 2)"),
        ("GROUPING SETS ((pm.person_id), (pm.programme_id))", "1, 2"),
    ),
    hostile(
        "a moment against a day",
        "SELECT cm.id FROM @from WHERE cm.amended_date > date '2021-01-01' "
        "AND pm.rotation IS NOT NULL",
        ("cm.amended_date >", "cm.amended_date::date >"),
        ("cm.amended_date", "pm.amended_date"),
        ("cm.amended_date >", "cm.amended_date >="),
    ),
    hostile(
        "a moment against another column's day",
        "SELECT cm.id FROM @from WHERE cm.amended_date >= pm.programme_end_date",
        ("cm.amended_date >=", "cm.amended_date::date >"),
        ("cm.amended_date >=", "cm.amended_date >"),
        ("cm.amended_date", "pm.amended_date"),
    ),
    hostile(
        "scale",
        "SELECT cm.id, round(pm.rotation_id / 8.0, 1) AS v FROM @from",
        ("8.0, 1", "8.0, 2"),
        ("8.0, 1", "8.0"),
        ("pm.rotation_id / 8.0", "(pm.rotation_id / 8)::numeric"),
        ("round(", "trunc("),
    ),
    hostile(
        "collations",
        'SELECT cm.id, pm.rotation FROM @from ORDER BY pm.rotation COLLATE "C", cm.id',
        ('COLLATE "C"', 'COLLATE "und-x-icu"'),
        (' COLLATE "C"', ' COLLATE "C" DESC'),
        ('pm.rotation COLLATE "C"', 'lower(pm.rotation) COLLATE "C"'),
    ),
    hostile(
        "collations of a comparison",
        "SELECT cm.id FROM @from WHERE pm.rotation COLLATE \"C\" < 'b'",
        ('COLLATE "C" <', 'COLLATE "und-x-icu" <'),
        ('pm.rotation COLLATE "C" <', 'lower(pm.rotation) COLLATE "C" <'),
    ),
    hostile(
        "a full join",
        "SELECT p.id, w.id AS row_id FROM person p FULL JOIN "
        "(SELECT cm.id, pm.person_id FROM @from) w ON w.person_id = p.id",
        ("FULL JOIN", "LEFT JOIN"),
        ("FULL JOIN", "RIGHT JOIN"),
        ("FULL JOIN", "JOIN"),
    ),
    hostile(
        "what is left over",
        "SELECT pm.person_id FROM @from EXCEPT ALL SELECT id FROM person",
        ("EXCEPT ALL", "EXCEPT"),
        ("EXCEPT ALL", "INTERSECT ALL"),
        ("SELECT pm.person_id", "SELECT DISTINCT pm.person_id"),
    ),
    hostile(
        "more than all",
        "SELECT p.id FROM person p WHERE p.id > ALL (SELECT pm.rotation_id FROM @from "
        "WHERE pm.person_id = p.id)",
        ("> ALL (SELECT pm.rotation_id", "> (SELECT max(pm.rotation_id)"),
        ("> ALL (SELECT pm.rotation_id", "> ANY (SELECT pm.rotation_id"),
        ("> ALL", ">= ALL"),
    ),
    hostile(
        "unlike, or missing",
        "SELECT cm.id FROM @from WHERE pm.rotation IS DISTINCT FROM 'x'",
        ("IS DISTINCT FROM", "<>"),
        ("pm.rotation IS DISTINCT FROM 'x'", "NOT (pm.rotation = 'x')"),
        ("pm.rotation IS DISTINCT FROM 'x'", "coalesce(pm.rotation, 'x') <> 'x'"),
    ),
    hostile(
        "counted where",
        "SELECT pm.programme_id, count(*) FILTER (WHERE pm.rotation = 'x') AS n FROM @from "
        "GROUP BY pm.programme_id",
        (" FILTER (WHERE pm.rotation = 'x')", ""),
        (
            "count(*) FILTER (WHERE pm.rotation = 'x') AS n",
            "nullif(count(*) FILTER (WHERE pm.rotation = 'x'), 0) AS n",
        ),
        ("count(*) FILTER", "count(DISTINCT pm.uuid) FILTER"),
    ),
    hostile(
        "a median",
        "SELECT pm.person_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY cm.period_of_grace) AS m "
        "FROM @from GROUP BY pm.person_id",
        ("percentile_cont(0.5)", "percentile_disc(0.5)"),
        ("percentile_cont(0.5)", "percentile_cont(0.4)"),
        ("percentile_cont(0.5) WITHIN GROUP (ORDER BY cm.period_of_grace)", "avg(period_of_grace)"),
    ),
    hostile(
        "every one of them",
        "SELECT pm.person_id, bool_and(pm.rotation = 'x') AS v FROM @from GROUP BY pm.person_id",
        ("bool_and(", "bool_or("),
        ("bool_and(pm.rotation = 'x')", "coalesce(bool_and(pm.rotation = 'x'), false)"),
        ("pm.rotation = 'x'", "coalesce(pm.rotation = 'x', false)"),
    ),
    hostile(
        "the first of several cases",
        "SELECT cm.id, CASE WHEN cm.period_of_grace > 3 THEN pm.rotation "
        "WHEN cm.period_of_grace > 1 THEN pm.training_pathway ELSE 'none' END AS v FROM @from",
        ("> 3 THEN pm.rotation WHEN cm.period_of_grace > 1 THEN pm.training_pathway",
         "> 1 THEN pm.training_pathway WHEN cm.period_of_grace > 3 THEN pm.rotation"),
        ("> 3 THEN", ">= 3 THEN"),
        (" ELSE 'none'", ""),
    ),
    hostile(
        "pairs of rows",
        "SELECT a.id, b.id AS other FROM (SELECT cm.id, pm.person_id FROM @from) a JOIN "
        "(SELECT cm.id, pm.person_id FROM @from) b ON a.person_id = b.person_id AND a.id < b.id",
        ("a.id < b.id", "a.id <> b.id"),
        ("a.id < b.id", "a.id <= b.id"),
        ("a.person_id = b.person_id AND ", ""),
    ),
    hostile(
        "the remainder of a negative number",
        "SELECT cm.id, pm.rotation_id % 7 AS v FROM @from",
        ("pm.rotation_id % 7", "abs(pm.rotation_id) % 7"),
        ("pm.rotation_id % 7", "((pm.rotation_id % 7) + 7) % 7"),
        ("% 7", "% 8"),
    ),
    hostile(
        "no trainee at all",
        "SELECT cm.id FROM @from WHERE pm.rotation = 'x' AND NOT EXISTS (SELECT 1 FROM trainee)",
        (" AND NOT EXISTS (SELECT 1 FROM trainee)", ""),
        ("NOT EXISTS", "EXISTS"),
    ),
    hostile(
        "beside every person",
        "SELECT pm.rotation, pm.person_id FROM person CROSS JOIN @from",
        ("person CROSS JOIN ", ""),
        ("person CROSS JOIN", "(SELECT 1 FROM person LIMIT 1) x CROSS JOIN"),
    ),
    hostile(
        "a condition on a common table expression",
        "WITH w AS (SELECT cm.id, pm.person_id AS who FROM @from) SELECT w.id FROM w "
        "WHERE w.who = 4711",
        ("w.who = 4711", "w.who >= 4711"),
        ("pm.person_id", "pm.programme_id"),
        (" WHERE w.who = 4711", ""),
    ),
    hostile(
        "one of another table's keys, without a qualifier",
        "SELECT cm.id FROM @from WHERE pm.training_number_id IN (SELECT id FROM training_number "
        "WHERE training_number = 'N7')",
        (" WHERE training_number = 'N7'", ""),
        ("SELECT id FROM", "SELECT programme_id FROM"),
        (" IN (SELECT", " NOT IN (SELECT"),
    ),
    hostile(
        "no function of a schema changes that",
        "SELECT cm.id FROM @from WHERE pg_catalog.lower(pm.rotation) = 'north'",
        ("pg_catalog.lower(pm.rotation)", "pm.rotation"),
        ("pg_catalog.lower(pm.rotation)", "pg_catalog.lower(pm.leaving_reason)"),
        ("= 'north'", "LIKE 'north%'"),
    ),
    hostile(
        "as often as before",
        "SELECT pm.person_id, count(*) AS n FROM @from GROUP BY pm.person_id HAVING count(*) > 1",
        ("HAVING count(*) > 1", "HAVING count(DISTINCT cm.id) >= 1"),
        ("HAVING count(*) > 1", "HAVING count(DISTINCT pm.uuid) > 1"),
        ("HAVING count(*) > 1", "HAVING count(cm.period_of_grace) > 1"),
        ("HAVING count(*) > 1", "HAVING count(pm.rotation) > 1"),
        ("HAVING count(*) > 1", "HAVING count(cm.curriculum_end_date) > 1"),
    ),
    hostile(
        "the days between",
        "SELECT cm.id, pm.programme_end_date - pm.programme_start_date AS days, "
        "age(pm.programme_end_date, pm.programme_start_date) AS age FROM @from",
        ("age(pm.programme_end_date, pm", "age(pm.programme_end_date + 1, pm"),
        ("pm.programme_end_date - pm.programme_start_date", "1 + pm.programme_end_date "
         "- pm.programme_start_date"),
        ("age(pm.programme_end_date, pm.programme_start_date)",
         "(pm.programme_end_date - pm.programme_start_date) * interval '1 day'"),
    ),
    hostile(
        "a value more",
        "SELECT cm.id FROM @from WHERE pm.rotation = 'x'",
        ("= 'x'", "IN ('x', 'z')"),
        ("= 'x'", "= 'x' AND pm.leaving_reason IS DISTINCT FROM 'q'"),
        ("= 'x'", "= 'x' AND cm.period_of_grace IS DISTINCT FROM 471"),
        ("= 'x'", "= 'x' OR pm.programme_start_date = '2017-03-04'"),
    ),
    hostile(
        "a missing value in a row",
        "SELECT cm.id FROM @from WHERE (pm.rotation, pm.leaving_reason) = ('x', 'y')",
        ("(pm.rotation, pm.leaving_reason) = ('x', 'y')",
         "(pm.rotation, pm.leaving_reason) IN (('x', 'y'), ('y', 'x'))"),
        ("= ('x', 'y')", ">= ('x', 'y')"),
        ("(pm.rotation, pm.leaving_reason)", "(pm.leaving_reason, pm.rotation)"),
    ),
    hostile(
        "a text of the whole group",
        "SELECT pm.person_id, string_agg(DISTINCT pm.rotation, ',' ORDER BY pm.rotation) AS v "
        "FROM @from GROUP BY pm.person_id",
        ("DISTINCT pm.rotation, ',' ORDER BY pm.rotation", "pm.rotation, ',' ORDER BY pm.rotation"),
        ("ORDER BY pm.rotation)", "ORDER BY pm.rotation DESC)"),
        ("pm.rotation, ',' ORDER BY pm.rotation", "coalesce(pm.rotation, ''), ',' ORDER BY "
         "coalesce(pm.rotation, '')"),
    ),
    Hostile(
        "a change that counts twice",
        f"UPDATE {CHILD} SET period_of_grace = period_of_grace + 1 "
        "WHERE person_id IN (SELECT person_id FROM trainee)",
        f"UPDATE {CHILD} cm SET period_of_grace = cm.period_of_grace + 1 FROM {PARENT} pm "
        f"WHERE {LINK} AND pm.person_id IN (SELECT person_id FROM trainee)",
        (
            ("SELECT person_id FROM trainee", "SELECT id FROM trainee"),
            (" AND pm.person_id IN (SELECT person_id FROM trainee)", ""),
            ("pm.person_id IN (SELECT person_id FROM trainee)",
             "EXISTS (SELECT 1 FROM trainee t WHERE t.person_id = pm.programme_id)"),
            ("+ 1 FROM", "+ 2 FROM"),
        ),
    ),
    Hostile(
        "a delete of those that nobody has",
        f"DELETE FROM {CHILD} WHERE training_number_id NOT IN (SELECT id FROM training_number)",
        f"DELETE FROM {CHILD} cm USING {PARENT} pm WHERE {LINK} "
        "AND pm.training_number_id NOT IN (SELECT id FROM training_number)",
        (
            ("pm.training_number_id NOT IN (SELECT id FROM training_number)",
             "NOT EXISTS (SELECT 1 FROM training_number t WHERE t.id = pm.training_number_id)"),
            ("NOT IN", "IN"),
            (f"{LINK} AND ", ""),
        ),
    ),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("hostile", FORMS, ids=lambda one: one.name)
def test_no_wrong_form_is_called_equal_and_the_right_one_never_different(
    hostile: Hostile, connection: Connection
) -> None:
    comparer = Comparer(connection, SPLIT)
    for seed in (1, 2, 3):
        compared = comparer.compare(hostile.old, hostile.new, seed=seed)
        assert compared.verdict is Verdict.EQUAL, f"{compared.why} {compared.example}"
        for found, put in hostile.wrong:
            assert found in hostile.new
            wrong = hostile.new.replace(found, put)
            compared = comparer.compare(hostile.old, wrong, seed=seed)
            assert compared.verdict is Verdict.DIFFERENT, f"{put}: {compared.sentence}"
