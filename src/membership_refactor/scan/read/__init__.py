"""Find SQL: in SQL files, in strings of programs, in bodies of routines, in the catalog."""
