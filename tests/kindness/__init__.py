"""Kindness: batches wait for replicas, WAL, load and DBAs; who holds a switch up is named."""
