"""Canvas: an SVG picture that can be read on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Literal

Kind = Literal["parent", "child", "link", "closed", "lock", "plain"]
Anchor = Literal["start", "middle", "end"]

Colours = Mapping[str, str | tuple[str, str]]

_LIGHT: Colours = {
    "ink": "#1f2328",
    "quiet": "#59636e",
    "parent": ("#cfe3ff", "#3b77c4"),
    "child": ("#cdebd3", "#2f8a46"),
    "link": ("#ffe0b3", "#b96a00"),
    "closed": ("#e6e8eb", "#8b949e"),
    "lock": ("#f9d0cc", "#b3261e"),
    "plain": ("none", "#8b949e"),
}
_DARK: Colours = {
    "ink": "#e6edf3",
    "quiet": "#a8b1bb",
    "parent": ("#1d3a63", "#6ea8fe"),
    "child": ("#1d4a2b", "#66c37d"),
    "link": ("#5b3d0d", "#f0a94b"),
    "closed": ("#30363d", "#8b949e"),
    "lock": ("#5c1f1b", "#ff8a80"),
    "plain": ("none", "#8b949e"),
}
SANS = "system-ui, -apple-system, 'Segoe UI', sans-serif"
MONO = "ui-monospace, 'SF Mono', Consolas, monospace"

_MARKER = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
    'markerHeight="8" orient="auto-start-reverse">'
    '<path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>'
)


class Canvas:
    """Shapes and texts of one picture; lengths are in pixels."""

    def __init__(self, width: int, height: int, *, title: str, description: str) -> None:
        self.width, self.height = width, height
        self.title, self.description = title, description
        self._shapes: list[str] = []
        self._marker = ""

    def box(self, x: float, y: float, width: float, height: float, kind: Kind) -> None:
        self._shapes.append(
            f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        anchor: Anchor = "start",
        size: int = 14,
        quiet: bool = False,
        bold: bool = False,
        mono: bool = False,
    ) -> None:
        """``y`` is the baseline."""
        flags = (("quiet", quiet), ("bold", bold), ("mono", mono))
        classes = " ".join(["ink", *(name for name, on in flags if on)])
        self._shapes.append(
            f'<text class="{classes}" x="{x:g}" y="{y:g}" font-size="{size}" '
            f'text-anchor="{anchor}">{escape(words, quote=False)}</text>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, *, faint: bool = False) -> None:
        name = "line faint" if faint else "line"
        self._shapes.append(
            f'<line class="{name}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'
        )

    def arrow(self, x1: float, y1: float, x2: float, y2: float, *, both: bool = False) -> None:
        start = ' marker-start="url(#head)"' if both else ""
        self._shapes.append(
            f'<line class="line" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"'
            f'{start} marker-end="url(#head)"/>'
        )
        self._marker = _MARKER

    def svg(self, *, styled: bool = True) -> str:
        """Without ``styled`` the page has ``STYLE`` once, for all of its pictures."""
        head = (
            f'<svg class="picture" xmlns="http://www.w3.org/2000/svg" role="img" '
            f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" font-family="{SANS}">'
        )
        return "\n".join(
            [
                head,
                f"<title>{escape(self.title)}</title>",
                f"<desc>{escape(self.description)}</desc>",
                *([f"<style>{STYLE}</style>"] if styled else []),
                *([self._marker] if self._marker else []),
                *self._shapes,
                "</svg>",
                "",
            ]
        )


def _style() -> str:
    dark = _rules(_DARK, "svg.picture")
    fixed = (
        f"svg.picture .mono{{font-family:{MONO}}}"
        "svg.picture .bold{font-weight:600}"
        "svg.picture .faint{stroke-width:1;opacity:.5}"
    )
    # The site has a switch of its own; a picture in an <img> follows the system.
    switched = _rules(_DARK, 'body[data-theme="dark"] svg.picture')
    forced = _rules(_LIGHT, 'body[data-theme="light"] svg.picture')
    return (
        _rules(_LIGHT, "svg.picture")
        + fixed
        + f"@media screen and (prefers-color-scheme:dark){{{dark}}}"
        + forced
        + switched
    )


def _rules(colours: Colours, under: str) -> str:
    found = [
        f"{under} .ink{{fill:{colours['ink']}}}{under} .quiet{{fill:{colours['quiet']}}}",
        f"{under} .line{{stroke:{colours['quiet']};stroke-width:1.5}}",
        f"{under} .head{{fill:{colours['quiet']}}}",
    ]
    for kind, colour in colours.items():
        if isinstance(colour, tuple):
            fill, stroke = colour
            found.append(f"{under} .{kind}{{fill:{fill};stroke:{stroke};stroke-width:1.2}}")
    return "".join(found)


STYLE = _style()
"""The rules of every picture."""
