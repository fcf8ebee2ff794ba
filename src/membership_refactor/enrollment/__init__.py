"""Identities over nullable columns: find duplicates, merge them, constrain, enrol and link."""
