"""Tests of the whole chain, 0003 to 0011: driven up and down, killed, and compared."""
