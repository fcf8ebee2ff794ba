"""The report: where one refactoring stands, as a single HTML page for people who read no ledger."""
