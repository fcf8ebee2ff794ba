"""The chain of steps 0003 to 0011, driven up and down on real databases."""
