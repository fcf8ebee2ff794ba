"""The pytest plugin for projects that have a plan."""
