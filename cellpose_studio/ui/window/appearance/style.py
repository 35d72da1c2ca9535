"""Additions to napari's style sheet, in the colours of its theme."""

from __future__ import annotations

# The text of a spin box has no room beside its buttons if there is padding as well.
ADDITIONS = """
#messageBar[kind="failure"] { background: {{ error }}; }
#messageBar[kind="failure"] QLabel { color: white; }
#messageBar[kind="note"] { background: {{ primary }}; }
#messageBar QLabel, #dialogNote QLabel { background: transparent; }
#dialogNote { background: {{ primary }}; }
#aboutModel, #jobText, #jobLeft, #welcome { color: {{ opacity(text, 170) }}; }
#uncertainty { color: {{ opacity(text, 200) }}; }
#hint { background: {{ warning }}; color: black; padding: 6px; border-radius: 3px; }
#run { background: {{ current }}; font-weight: bold; padding: 8px; }
#run:hover { background: {{ lighten(current, 10) }}; }
#run:disabled { background: {{ foreground }}; color: {{ opacity(text, 90) }}; }
#welcome { font-size: {{ increase(font_size, 3) }}; background: transparent; }
#welcomeFoot { color: {{ opacity(text, 170) }}; background: transparent; }
#projectOffer { text-align: left; padding: 4px 8px; }
#tourBubble { background: {{ foreground }}; border-radius: 6px; padding: 6px; }
#tourBubble QLabel { background: transparent; }
#tourBubble QPushButton { background: {{ primary }}; }
#tourNext { background: {{ current }}; }
#sectionTitle { border: none; padding: 4px; text-align: left; background: transparent; }
#sectionTitle:hover { background: {{ foreground }}; }
#presets, #forget { background: {{ background }}; padding: 2px 8px; }
#presets:hover, #forget:hover { background: {{ foreground }}; }
#presets::menu-indicator, #forget::menu-indicator { image: none; }
#addStep { background: {{ foreground }}; padding: 4px 8px; }
#addStep:hover { background: {{ primary }}; }
#addStep::menu-indicator { image: none; }
#comparisonBar { background: {{ foreground }}; }
#comparisonBar QLabel { background: transparent; }
HistoryPanel QToolButton { background: {{ foreground }}; padding: 5px 8px; }
HistoryPanel QToolButton:hover { background: {{ primary }}; }
HistoryPanel QToolButton:disabled { color: {{ opacity(text, 90) }}; }
HistoryPanel QToolButton::menu-indicator { image: none; }
ToolPanel QPushButton { padding: 4px 2px; font-size: {{ font_size }}; }
QAbstractSpinBox { padding: 1px 2px; min-width: 96px; }
NumberSlider QAbstractSpinBox { padding: 1px 4px; min-width: 36px; }
#historyEmpty, #curateEmpty, #curateRule { color: {{ opacity(text, 170) }}; }
#columnList::indicator { width: 14px; height: 14px; border-radius: 2px; }
#columnList::indicator { border: 1px solid {{ opacity(text, 170) }}; }
#columnList::indicator:checked { background: {{ current }}; }
#columnList::indicator:checked { image: url("theme_{{ id }}:/check.svg"); }
#preparationProblem { color: {{ warning }}; }
FilterLine[wrong="true"] { background: {{ error }}; color: white; }
#channelRow[chosen="true"] { background: {{ foreground }}; border-radius: 3px; }
#channelRow QLabel, #channelRow QCheckBox { background: transparent; }
#channelColour { background: transparent; padding: 2px; }
#channelColour::menu-indicator { image: none; }
#contrast { qproperty-barColor: {{ current }}; }
#displayLine { background: {{ foreground }}; border: none; }
#viewButton, #labelKind { background: {{ foreground }}; padding: 4px; border: none; }
#viewButton:hover, #labelKind:hover { background: {{ primary }}; }
#viewButton:checked { background: {{ current }}; }
#viewButton:disabled { color: {{ opacity(text, 90) }}; }
#labelKind::menu-indicator { image: none; }
#imageDisplay QAbstractSpinBox { min-width: 36px; padding: 1px 2px; }
#contrastButton { padding: 3px 6px; }
#focusRing { color: {{ text }}; background: transparent; }
QHeaderView::section { padding-top: 5px; }
QHeaderView::up-arrow { image: url("theme_{{ id }}:/chevron_up.svg"); }
QHeaderView::down-arrow { image: url("theme_{{ id }}:/chevron_down.svg"); }
QHeaderView::up-arrow, QHeaderView::down-arrow { width: 12px; height: 6px; }
QHeaderView::up-arrow, QHeaderView::down-arrow { subcontrol-position: top center; }
QDockWidget { font-size: {{ font_size }}; }
QScrollArea { border: none; }
#preferenceNote, #preferenceRule { color: {{ opacity(text, 180) }}; }
#preferencePages::item { padding: 5px 6px; }
QTabBar { qproperty-drawBase: 0; }
"""
