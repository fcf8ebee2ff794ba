"""Crashes of the server, lost connections, a full disk, and movers that wake up too late."""
