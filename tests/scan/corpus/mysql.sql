-- Statements in the manner of MySQL services: camelCase, unqualified names, macros of templates.
-- expect lists every occurrence of a column that goes, by the plan's name; * is a star.

-- name: trainee_header
-- expect: person_id programme_start_date programme_end_date
SELECT cm.id, cm.personId, DATE_FORMAT(cm.programmeStartDate, '%d/%m/%Y') AS starts,
       cm.programmeEndDate, cm.curriculumId
FROM CurriculumMembership cm
WHERE cm.curriculumStartDate <= CURDATE();

-- name: trainees_of_programme
-- expect: person_id programme_id programme_end_date
SELECT p.id, p.status, c.surname
FROM Person p
JOIN ContactDetails c ON c.id = p.id
JOIN CurriculumMembership cm ON cm.personId = p.id
WHERE cm.programmeId = ? AND cm.programmeEndDate >= ?
ORDER BY c.surname, p.id;

-- name: latest_end_per_person
-- expect: person_id programme_end_date person_id
SELECT personId, MAX(programmeEndDate) AS latestEnd
FROM CurriculumMembership
GROUP BY personId;

-- name: latest_row_by_derived_table
-- expect: person_id programme_end_date person_id person_id programme_end_date rotation
SELECT m.id, m.rotation
FROM CurriculumMembership m
JOIN (SELECT personId, MAX(programmeEndDate) AS lastDay
      FROM CurriculumMembership GROUP BY personId) latest
  ON latest.personId = m.personId AND latest.lastDay = m.programmeEndDate;

-- name: anti_join
-- expect: person_id
SELECT p.id
FROM Person p
LEFT JOIN CurriculumMembership cm ON cm.personId = p.id
WHERE cm.id IS NULL;

-- name: anti_join_with_condition_in_on
-- expect: person_id programme_membership_type
SELECT p.id, p.status
FROM Person p
LEFT JOIN CurriculumMembership cm
  ON cm.personId = p.id AND cm.programmeMembershipType = 'SUBSTANTIVE'
WHERE p.status = 'CURRENT' AND cm.id IS NULL;

-- name: exists_military
-- expect: person_id programme_membership_type
SELECT p.id FROM Person p
WHERE EXISTS (SELECT 1 FROM CurriculumMembership cm
              WHERE cm.personId = p.id AND cm.programmeMembershipType = 'MILITARY');

-- name: in_subquery
-- expect: person_id programme_id
SELECT p.id, p.role FROM Person p
WHERE p.id IN (SELECT personId FROM CurriculumMembership WHERE programmeId = 42);

-- name: not_in_subquery
-- expect: training_number_id training_number_id
SELECT tn.id, tn.trainingNumber FROM TrainingNumber tn
WHERE tn.id NOT IN (SELECT cm.trainingNumberId FROM CurriculumMembership cm
                    WHERE cm.trainingNumberId IS NOT NULL);

-- name: count_distinct
-- expect: person_id programme_id
SELECT COUNT(DISTINCT cm.personId) FROM CurriculumMembership cm WHERE cm.programmeId = :programme;

-- name: count_rows_by_pathway
-- expect: training_pathway training_pathway
SELECT trainingPathway, COUNT(*) AS howMany FROM CurriculumMembership GROUP BY trainingPathway;

-- name: current_by_case
-- expect: programme_start_date programme_end_date programme_start_date
SELECT id,
       CASE WHEN programmeStartDate <= '2022-06-01' AND programmeEndDate >= '2022-06-01' THEN 'CURRENT'
            WHEN programmeStartDate > '2022-06-01' THEN 'FUTURE' ELSE 'PAST' END AS state
FROM CurriculumMembership;

-- name: status_with_ifnull
-- expect: leaving_reason leaving_destination
SELECT cm.id, IFNULL(cm.leavingReason, 'none'), COALESCE(cm.leavingDestination, '') AS destination
FROM CurriculumMembership cm;

-- name: staying_columns_only
-- expect:
SELECT cm.id, cm.curriculumId, cm.curriculumEndDate FROM CurriculumMembership cm
WHERE cm.curriculumCompletionDate IS NULL;

-- name: parent_is_live
-- expect:
SELECT pm.uuid, pm.personId, pm.programmeStartDate FROM ProgrammeMembership pm
WHERE pm.programmeId = 7;

-- name: both_tables_after_the_split
-- expect:
SELECT pm.personId, pm.rotation, cm.curriculumId
FROM ProgrammeMembership pm
JOIN CurriculumMembership cm ON cm.programmeMembershipUuid = pm.uuid
WHERE pm.programmeEndDate > '2023-01-01';

-- name: half_converted
-- expect: programme_end_date
SELECT pm.personId, cm.curriculumId
FROM ProgrammeMembership pm
JOIN CurriculumMembership cm ON cm.programmeMembershipUuid = pm.uuid
WHERE cm.programmeEndDate > '2023-01-01';

-- name: same_name_on_other_tables
-- expect:
SELECT tn.programmeId, pt.personId, r.programmeId
FROM TrainingNumber tn, PersonTrust pt, Rotation r
WHERE tn.programmeId = r.programmeId AND pt.personId = 3;

-- name: same_name_beside_ours
-- expect: training_number_id
SELECT tn.programmeId, tn.trainingNumber, cm.curriculumId
FROM TrainingNumber tn
JOIN CurriculumMembership cm ON cm.trainingNumberId = tn.id;

-- name: order_by_output_alias
-- expect: person_id
SELECT cm.curriculumStartDate AS programmeStartDate, cm.personId AS owner
FROM CurriculumMembership cm
ORDER BY programmeStartDate, owner, cm.id;

-- name: group_by_input_column
-- expect: programme_id programme_id
SELECT MAX(curriculumEndDate) AS ends, programmeId AS programme
FROM CurriculumMembership
GROUP BY programmeId;

-- name: three_macros
-- expect: person_id programme_id person_id
SELECT cm.personId, cm.curriculumId
FROM CurriculumMembership cm
WHERECLAUSE(cm, programmeId)
ORDERCLAUSE(cm, personId);

-- name: macro_in_inner_query
-- expect: person_id person_id programme_end_date person_id
SELECT p.id, x.ends
FROM Person p
JOIN (SELECT cm.personId, MAX(cm.programmeEndDate) AS ends
      FROM CurriculumMembership cm
      WHERECLAUSE(cm, personId)
      GROUP BY cm.personId) x ON x.personId = p.id;

-- name: mixed_letter_case
-- expect: person_id programme_id programme_start_date
SELECT CM.PERSONID, cm.ProgrammeId FROM curriculummembership CM WHERE cM.programmestartdate > '2020-01-01';

-- name: backquoted
-- expect: person_id rotation
SELECT `cm`.`personId`, `cm`.`curriculumId` FROM `CurriculumMembership` `cm` WHERE `cm`.`rotation` = "North";

-- name: qualified_by_schema
-- expect: person_id programme_id
SELECT tcs.CurriculumMembership.id FROM tcs.CurriculumMembership
WHERE tcs.CurriculumMembership.personId = 5 AND programmeId = 6;

-- name: other_schema
-- expect:
SELECT personId FROM archive.CurriculumMembership;

-- name: union_of_people
-- expect: person_id programme_id rotation_id person_id
SELECT personId FROM CurriculumMembership WHERE programmeId = 1
UNION
SELECT personId FROM CurriculumMembership WHERE rotationId IS NOT NULL
ORDER BY personId;

-- name: having_count
-- expect: person_id person_id
SELECT personId, COUNT(*) AS rowsOfPerson FROM CurriculumMembership
GROUP BY personId HAVING rowsOfPerson > 1;

-- name: self_join_duplicates
-- expect: person_id person_id programme_id programme_id
SELECT a.id, b.id AS other
FROM CurriculumMembership a
JOIN CurriculumMembership b ON a.personId = b.personId AND a.programmeId = b.programmeId
WHERE a.id < b.id;

-- name: null_safe_comparison
-- expect: programme_membership_type programme_end_date
SELECT cm.id FROM CurriculumMembership cm
WHERE cm.programmeMembershipType <=> NULL AND cm.programmeEndDate <=> '2021-08-03';

-- name: between_dates
-- expect: programme_start_date programme_end_date
SELECT cm.id, cm.curriculumId FROM CurriculumMembership cm
WHERE '2022-09-07' BETWEEN cm.programmeStartDate AND cm.programmeEndDate;

-- name: like_pathway
-- expect: training_pathway
SELECT cm.id FROM CurriculumMembership cm WHERE cm.trainingPathway LIKE 'CC%';

-- name: select_star
-- expect: *
SELECT * FROM CurriculumMembership WHERE curriculumId = 12;

-- name: qualified_star
-- expect: * person_id
SELECT cm.*, p.status FROM CurriculumMembership cm JOIN Person p ON p.id = cm.personId;

-- name: count_star_is_no_star
-- expect:
SELECT COUNT(*) FROM CurriculumMembership cm WHERE cm.curriculumId = 4;

-- name: using_join
-- expect: programme_id
SELECT cm.id, pc.gmcProgrammeCode FROM CurriculumMembership cm JOIN ProgrammeCurriculum pc USING (programmeId);

-- name: scalar_subquery
-- expect: rotation person_id
SELECT p.id, (SELECT MAX(cm.rotation) FROM CurriculumMembership cm WHERE cm.personId = p.id) AS rotation
FROM Person p;

-- name: left_join_derived
-- expect: person_id programme_id person_id
SELECT p.id, n.programmes
FROM Person p
LEFT JOIN (SELECT personId, COUNT(DISTINCT programmeId) AS programmes
           FROM CurriculumMembership GROUP BY personId) n ON n.personId = p.id;

-- name: comma_join
-- expect: person_id programme_id
SELECT p.id, g.programmeName
FROM Person p, CurriculumMembership cm, Programme g
WHERE cm.personId = p.id AND cm.programmeId = g.id AND g.status = 'CURRENT';

-- name: left_join_chain
-- expect: person_id programme_id training_number_id
SELECT p.id, g.programmeName, tn.trainingNumber
FROM Person p
LEFT JOIN CurriculumMembership cm ON cm.personId = p.id
LEFT JOIN Programme g ON g.id = cm.programmeId
LEFT JOIN TrainingNumber tn ON tn.id = cm.trainingNumberId
WHERE p.status = 'CURRENT';

-- name: date_arithmetic
-- expect: programme_end_date
SELECT cm.id FROM CurriculumMembership cm
WHERE cm.programmeEndDate < DATE_ADD(cm.curriculumEndDate, INTERVAL 1 DAY);

-- name: in_list
-- expect: programme_membership_type
SELECT cm.id, cm.curriculumId FROM CurriculumMembership cm
WHERE cm.programmeMembershipType IN ('SUBSTANTIVE', 'LAT', 'FTSTA');

-- name: distinct_people
-- expect: person_id leaving_reason
SELECT DISTINCT cm.personId FROM CurriculumMembership cm WHERE cm.leavingReason IS NOT NULL;

-- name: update_staying_by_going
-- expect: person_id programme_id
UPDATE CurriculumMembership SET periodOfGrace = 6 WHERE personId = 11 AND programmeId = 12;

-- name: update_going
-- expect: training_pathway training_pathway
UPDATE CurriculumMembership SET trainingPathway = 'N/A' WHERE trainingPathway IS NULL;

-- name: update_joined
-- expect: programme_id
UPDATE CurriculumMembership cm JOIN Programme g ON g.id = cm.programmeId
SET cm.curriculumCompletionDate = '2024-01-01' WHERE g.status = 'INACTIVE';

-- name: delete_by_person
-- expect: person_id
DELETE FROM CurriculumMembership WHERE personId = 15;

-- name: delete_joined
-- expect: person_id
DELETE cm FROM CurriculumMembership cm JOIN Person p ON p.id = cm.personId WHERE p.status = 'DELETED';

-- name: insert_row
-- expect: person_id programme_id programme_start_date
INSERT INTO CurriculumMembership (personId, programmeId, curriculumId, programmeStartDate)
VALUES (1, 2, 3, '2020-08-01');

-- name: insert_select
-- expect: person_id programme_id
INSERT INTO PersonOwner (personId, programmeId)
SELECT cm.personId, cm.programmeId FROM CurriculumMembership cm;

-- name: commented_column
-- expect:
SELECT cm.id /* was cm.personId */, 'programmeId' AS label -- rotation
FROM CurriculumMembership cm;

-- name: procedure_body
-- expect: programme_id person_id programme_end_date
-- mechanical: no
CREATE PROCEDURE owner_of(IN pid BIGINT)
BEGIN
  DECLARE found BIGINT;
  SELECT programmeId INTO found FROM CurriculumMembership
  WHERE personId = pid ORDER BY programmeEndDate DESC LIMIT 1;
  IF found IS NULL THEN SET found = 0; END IF;
END;

-- name: trigger_body
-- expect: person_id person_id
-- mechanical: no
CREATE TRIGGER refresh_owner AFTER UPDATE ON CurriculumMembership FOR EACH ROW
BEGIN
  IF NEW.personId <> OLD.personId THEN DELETE FROM PersonOwner WHERE id = 1; END IF;
END;

-- name: view_of_programmes
-- expect: person_id programme_id
CREATE VIEW currentProgrammes AS
SELECT cm.personId, g.programmeName FROM CurriculumMembership cm JOIN Programme g ON g.id = cm.programmeId;

-- name: index_hint
-- expect: person_id
-- mechanical: no
SELECT cm.id FROM CurriculumMembership cm FORCE INDEX (fk_person) WHERE cm.personId = 3;

-- name: straight_condition
-- expect: rotation person_id
SELECT cm.id, cm.rotation FROM CurriculumMembership cm WHERE cm.personId = 5;

-- name: if_of_reason
-- expect: leaving_reason
SELECT cm.id, IF(cm.leavingReason IS NULL, 'in', 'out') AS state FROM CurriculumMembership cm;

-- name: concat_of_words
-- expect: rotation training_pathway
SELECT cm.id, CONCAT(cm.rotation, ' ', cm.trainingPathway) AS label FROM CurriculumMembership cm;

-- name: coalesce_of_days
-- expect: programme_end_date programme_start_date
SELECT cm.id, COALESCE(cm.programmeEndDate, cm.programmeStartDate) AS day FROM CurriculumMembership cm;

-- name: year_of_start
-- expect: programme_start_date
SELECT cm.id, YEAR(cm.programmeStartDate) AS startYear FROM CurriculumMembership cm;

-- name: days_left
-- expect: programme_end_date
SELECT cm.id, DATEDIFF(cm.programmeEndDate, '2021-01-01') AS daysLeft FROM CurriculumMembership cm;

-- name: added_days
-- expect: programme_end_date
SELECT cm.id FROM CurriculumMembership cm WHERE DATE_ADD(cm.programmeEndDate, INTERVAL 30 DAY) > '2021-01-01';

-- name: not_equal_type
-- expect: programme_membership_type
SELECT cm.id FROM CurriculumMembership cm WHERE cm.programmeMembershipType <> 'LAT';

-- name: or_of_two
-- expect: rotation leaving_destination
SELECT cm.id FROM CurriculumMembership cm WHERE cm.rotation = 'North' OR cm.leavingDestination = 'abroad';

-- name: nested_conditions
-- expect: person_id programme_id programme_end_date
SELECT cm.id FROM CurriculumMembership cm
WHERE cm.personId = 4 AND (cm.programmeId = 9 OR cm.programmeEndDate IS NULL);

-- name: is_not_null
-- expect: training_number_id
SELECT cm.id FROM CurriculumMembership cm WHERE cm.trainingNumberId IS NOT NULL;

-- name: number_joined
-- expect: training_number_id person_id
SELECT tn.trainingNumber, cm.personId FROM TrainingNumber tn JOIN CurriculumMembership cm ON cm.trainingNumberId = tn.id;

-- name: two_left_joins
-- expect: person_id programme_id
SELECT p.id, g.owner FROM Person p LEFT JOIN CurriculumMembership cm ON cm.personId = p.id
LEFT JOIN Programme g ON g.id = cm.programmeId;

-- name: right_join
-- expect: person_id
SELECT p.id, cm.curriculumId FROM CurriculumMembership cm RIGHT JOIN Person p ON p.id = cm.personId;

-- name: grouped_by_programme_and_type
-- expect: programme_id programme_membership_type programme_id programme_membership_type
SELECT cm.programmeId, cm.programmeMembershipType, COUNT(*) AS n FROM CurriculumMembership cm
GROUP BY cm.programmeId, cm.programmeMembershipType;

-- name: average_of_grace
-- expect: programme_id programme_id
SELECT cm.programmeId, SUM(cm.periodOfGrace) AS total FROM CurriculumMembership cm GROUP BY cm.programmeId;

-- name: having_of_dates
-- expect: person_id person_id programme_end_date
SELECT cm.personId FROM CurriculumMembership cm GROUP BY cm.personId HAVING MAX(cm.programmeEndDate) < '2020-01-01';

-- name: exists_without_alias
-- expect: person_id
SELECT p.id FROM Person p WHERE EXISTS (SELECT 1 FROM CurriculumMembership WHERE personId = p.id);

-- name: in_subquery_of_two_conditions
-- expect: person_id rotation training_pathway
SELECT p.id FROM Person p WHERE p.id IN
  (SELECT cm.personId FROM CurriculumMembership cm WHERE cm.rotation = 'x' AND cm.trainingPathway = 'CCT');

-- name: derived_counts
-- expect: person_id person_id
SELECT p.id, t.n FROM Person p JOIN (SELECT personId, COUNT(*) AS n FROM CurriculumMembership GROUP BY personId) t
  ON t.personId = p.id;

-- name: union_all_words
-- expect: rotation leaving_reason
SELECT rotation AS word FROM CurriculumMembership UNION ALL SELECT leavingReason FROM CurriculumMembership;

-- name: distinct_pairs
-- expect: person_id programme_id
SELECT DISTINCT cm.personId, cm.programmeId FROM CurriculumMembership cm;

-- name: ordered_by_two
-- expect: programme_start_date programme_start_date
SELECT cm.id, cm.programmeStartDate FROM CurriculumMembership cm ORDER BY cm.programmeStartDate DESC, cm.id;

-- name: limited_with_a_total_order
-- expect: person_id programme_end_date
SELECT cm.id FROM CurriculumMembership cm WHERE cm.personId = :person ORDER BY cm.programmeEndDate, cm.id LIMIT 1;

-- name: case_of_simple_kind
-- expect: programme_membership_type
SELECT cm.id, CASE cm.programmeMembershipType WHEN 'LAT' THEN 1 WHEN 'FTSTA' THEN 2 ELSE 3 END AS kind
FROM CurriculumMembership cm;

-- name: parameter_beside_text
-- expect: person_id leaving_reason
SELECT cm.id FROM CurriculumMembership cm WHERE cm.personId = :person AND cm.leavingReason = :reason;

-- name: list_of_parameters
-- expect: programme_id
SELECT cm.id FROM CurriculumMembership cm WHERE cm.programmeId IN (:a, :b);

-- name: question_marks
-- expect: person_id programme_start_date
SELECT cm.id FROM CurriculumMembership cm WHERE cm.personId = ? AND cm.programmeStartDate > ?;

-- name: comments_between
-- expect: rotation
SELECT cm.id, /* cm.personId */ cm.rotation -- and cm.programmeId
FROM CurriculumMembership cm;

-- name: hash_comment
-- expect: rotation
SELECT cm.id, cm.rotation # cm.personId
FROM CurriculumMembership cm;

-- name: many_blanks
-- expect: person_id rotation
SELECT   cm . personId ,   cm.rotation
    FROM     CurriculumMembership      cm    ;

-- name: upper_case_columns
-- expect: person_id rotation
SELECT CM.PERSONID, CM.ROTATION FROM CurriculumMembership CM;

-- name: alias_with_as
-- expect: leaving_destination
SELECT m.leavingDestination AS `to` FROM CurriculumMembership AS m;

-- name: backquoted_alias
-- expect: rotation
SELECT `m`.`rotation` FROM `CurriculumMembership` `m`;

-- name: schema_and_alias
-- expect: person_id
SELECT m.personId FROM tcs.CurriculumMembership m;

-- name: columns_of_another_table
-- expect:
SELECT r.personId, r.rotation FROM RotationPlan r WHERE r.programmeId = 3;

-- name: word_in_text
-- expect:
SELECT cm.id, 'CurriculumMembership.personId' AS note FROM CurriculumMembership cm;

-- name: alias_called_like_a_column
-- expect:
SELECT cm.id AS personId FROM CurriculumMembership cm ORDER BY personId;

-- name: parents_own_columns
-- expect:
SELECT pm.personId, pm.programmeEndDate FROM ProgrammeMembership pm WHERE pm.rotation = 'x';

-- name: insert_ignore
-- expect: person_id
-- mechanical: no
INSERT IGNORE INTO CurriculumMembership (personId, curriculumId) VALUES (1, 2);

-- name: insert_set
-- expect: person_id
-- mechanical: no
INSERT INTO CurriculumMembership SET personId = 1, curriculumId = 2;

-- name: replace_row
-- expect: rotation
-- mechanical: no
REPLACE INTO CurriculumMembership (id, rotation) VALUES (1, 'x');

-- name: update_of_staying_columns
-- expect:
UPDATE CurriculumMembership SET periodOfGrace = 1 WHERE curriculumId = 3;

-- name: update_by_join_with_person
-- expect: person_id leaving_reason
UPDATE CurriculumMembership cm JOIN Person p ON p.id = cm.personId SET cm.leavingReason = 'x' WHERE p.status = 'GONE';

-- name: delete_by_dates
-- expect: programme_end_date
DELETE FROM CurriculumMembership WHERE programmeEndDate < '2010-01-01';
