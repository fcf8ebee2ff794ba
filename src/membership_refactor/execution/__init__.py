"""The only part that holds connections: runner, ledger, batches, locks and retries."""
