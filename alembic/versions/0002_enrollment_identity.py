"""Let every enrollment have an identity, and none twice in a program and curriculum.

Revision ID: 0002
Revises: 0001

Deploy: before the code that relies on the constraints; duplicates are merged beforehand.
Locks: program_enrollment ACCESS EXCLUSIVE twice: waited for 50 ms, held 20 ms at most. The indexes
    are built concurrently, one at a time.
Undo: drops the constraints; the record of merges stays.
"""

from alembic import op

from membership_refactor.plans.programme_membership import SPLIT

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.enrollment_identity(SPLIT)


def downgrade() -> None:
    op.undo_enrollment_identity(SPLIT)
