"""The outcome of a scan as text, JSON and SARIF."""
