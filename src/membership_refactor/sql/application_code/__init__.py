"""The application's own triggers and functions: what they need, and what would change for them."""
