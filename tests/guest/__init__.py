"""Tests in Alembic projects of somebody else."""
