"""Runs the revisions. What it does is in membership_refactor.environment."""

# Importing operations adds the verbs of the steps to Alembic's op.
from membership_refactor import environment, operations
from membership_refactor.models import Base
from membership_refactor.models.enrollment import EnrollmentBase
from membership_refactor.models.several_keys import SCOPE_INDEX

environment.run(
    [Base.metadata, EnrollmentBase.metadata],
    print_head=operations.print_head,
    ask_first=operations.ask_first,
    # The optional chain of several keys adds this index to program_enrollment.
    ignored_indexes={SCOPE_INDEX},
)
