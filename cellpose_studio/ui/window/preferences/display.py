"""The page about colours, size of texts, and how masks are shown at first."""

from __future__ import annotations

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.window.preferences.fields import Amount, Choice, Switch
from cellpose_studio.ui.window.preferences.page import Page

_NAMES = (
    "theme",
    "text_size",
    "scale_bar",
    "masks_filled",
    "masks_outlined",
    "mask_opacity",
    "mask_colours",
)
_ABOUT_MASKS = (
    "How masks are shown at the start, and in projects that say nothing else. A change "
    "acts at once on the image shown. What you change in the image display is kept "
    "with the project."
)


class DisplayPage(Page):
    """Theme, text, image, masks."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, _NAMES)
        self.theme = Choice(
            settings,
            "theme",
            (
                ("As the system, also when it changes", "system"),
                ("Dark", "dark"),
                ("Light", "light"),
            ),
            "Theme",
            "Colours of the window. Dark disturbs least beside dim images.",
        )
        self.text_size = Choice(
            settings,
            "text_size",
            (("As the system (100 %)", 100), ("125 %", 125), ("150 %", 150)),
            "Size of texts",
            "Enlarge texts, and with them buttons and fields. The image stays as it "
            "is.",
        )
        window = self.group("Window")
        window.addRow("&Theme", self.theme)
        window.addRow("Text &size", self.text_size)
        image = self.group("Image")
        self.scale_bar = Switch(
            settings,
            "scale_bar",
            "Scale &bar",
            "Show the length of a part of the image, in µm, or in px where the size of "
            "pixels is unknown. Figures have a scale bar of their own.",
        )
        image.addRow(self.scale_bar)
        self._masks()
        self.finish()

    def _masks(self) -> None:
        settings = self.settings
        masks = self.group("Masks", _ABOUT_MASKS)
        self.filled = Switch(
            settings, "masks_filled", "&Fill cells", "Fill cells with their colours."
        )
        self.outlined = Switch(
            settings,
            "masks_outlined",
            "&Outline cells",
            "Draw a line around each cell.",
        )
        self.opacity = Amount(
            settings,
            "mask_opacity",
            100,
            "Opacity",
            "How much the fill of cells hides of the image: 0 nothing, 100 all of it.",
        )
        self.opacity.setSuffix(" %")
        self.colours = Choice(
            settings,
            "mask_colours",
            (("Each cell its own", "own"), ("Uncertainty", "uncertainty")),
            "Colours of cells",
            "What the colours of cells tell. Uncertainty: from orange, uncertain, to "
            "blue, certain.",
        )
        masks.addRow(self.filled)
        masks.addRow(self.outlined)
        masks.addRow("O&pacity", self.opacity)
        masks.addRow("&Colours", self.colours)
