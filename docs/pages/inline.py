"""Puts the text of our pictures into the page."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

FOLDER = "pictures/"


def pictures_inline(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Each drawing of the folder is replaced by its SVG, in a frame of its own."""
    for image in list(doctree.findall(nodes.image)):
        if image["uri"].startswith(FOLDER) and image["uri"].endswith(".svg"):
            svg = (Path(app.srcdir) / image["uri"]).read_text(encoding="utf-8")
            frame = f'<div class="picture-frame">{svg}</div>'
            image.replace_self(nodes.raw("", frame, format="html"))
