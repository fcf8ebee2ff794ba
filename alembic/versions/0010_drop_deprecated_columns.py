"""Drop the deprecated columns of curriculum_membership.

Revision ID: 0010
Revises: 0009

Deploy: In a release of its own, after the code that stopped using them.
Locks: curriculum_membership ACCESS EXCLUSIVE once for each index that is dropped and once for the
    ALTER TABLE: waited for 50 ms, held 20 ms at most.
Undo: Adds the columns, empty, and their indexes concurrently. The downgrade of 0009 fills them,
    and brings back what is unique.
"""

from membership_refactor import op
from membership_refactor.plans.programme_membership import SPLIT

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_deprecated_columns(SPLIT)


def downgrade() -> None:
    op.undo_drop_deprecated_columns(SPLIT)
