"""How children find their parent: the uuid computed from the key, the link, the grouping."""
