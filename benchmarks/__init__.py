"""What the move costs, beside two baselines: `python -m benchmarks`."""
