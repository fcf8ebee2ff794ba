"""SQL as text: pure functions of a plan and a portrait, nothing here holds a connection."""
