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
