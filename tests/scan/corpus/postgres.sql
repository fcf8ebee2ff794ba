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
