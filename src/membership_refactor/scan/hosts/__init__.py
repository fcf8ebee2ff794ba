"""Where SQL stands: files, strings of programs, bodies, the catalog."""
