"""Let one enrollment be known by several external keys.

Revision ID: k001
Revises:

Deploy: before the code that attaches keys, and after 0002 of the main chain.
Locks: program_enrollment SHARE ROW EXCLUSIVE once: waited for 50 ms, held 20 ms at most. An index
    is built concurrently; the keys that are there are taken over in batches.
Undo: drops the tables, program_enrollment ACCESS EXCLUSIVE once; refused while one holds a key that
    no enrollment has as its own.
"""

from alembic import op

from membership_refactor._several_keys.passage import bring, take_away

revision = "k001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    bring(op.get_context())


def downgrade() -> None:
    take_away(op.get_context())
