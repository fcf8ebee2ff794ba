"""How Sphinx builds the site: `python3 dev.py docs`."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from docs.pages.write import write

write()

project = "membership_refactor"
author = "The authors of membership_refactor"
release = importlib.metadata.version("membership-refactor")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "membership_refactor"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
exclude_patterns = ["pages"]

pygments_style = "friendly"
pygments_dark_style = "github-dark"
nitpicky = True
