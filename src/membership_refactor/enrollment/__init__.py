"""Program enrollments: find and merge duplicates, add constraints, enrol and link learners."""
