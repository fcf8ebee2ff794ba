"""SQL of the ledger: its tables and what is written into them."""
