"""The mark by which the server's statistics and logs show that the tool ran a statement."""

from __future__ import annotations

MARK = "/* membership_refactor */"
"""It stands at the end of each statement: comments before the first word are not kept by every
version."""
