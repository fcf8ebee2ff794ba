"""0005 and its downgrade: moving name, id sequence, keys, triggers, publications and dependents."""
