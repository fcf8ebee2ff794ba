"""Runs the revisions. What it does is in membership_refactor.environment."""

# Importing operations adds the verbs of the steps to Alembic's op.
from sqlalchemy import MetaData

from membership_refactor import environment, operations
from membership_refactor.plans.program_enrollment import SCOPE_INDEX


def models() -> list[MetaData]:
    """The current models. They are imported only by a command that compares them."""
    from membership_refactor.models import Base
    from membership_refactor.models.enrollment import EnrollmentBase

    return [Base.metadata, EnrollmentBase.metadata]


environment.run(
    models,
    print_head=operations.print_head,
    ask_first=operations.ask_first,
    # The optional chain of several keys adds this index to program_enrollment.
    ignored_indexes={SCOPE_INDEX},
)
