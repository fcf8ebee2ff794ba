"""What a scan says about a file: references, uses of tables, dangers, notes."""
