"""Print the outcome of a scan as text, JSON or SARIF, or record it in the ledger."""
