"""The tests that `pytest --refactor` gives to a project."""
