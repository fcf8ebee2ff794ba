"""A small shop: one wide table of order lines, split in place while the shop is open."""
