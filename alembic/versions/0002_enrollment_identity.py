"""Require an identity for every enrollment, and forbid duplicates of it.

Revision ID: 0002
Revises: 0001

Deploy: Before the code that relies on the constraints. Merge the duplicates first.
Locks: program_enrollment ACCESS EXCLUSIVE twice: waited for 50 ms, held 20 ms at most. The indexes
    are built concurrently, one at a time.
Undo: Drops the constraints. The record of merges stays.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.enrollment_identity(SPLIT)


def downgrade() -> None:
    op.undo_enrollment_identity(SPLIT)
