"""Alembic's entry: everything is in membership_refactor.environment, and so in one place."""

from alembic import context

# Importing the operations registers op.copy_table and the others.
from membership_refactor import environment, operations
from membership_refactor.models import Base
from membership_refactor.models.enrollment import EnrollmentBase
from membership_refactor.models.several_keys import SCOPE_INDEX

environment.run(
    context,
    [Base.metadata, EnrollmentBase.metadata],
    print_head=operations.print_head,
    # The optional chain of several keys adds it to program_enrollment.
    ignored_indexes={SCOPE_INDEX},
)
