"""The watch: samples, windows, attribution, and what hides from them."""
