-- The wide table under its first name; expect lists the columns that go to the parent.

-- name: owner_rule
-- expect: person_id programme_id programme_end_date
SELECT pm.id, pm.personId, g.owner FROM ProgrammeMembership pm
JOIN Programme g ON g.id = pm.programmeId
WHERE pm.programmeEndDate > '2021-01-01';

-- name: all_unqualified
-- expect: person_id programme_membership_type
SELECT personId, curriculumId FROM ProgrammeMembership WHERE programmeMembershipType = 'ACADEMIC';

-- name: staying_only
-- expect:
SELECT id, curriculumId FROM ProgrammeMembership WHERE intrepidId = 'a';

-- name: star
-- expect: *
SELECT * FROM ProgrammeMembership;

-- name: count_people
-- expect: person_id rotation_id rotation_id
SELECT rotationId, COUNT(DISTINCT personId) AS people FROM ProgrammeMembership GROUP BY rotationId;

-- name: latest_of_the_wide_table
-- expect: person_id programme_end_date person_id
SELECT pm.personId, MAX(pm.programmeEndDate) AS lastDay FROM ProgrammeMembership pm GROUP BY pm.personId;

-- name: wide_table_joined_to_itself
-- expect: person_id person_id rotation
SELECT a.id, b.rotation FROM ProgrammeMembership a JOIN ProgrammeMembership b ON b.personId = a.personId AND b.id > a.id;

-- name: exists_in_the_wide_table
-- expect: person_id leaving_reason
SELECT p.id FROM Person p WHERE EXISTS
  (SELECT 1 FROM ProgrammeMembership pm WHERE pm.personId = p.id AND pm.leavingReason = 'RESIGNED');

-- name: wide_columns_that_stay
-- expect:
SELECT pm.id, pm.curriculumStartDate, pm.periodOfGrace FROM ProgrammeMembership pm WHERE pm.curriculumId = 7;

-- name: pathway_of_the_wide_table
-- expect: training_pathway training_pathway
SELECT COUNT(*) AS n, trainingPathway FROM ProgrammeMembership GROUP BY trainingPathway;
