"""How Sphinx builds the site: `python3 dev.py docs`."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parents[1]))

from docs.pages.inline import pictures_inline
from docs.pages.write import write, write_wheel

write()
write_wheel()

project = "membership_refactor"
author = "The authors of membership_refactor"
release = importlib.metadata.version("membership-refactor")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["made", "pages"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
smartquotes = False
# What commands print is not typed.
copybutton_selector = "div:not(.highlight-text) > div.highlight > pre"
nitpicky = True
# Other projects' pages are not read, so that the build needs no network. Inner types have no page.
OTHERS = "alembic|collections|pathlib|psycopg|sqlalchemy"
INNER = "execution|portrait"
nitpick_ignore_regex = [("py:.*", rf"(({OTHERS})|membership_refactor\.({INNER}))\..*")]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 80

html_theme = "furo"
html_title = "membership_refactor"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"


def setup(app: Sphinx) -> None:
    """Our pictures follow the page's light or dark theme, which an <img> cannot."""
    app.connect("doctree-resolved", pictures_inline)
