"""SVG pictures inside of Markdown, as Prefect's pages show them. Pure."""

from __future__ import annotations

import base64
from html import escape

CHARACTER = 6.2  # the width of one, in the font of `picture`
INK, PALE = "#111827", "#e5e7eb"


def picture(width: float, height: float, parts: list[str]) -> str:
    """Return an SVG of these elements on white."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        'font-family="monospace" font-size="10"><rect width="100%" height="100%" fill="#ffffff"/>'
    )
    return "".join([head, *parts, "</svg>"])


def image(svg: str, alternative: str) -> str:
    """Return the Markdown of a picture, itself included."""
    return f"![{alternative}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def text(x: float, y: float, said: str, colour: str = INK) -> str:
    """Return a line of text whose upper edge is about ``y``."""
    return f'<text x="{x:.1f}" y="{y + 10:.0f}" fill="{colour}">{escape(said)}</text>'


def cut(said: str, width: float) -> str:
    """Return as much of a text as there is room for."""
    room = int(width / CHARACTER)
    return said if len(said) <= room else said[: max(room - 1, 0)] + "…"
