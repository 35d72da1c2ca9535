"""Our own additions to napari's style sheet."""

from __future__ import annotations

_ACCENT = "#2f8fd8"

_COLOURS = {
    "dark": {"failure": "#6b2b2b", "note": "#274b63", "soft": "#9aa0a6"},
    "light": {"failure": "#f4c7c3", "note": "#cfe5f5", "soft": "#5f6368"},
}


def additions(theme: str) -> str:
    """Return style rules for our panels, to follow napari's own."""
    colour = _COLOURS[theme]
    return f"""
    #messageBar[kind="failure"] {{ background: {colour["failure"]}; }}
    #messageBar[kind="note"] {{ background: {colour["note"]}; }}
    #messageBar QLabel {{ background: transparent; }}
    #aboutModel, #jobText, #jobLeft {{ color: {colour["soft"]}; }}
    #run {{ background: {_ACCENT}; color: white; font-weight: bold; padding: 8px; }}
    #run:disabled {{ background: palette(mid); color: {colour["soft"]}; }}
    #welcome {{ font-size: 12pt; color: {colour["soft"]}; background: transparent; }}
    QScrollArea {{ border: none; }}
    """
