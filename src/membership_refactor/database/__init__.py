"""Where a database comes from: given, in a container, on this machine, or embedded."""
