"""Allow several external keys for one enrollment.

Revision ID: k001
Revises:

Deploy: Before the code that attaches keys, and after 0002 of the main chain.
Locks: program_enrollment SHARE ROW EXCLUSIVE once: waited for 50 ms, held 20 ms at most. An index
    is built concurrently. Existing keys are copied in batches.
Undo: Drops the tables, with program_enrollment ACCESS EXCLUSIVE once. Is refused while one holds a
    key that is not an enrollment's own.
"""

from alembic import op

from membership_refactor._several_keys.upgrade import add_keys, remove_keys

revision = "k001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_keys(op.get_context())


def downgrade() -> None:
    remove_keys(op.get_context())
