-- Statements in the manner of a data warehouse and of services on PostgreSQL: snake_case.

-- name: plain
-- expect: person_id programme_id
SELECT person_id, programme_id, curriculum_id FROM curriculum_membership;

-- name: quoted_identifiers
-- expect: person_id rotation
SELECT "cm"."person_id", cm.curriculum_id FROM "curriculum_membership" AS "cm" WHERE cm."rotation" = 'East';

-- name: quoted_in_capitals_is_another
-- expect:
-- mechanical: no
SELECT "PERSON_ID" FROM "CURRICULUM_MEMBERSHIP";

-- name: cte_latest
-- expect: person_id programme_end_date person_id
WITH latest AS (
  SELECT person_id, max(programme_end_date) AS ends FROM curriculum_membership GROUP BY person_id
)
SELECT p.id, latest.ends FROM person p JOIN latest ON latest.person_id = p.id;

-- name: cte_called_like_the_table
-- expect:
WITH curriculum_membership AS (SELECT id AS person_id FROM trainee)
SELECT person_id FROM curriculum_membership;

-- name: window_function
-- expect: person_id programme_start_date person_id
SELECT id, person_id, row_number() OVER (PARTITION BY person_id ORDER BY programme_start_date, id) AS n
FROM curriculum_membership;

-- name: named_window
-- expect: programme_id person_id
SELECT id, count(*) OVER w AS together FROM curriculum_membership
WINDOW w AS (PARTITION BY programme_id, person_id);

-- name: filter_clause
-- expect: programme_id programme_membership_type programme_id
SELECT programme_id, count(*) FILTER (WHERE programme_membership_type = 'LAT') AS lat
FROM curriculum_membership GROUP BY programme_id;

-- name: not_distinct
-- expect: programme_membership_type programme_start_date
SELECT id FROM curriculum_membership
WHERE programme_membership_type IS NOT DISTINCT FROM 'VISITOR' AND programme_start_date IS NULL;

-- name: lateral_latest
-- expect: rotation person_id programme_end_date
SELECT p.id, last.rotation
FROM person p
CROSS JOIN LATERAL (
  SELECT cm.rotation FROM curriculum_membership cm WHERE cm.person_id = p.id
  ORDER BY cm.programme_end_date DESC NULLS LAST, cm.id LIMIT 1) last;

-- name: distinct_on
-- expect: person_id person_id training_pathway person_id programme_end_date
SELECT DISTINCT ON (person_id) person_id, training_pathway, id FROM curriculum_membership
ORDER BY curriculum_membership.person_id, programme_end_date DESC, id;

-- name: any_array
-- expect: programme_id
SELECT id FROM curriculum_membership WHERE programme_id = ANY (ARRAY[3, 4, 5]);

-- name: casts
-- expect: programme_start_date training_number_id
SELECT id, programme_start_date::text AS starts, CAST(training_number_id AS text) AS number
FROM curriculum_membership;

-- name: numbered_parameters_without_blank
-- expect: person_id programme_id
SELECT id FROM curriculum_membership WHERE (person_id,programme_id) IN (($1,$2));

-- name: typed_parameter
-- expect: programme_end_date
SELECT id FROM curriculum_membership WHERE programme_end_date > date $1;

-- name: python_parameters
-- expect: person_id leaving_reason
SELECT id FROM curriculum_membership WHERE person_id = %(person)s AND leaving_reason = %(reason)s;

-- name: star_in_derived_table
-- expect: *
SELECT x.id, x.curriculum_id FROM (SELECT * FROM curriculum_membership) x;

-- name: count_of_alias
-- expect: person_id
SELECT person_id AS owner, id FROM curriculum_membership ORDER BY owner, id;

-- name: whole_row
-- expect: *
SELECT row_to_json(w) FROM curriculum_membership w;

-- name: field_of_row
-- expect: rotation
SELECT (w).rotation, w.id FROM curriculum_membership w;

-- name: alias_column_list
-- expect: person_id
SELECT w.owner FROM curriculum_membership AS w (number, owner);

-- name: natural_join_parent
-- expect: *
-- mechanical: no
SELECT count(*) FROM curriculum_membership NATURAL JOIN unknown_table;

-- name: correlated_inner_name
-- expect: person_id
SELECT t.id FROM trainee t WHERE EXISTS (SELECT 1 FROM curriculum_membership WHERE person_id = t.id);

-- name: case_when_missing
-- expect: leaving_destination leaving_destination
SELECT id, CASE WHEN leaving_destination IS NULL THEN '' ELSE leaving_destination END AS gone_to
FROM curriculum_membership;

-- name: full_join
-- expect: person_id
SELECT p.id, cm.curriculum_id FROM person p FULL JOIN curriculum_membership cm ON cm.person_id = p.id;

-- name: except_query
-- expect: person_id
SELECT id FROM person EXCEPT SELECT person_id FROM curriculum_membership;

-- name: string_agg_ordered
-- expect: person_id rotation rotation person_id
SELECT person_id, string_agg(rotation, ', ' ORDER BY rotation) AS rotations
FROM curriculum_membership GROUP BY person_id;

-- name: group_by_primary_key
-- expect: person_id programme_id
SELECT cm.id, cm.person_id, cm.programme_id, count(v.id) AS visits
FROM curriculum_membership cm LEFT JOIN visit v ON v.membership_id = cm.id
GROUP BY cm.id;

-- name: update_from
-- expect: person_id
UPDATE curriculum_membership AS w SET period_of_grace = 3 FROM person p
WHERE p.id = w.person_id AND p.status = 'CURRENT';

-- name: update_both_kinds
-- expect: rotation programme_id
UPDATE curriculum_membership w SET rotation = 'South', intrepid_id = 'x1' WHERE w.programme_id = 9;

-- name: update_parent_by_parent
-- expect: leaving_reason person_id
UPDATE curriculum_membership SET leaving_reason = 'moved' WHERE person_id = 8;

-- name: update_key
-- expect: programme_end_date person_id
UPDATE curriculum_membership SET programme_end_date = '2026-01-01' WHERE person_id = 8;

-- name: update_sibling
-- expect: rotation
UPDATE curriculum_membership SET rotation = 'West' WHERE id = 8;

-- name: delete_using
-- expect: programme_id
DELETE FROM curriculum_membership cm USING programme g WHERE g.id = cm.programme_id AND g.status = 'CLOSED';

-- name: delete_returning
-- expect: programme_id
DELETE FROM curriculum_membership WHERE programme_id = 77 RETURNING id;

-- name: insert_row
-- expect: person_id programme_id programme_start_date rotation
INSERT INTO curriculum_membership (person_id, programme_id, programme_start_date, rotation, curriculum_id)
VALUES (31, 32, '2024-02-01', 'North', 5);

-- name: insert_on_conflict
-- expect: rotation rotation rotation
INSERT INTO curriculum_membership (id, rotation) VALUES (1, 'x')
ON CONFLICT (id) DO UPDATE SET rotation = excluded.rotation;

-- name: merge
-- expect: person_id rotation
MERGE INTO curriculum_membership w USING incoming i ON i.id = w.person_id
WHEN MATCHED THEN UPDATE SET rotation = i.name;

-- name: explain
-- expect: person_id
EXPLAIN (ANALYZE, BUFFERS) SELECT id FROM curriculum_membership WHERE person_id = 4;

-- name: prepare
-- expect: programme_id
PREPARE by_programme (bigint) AS SELECT id FROM curriculum_membership WHERE programme_id = $1;

-- name: cursor
-- expect: training_number_id
DECLARE rows_of CURSOR FOR SELECT id FROM curriculum_membership WHERE training_number_id IS NULL;

-- name: copy_query
-- expect: person_id
COPY (SELECT id, person_id FROM curriculum_membership) TO STDOUT;

-- name: copy_columns
-- expect: person_id rotation
COPY curriculum_membership (id, person_id, rotation) TO STDOUT;

-- name: create_index
-- expect: person_id rotation
CREATE INDEX ix_owner ON curriculum_membership (person_id, lower(rotation)) WHERE curriculum_id > 0;

-- name: grant_columns
-- expect: person_id
GRANT SELECT (id, person_id) ON curriculum_membership TO reader;

-- name: policy
-- expect: programme_id
CREATE POLICY own_rows ON curriculum_membership USING (programme_id = 3);

-- name: materialised_view
-- expect: programme_id programme_id
CREATE MATERIALIZED VIEW sizes AS SELECT programme_id, count(*) FROM curriculum_membership GROUP BY programme_id;

-- name: plpgsql_function
-- expect: programme_end_date person_id rotation person_id
-- mechanical: no
CREATE FUNCTION status_of(pid bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE ends date; r record;
BEGIN
  SELECT max(programme_end_date) INTO ends FROM curriculum_membership WHERE person_id = pid;
  FOR r IN SELECT rotation FROM curriculum_membership cm WHERE cm.person_id = pid LOOP
    RAISE NOTICE '%', r.rotation;
  END LOOP;
  RETURN ends::text;
END $$;

-- name: trigger_function
-- expect: person_id
-- mechanical: no
CREATE FUNCTION note_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('curriculum_membership', NEW.person_id::text);
  RETURN NEW;
END $$;

-- name: executed_text
-- expect: programme_id
-- mechanical: no
DO $$ BEGIN EXECUTE 'SELECT id FROM curriculum_membership WHERE programme_id = 3'; END $$;

-- name: type_of_column
-- expect: programme_start_date
-- mechanical: no
CREATE FUNCTION first_day() RETURNS date LANGUAGE plpgsql AS $$
DECLARE d curriculum_membership.programme_start_date%TYPE;
BEGIN RETURN d; END $$;

-- name: ids_of_two_programmes
-- expect: programme_id
SELECT id FROM curriculum_membership WHERE programme_id IN (11, 12);

-- name: not_in_list
-- expect: programme_membership_type
SELECT id FROM curriculum_membership WHERE programme_membership_type NOT IN ('LAT', 'FTSTA');

-- name: between_of_dates
-- expect: programme_start_date
SELECT id, curriculum_id FROM curriculum_membership WHERE programme_start_date BETWEEN '2019-08-01' AND '2020-07-31';

-- name: overlapping_days
-- expect: programme_start_date programme_end_date
SELECT id FROM curriculum_membership WHERE programme_start_date <= '2021-08-04' AND programme_end_date >= '2021-08-04';

-- name: ilike_of_rotation
-- expect: rotation rotation
SELECT id, rotation FROM curriculum_membership WHERE rotation ILIKE 'north%';

-- name: upper_of_text
-- expect: leaving_reason
SELECT id FROM curriculum_membership WHERE upper(leaving_reason) = 'RESIGNED';

-- name: coalesce_of_two
-- expect: leaving_destination leaving_reason
SELECT id, coalesce(leaving_destination, leaving_reason, '') AS why FROM curriculum_membership;

-- name: nullif_of_text
-- expect: training_pathway
SELECT id, nullif(training_pathway, 'N/A') AS pathway FROM curriculum_membership;

-- name: concatenated
-- expect: rotation training_pathway
SELECT id, rotation || '/' || training_pathway AS label FROM curriculum_membership;

-- name: searched_case
-- expect: programme_end_date programme_start_date
SELECT id, CASE WHEN programme_end_date < '2020-01-01' THEN 'past' WHEN programme_start_date > '2020-01-01'
  THEN 'future' ELSE 'now' END AS state FROM curriculum_membership;

-- name: grouped_twice
-- expect: person_id programme_id person_id programme_id
SELECT person_id, programme_id, count(*) AS n FROM curriculum_membership GROUP BY person_id, programme_id;

-- name: having_two_curricula
-- expect: person_id person_id
SELECT person_id FROM curriculum_membership GROUP BY person_id HAVING count(DISTINCT curriculum_id) > 1;

-- name: smallest_and_largest
-- expect: programme_id programme_start_date programme_end_date programme_id
SELECT programme_id, min(programme_start_date) AS first_day, max(programme_end_date) AS last_day
FROM curriculum_membership GROUP BY programme_id;

-- name: count_of_missing
-- expect: leaving_reason
SELECT count(*) - count(leaving_reason) AS missing FROM curriculum_membership;

-- name: any_and_every
-- expect: person_id rotation person_id
SELECT person_id, bool_or(rotation = 'East') AS east FROM curriculum_membership GROUP BY person_id;

-- name: join_of_programme
-- expect: programme_id person_id
SELECT g.owner, cm.person_id FROM curriculum_membership cm JOIN programme g ON g.id = cm.programme_id;

-- name: right_join_of_person
-- expect: person_id rotation
SELECT p.id, cm.rotation FROM curriculum_membership cm RIGHT JOIN person p ON p.id = cm.person_id;

-- name: brackets_of_brackets
-- expect: programme_id person_id
SELECT p.id FROM person p LEFT JOIN (curriculum_membership cm JOIN programme g ON g.id = cm.programme_id)
  ON cm.person_id = p.id;

-- name: cross_join_with_condition
-- expect: rotation_id
SELECT r.name FROM rotation r CROSS JOIN curriculum_membership cm WHERE cm.rotation_id = r.id;

-- name: using_of_one_column
-- expect: person_id
SELECT cm.id FROM curriculum_membership cm JOIN trainee t USING (person_id);

-- name: self_join_of_neighbours
-- expect: person_id person_id programme_end_date programme_start_date
SELECT a.id AS before, b.id AS after FROM curriculum_membership a JOIN curriculum_membership b
  ON a.person_id = b.person_id AND a.programme_end_date < b.programme_start_date;

-- name: scalar_in_select_list
-- expect: programme_end_date person_id
SELECT p.id, (SELECT max(cm.programme_end_date) FROM curriculum_membership cm WHERE cm.person_id = p.id) AS last_day
FROM person p;

-- name: scalar_in_where
-- expect: programme_start_date programme_start_date
SELECT id FROM curriculum_membership WHERE programme_start_date = (SELECT min(programme_start_date) FROM curriculum_membership);

-- name: all_of_a_subquery
-- expect: programme_end_date programme_end_date person_id
SELECT id FROM curriculum_membership WHERE programme_end_date >= ALL
  (SELECT w.programme_end_date FROM curriculum_membership w WHERE w.person_id = 7);

-- name: not_exists_of_another_programme
-- expect: person_id person_id programme_id programme_id
SELECT a.id FROM curriculum_membership a WHERE NOT EXISTS (SELECT 1 FROM curriculum_membership b
  WHERE b.person_id = a.person_id AND b.programme_id <> a.programme_id);

-- name: two_ctes
-- expect: person_id rotation person_id leaving_reason
WITH north AS (SELECT person_id FROM curriculum_membership WHERE rotation = 'North'),
     gone AS (SELECT person_id FROM curriculum_membership WHERE leaving_reason IS NOT NULL)
SELECT n.person_id FROM north n JOIN gone g ON g.person_id = n.person_id;

-- name: cte_with_column_list
-- expect: person_id programme_id
WITH pairs (who, what) AS (SELECT person_id, programme_id FROM curriculum_membership)
SELECT who, count(DISTINCT what) AS n FROM pairs GROUP BY who;

-- name: cte_that_is_not_read
-- expect: rotation
WITH unused AS (SELECT rotation FROM curriculum_membership) SELECT id FROM person;

-- name: recursive_cte
-- expect: person_id
WITH RECURSIVE steps (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < 3)
SELECT s.n, cm.id FROM steps s JOIN curriculum_membership cm ON cm.person_id = s.n;

-- name: union_all_of_two
-- expect: rotation training_pathway
SELECT rotation AS word FROM curriculum_membership UNION ALL SELECT training_pathway FROM curriculum_membership;

-- name: intersect_of_two
-- expect: person_id rotation person_id leaving_reason
SELECT person_id FROM curriculum_membership WHERE rotation = 'East' INTERSECT
SELECT person_id FROM curriculum_membership WHERE leaving_reason IS NULL;

-- name: order_by_number
-- expect: programme_end_date
SELECT id, programme_end_date FROM curriculum_membership ORDER BY 2 DESC, 1;

-- name: order_by_expression
-- expect: rotation
SELECT id FROM curriculum_membership ORDER BY lower(rotation), id;

-- name: limit_with_a_total_order
-- expect: programme_start_date
SELECT id FROM curriculum_membership ORDER BY programme_start_date, id LIMIT 5 OFFSET 1;

-- name: lag_over_persons
-- expect: programme_end_date person_id programme_start_date
SELECT id, lag(programme_end_date) OVER (PARTITION BY person_id ORDER BY programme_start_date, id) AS before
FROM curriculum_membership;

-- name: share_of_a_window
-- expect: programme_id
SELECT id, count(*) OVER (PARTITION BY programme_id) AS size FROM curriculum_membership;

-- name: grouping_sets
-- expect: programme_id rotation programme_id rotation
SELECT programme_id, rotation, count(*) AS n FROM curriculum_membership GROUP BY GROUPING SETS ((programme_id), (rotation));

-- name: extract_year
-- expect: programme_start_date
SELECT id, extract(year FROM programme_start_date) AS year FROM curriculum_membership;

-- name: date_trunc_month
-- expect: programme_end_date
SELECT date_trunc('month', programme_end_date) AS month, count(*) AS n FROM curriculum_membership GROUP BY 1;

-- name: interval_arithmetic
-- expect: programme_end_date
SELECT id FROM curriculum_membership WHERE programme_end_date + interval '3 months' > '2021-01-01';

-- name: days_between
-- expect: programme_end_date programme_start_date
SELECT id, programme_end_date - programme_start_date AS days FROM curriculum_membership;

-- name: row_comparison
-- expect: person_id programme_id
SELECT id FROM curriculum_membership WHERE (person_id, programme_id) = (3, 4);

-- name: values_joined
-- expect: person_id
SELECT cm.id FROM curriculum_membership cm JOIN (VALUES (1), (2)) AS v (n) ON v.n = cm.person_id;

-- name: for_update_of_rows
-- expect: person_id
SELECT id FROM curriculum_membership WHERE person_id = 4 FOR UPDATE;

-- name: quoted_mixed_aliases
-- expect: rotation person_id
SELECT "CM".rotation AS "Rotation" FROM curriculum_membership "CM" WHERE "CM"."person_id" = 3;

-- name: schema_before_the_table
-- expect: rotation
SELECT cm.rotation FROM public.curriculum_membership cm;

-- name: another_schema
-- expect:
-- mechanical: no
SELECT cm.rotation FROM archive.curriculum_membership cm;

-- name: columns_of_others
-- expect:
SELECT t.person_id, t.rotation FROM trainee_summary t WHERE t.leaving_reason = 'x';

-- name: word_in_a_string
-- expect:
SELECT id, 'person_id of curriculum_membership' AS note FROM curriculum_membership;

-- name: word_as_alias
-- expect:
SELECT id AS person_id FROM curriculum_membership ORDER BY person_id;

-- name: parent_after_the_split
-- expect:
SELECT pm.person_id, pm.rotation FROM programme_membership pm WHERE pm.programme_end_date > '2020-01-01';

-- name: truncate_of_the_child
-- expect:
TRUNCATE curriculum_membership;

-- name: insert_of_staying_columns
-- expect:
INSERT INTO curriculum_membership (curriculum_id, period_of_grace) VALUES (1, 2);

-- name: delete_of_one
-- expect:
DELETE FROM curriculum_membership WHERE id = 3;

-- name: update_with_subquery
-- expect: person_id
UPDATE person SET status = 'x' WHERE id IN (SELECT person_id FROM curriculum_membership);

-- name: create_view_of_rotations
-- expect: rotation person_id
CREATE VIEW rotations AS SELECT cm.rotation, cm.person_id FROM curriculum_membership cm;

-- name: comment_on_column
-- expect: rotation
COMMENT ON COLUMN curriculum_membership.rotation IS 'where';

-- name: prepared_update
-- expect: leaving_reason person_id
PREPARE leave AS UPDATE curriculum_membership SET leaving_reason = $1 WHERE person_id = $2;
