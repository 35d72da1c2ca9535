"""Writes a figure as SVG: the image as pixels, everything else as shapes and text.

Each outline has the id of its cell, ``cell-12``, and a title that browsers show.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from html import escape
from pathlib import Path

from cellpose_studio.core.display.figure import (
    Bar,
    Figure,
    FigureText,
    Outline,
    PlacedLegend,
    Swatch,
)

_FONT = 'font-family="sans-serif" font-weight="bold" text-anchor="middle"'
_RIM = 'stroke="#000000" stroke-opacity="0.85" stroke-linejoin="round"'


def write_svg(figure: Figure, path: Path) -> None:
    """Write ``figure`` to ``path``; raises `OSError` if that fails."""
    import imagecodecs

    width, height = figure.size
    o = figure.options
    title = escape(figure.title)
    png = b64encode(imagecodecs.png_encode(figure.rgb)).decode("ascii")
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<svg xmlns="http://www.w3.org/2000/svg" '
            'xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'width="{o.mm(width):.4f}mm" height="{o.mm(height):.4f}mm" '
            f'viewBox="0 0 {width} {height}">\n<title>{title}</title>\n'
            f'<image id="image" width="{width}" height="{height}" '
            # Viewers would otherwise smooth the pixels when they enlarge them.
            'preserveAspectRatio="none" style="image-rendering:pixelated" '
            # Programs that only know SVG 1.1 do not understand a plain href.
            f'xlink:href="data:image/png;base64,{png}"/>\n'
        )
        file.write(
            f'<g id="outlines" fill="none" stroke-width="{o.pixels(o.line_width):g}">\n'
        )
        for outline in figure.outlines:
            file.write(_path(outline, figure.scale_x, figure.scale_y))
        file.write("</g>\n")
        size = o.pixels(o.text_size)
        words = list(figure.texts)
        if figure.bar is not None:
            file.write(_bar(figure.bar))
            middle = figure.bar.x + figure.bar.width / 2
            text = figure.bar.text
            words.append(FigureText(middle, figure.bar.text_y, text, "#ffffff"))
        if figure.legend is not None:
            file.write(_legend(figure.legend))
            words += figure.legend.texts
        font = f'{_FONT} font-size="{size:g}"'
        # The rims are separate texts, because not every program honours paint-order.
        file.write(f'<g id="rims" {font} {_RIM} stroke-width="{size / 4:g}">\n')
        file.writelines(_text(replace(word, colour="#000000"), size) for word in words)
        file.write(f'</g>\n<g id="words" {font}>\n')
        file.writelines(_text(word, size) for word in words)
        file.write("</g>\n</svg>\n")


def _path(outline: Outline, scale_x: float, scale_y: float) -> str:
    parts = [
        "M" + "L".join(f"{x * scale_x:g},{y * scale_y:g}" for x, y in line.tolist())
        for line in outline.lines
    ]
    return (
        f'<path id="cell-{outline.cell}" stroke="{outline.colour}" '
        f'd="{"Z".join(parts)}Z"><title>Cell {outline.cell}</title></path>\n'
    )


def _text(word: FigureText, size: float) -> str:
    # Half the height of a capital is added, as not every program centres text.
    place = f'x="{word.x:.2f}" y="{word.y + 0.36 * size:.2f}"'
    if word.anchor == "start":
        place += ' text-anchor="start"'
    return f'<text {place} fill="{word.colour}">{escape(word.text)}</text>\n'


def _bar(bar: Bar) -> str:
    return (
        f'<rect id="scale-bar" x="{bar.x:g}" y="{bar.y:g}" width="{bar.width:g}" '
        f'height="{bar.height:g}" fill="#ffffff" stroke="#000000" '
        f'stroke-opacity="0.6" stroke-width="{bar.height / 4:g}" '
        'paint-order="stroke"/>\n'
    )


def _legend(legend: PlacedLegend) -> str:
    box = _rectangle(legend.box, ' fill-opacity="0.6"')
    colours = "".join(_rectangle(one) for one in legend.swatches)
    return f'<g id="legend">\n{box}{colours}</g>\n'


def _rectangle(one: Swatch, more: str = "") -> str:
    return (
        f'<rect x="{one.x:g}" y="{one.y:g}" width="{one.width:g}" '
        f'height="{one.height:g}" fill="{one.colour}"{more}/>\n'
    )
