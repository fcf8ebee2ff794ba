"""Give every distinct key its one row in programme_membership.

Revision ID: 0007
Revises: 0006

Deploy: at any time; applications cannot reach the table yet.
Locks: curriculum_membership SHARE ROW EXCLUSIVE and ACCESS EXCLUSIVE once each, the tables that it
    refers to SHARE ROW EXCLUSIVE: 50 ms and 20 ms at most.
Undo: empties the table; it is made of curriculum_membership and can be made again.
"""

from alembic import op

from membership_refactor.plans.programme_membership import SPLIT

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rebuild_parent(SPLIT)


def downgrade() -> None:
    op.undo_rebuild_parent(SPLIT)
