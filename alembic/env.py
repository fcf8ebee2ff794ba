"""Alembic's entry: everything is in membership_refactor.environment, and so in one place."""

from alembic import context

import membership_refactor.operations  # registers op.copy_table and the others
from membership_refactor import environment
from membership_refactor.models import Base
from membership_refactor.models.enrollment import EnrollmentBase

__all__ = ["membership_refactor"]

environment.run(context, [Base.metadata, EnrollmentBase.metadata])
