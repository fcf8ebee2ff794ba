"""Single removals of protection: each has to make a named test fail."""

import pytest

# The scenes' assertions say what they compared, as those of tests do.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in ("scenes", "moves", "fences", "stages", "handover", "way_down", "verifying")
    )
)
