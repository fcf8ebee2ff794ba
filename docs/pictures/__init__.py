"""The pictures of the site, drawn from plain data: `python -m docs.pictures` writes them again."""
