"""Tests of parallel saving between parent and child."""
