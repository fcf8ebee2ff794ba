"""One command for many tenants: which schemas it means, who works on them, and what came of it."""
