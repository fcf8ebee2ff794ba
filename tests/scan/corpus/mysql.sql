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
