"""How rows of the child find their parent: the computed uuid, the link, the groups."""
