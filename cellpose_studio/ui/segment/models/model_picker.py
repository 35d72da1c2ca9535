"""Choice of the model, and of the channel for each of its inputs."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.channels import default_channels
from cellpose_studio.core.runs.parameters import GREY
from cellpose_studio.ui.segment.models.model_browser import ModelBrowser
from cellpose_studio.ui.widgets.form import keep_narrow

_INPUTS = {
    1: ("Channel",),
    2: ("Channel", "Second (optional)"),
    3: ("First channel", "Second", "Third"),
}
_NOTHING = "nothing"

_LENGTH = 14
"""Characters that names have room for; longer ones of models have a tooltip."""
_CHANNEL_LENGTH = 8
"""The same for channels: opening an image must not widen the panel."""


class ModelPanel(QWidget):
    """Chooses a model and the channels of its inputs."""

    changed = Signal()
    listed = Signal()  # a model was added to the list
    file_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._models: list[ModelSpec] = []
        self._image: ImageSource | None = None
        self._chosen: dict[tuple[str, int], tuple[int | None, ...]] = {}
        self.combo = QComboBox(objectName="model")
        self.combo.setAccessibleName("Model")
        # A long name of a model must not widen the panel.
        keep_narrow(self.combo, _LENGTH)
        self.browse = QPushButton("Models…", objectName="browseModels")
        self.browse.setToolTip(
            "<qt>Show all models with their cards: purpose, data and accuracy. "
            "Add weight files of Cellpose 1 to 4 there.</qt>"
        )
        self.browser = ModelBrowser(self)
        self.about = QLabel(objectName="aboutModel", wordWrap=True)
        # Plain, because part of it comes from the card in a weight file.
        self.about.setTextFormat(Qt.TextFormat.PlainText)
        self.note = QLabel(objectName="modelNote", wordWrap=True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.hide()
        self.channels = QFormLayout()
        self.channels.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.addWidget(self.combo, 1)
        row.addWidget(self.browse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.about)
        column.addWidget(self.note)
        column.addLayout(self.channels)
        self.combo.currentIndexChanged.connect(self._on_model)
        self.browse.clicked.connect(self.show_browser)
        self.browser.file_requested.connect(self.file_requested)
        self.browser.accepted.connect(
            lambda: self.combo.setCurrentIndex(self.browser.chosen)
        )
        self._on_model()

    @property
    def model(self) -> ModelSpec | None:
        """The chosen model."""
        at = self.combo.currentIndex()
        return self._models[at] if at >= 0 else None

    @property
    def chosen_channels(self) -> tuple[int | None, ...]:
        """Channel of each input, as in `SegmentationParameters`; empty: automatic."""
        return tuple(combo.currentData() for combo in self.channel_combos())

    @property
    def channels_for_others(self) -> tuple[int | None, ...]:
        """Channels for other images; automatic unless the user chose other ones."""
        chosen, image = self.chosen_channels, self._image
        if image is None or chosen == default_channels(image, len(chosen)):
            return ()
        return chosen

    @property
    def models(self) -> list[ModelSpec]:
        """All models of the list."""
        return self._models.copy()

    def set_note(self, text: str) -> None:
        """Show a sentence on the model; "" hides it."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def add_model(self, model: ModelSpec, select: bool = False) -> None:
        """Add ``model`` to the list, unless it is listed already."""
        known = [m.sha256 for m in self._models]
        # The same weights in another file are the same model.
        if model.sha256 not in known:
            self._models.append(model)
            self.combo.addItem(model.label)
            known.append(model.sha256)
        if select:
            self.combo.setCurrentIndex(known.index(model.sha256))
        if self.browser.isVisible():
            chosen = known.index(model.sha256) if select else self.browser.chosen
            self.browser.set_models(self._models, chosen)
        self.listed.emit()

    def replace_model(self, old: ModelSpec, new: ModelSpec | None) -> None:
        """Show a model as ``new``, or no longer, where that is None."""
        at = self._models.index(old)
        if new is None:
            del self._models[at]
            self.combo.removeItem(at)
        else:
            self._models[at] = new
            self.combo.setItemText(at, new.label)
            if at == self.combo.currentIndex():
                self._on_model()
        if self.browser.isVisible():
            self.browser.set_models(self._models, min(at, len(self._models) - 1))
        self.listed.emit()

    def choose(self, reference: str) -> bool:
        """Choose a model by name, file or SHA-256; return whether it is listed."""
        for at, model in enumerate(self._models):
            if reference in (model.sha256, str(model.path), model.name):
                self.combo.setCurrentIndex(at)
                return True
        return False

    def show_browser(self) -> None:
        """Show all models with their cards."""
        self.browser.set_models(self._models, self.combo.currentIndex())
        self.browser.open()

    def show_published(self) -> None:
        """Show all models, at the first one that Cellpose has published."""
        self.show_browser()
        self.browser.published.choose_first()

    def set_image(self, image: ImageSource | None) -> None:
        """List the channels of ``image``; select those chosen for it before."""
        self._save_channels()
        self._image = image
        self._list_channels()

    def set_channels(self, channels: tuple[int | None, ...]) -> None:
        """Choose the channel of each input; None for no channel."""
        for combo, channel in zip(self.channel_combos(), channels, strict=False):
            combo.setCurrentIndex(max(0, combo.findData(channel)))

    def show_channels(self, channels: tuple[int | None, ...]) -> str:
        """Choose the channel of each input; an empty tuple stands for the default.

        Returns
        -------
        A sentence on what could not be chosen; "" if all could.
        """
        image, model = self._image, self.model
        if image is None or model is None:
            return ""
        default = default_channels(image, model.input_channels)
        shown = [
            _in_image(channel, image, default[n])
            for n, channel in enumerate(channels[: len(default)])
        ]
        rest = default if not channels else (None,) * len(default)
        self.set_channels((*shown, *rest[len(shown) :]))
        missing = [c for c in channels if c and c > image.channels]
        if missing:
            return f"{image.name} has no channel {missing[0]}."
        if any(c is not None for c in channels[len(default) :]):
            return f"{model.label} uses only {len(default)} of the channels."
        return ""

    def _on_model(self) -> None:
        model = self.model
        name = f"{escape(model.label)}: the" if model else "The"
        self.combo.setToolTip(f"<qt>{name} network that finds the cells.</qt>")
        self._save_channels()
        self.about.setText(
            _about(model) if model else "No model yet. Choose Models… to add one."
        )
        self._list_channels()
        self.changed.emit()

    def _save_channels(self) -> None:
        # For this session only: a run records the channels that it used.
        if self._image is not None and (chosen := self.chosen_channels):
            self._chosen[_key(self._image)] = chosen

    def _list_channels(self) -> None:
        while self.channels.rowCount():
            self.channels.removeRow(0)
        if self._image is None or self.model is None:
            return
        inputs = self.model.input_channels
        titles = _INPUTS.get(inputs) or tuple(f"Input {n + 1}" for n in range(inputs))
        for n, title in enumerate(titles):
            combo = QComboBox(objectName=f"channel{n}")
            combo.setAccessibleName(title)
            # Nor must a long name of a channel.
            keep_narrow(combo, _CHANNEL_LENGTH)
            combo.setToolTip(
                "<qt>Channel of this input of the network. Grey is the mean of all "
                "channels.</qt>"
            )
            for text, channel in _choices(self._image, optional=n > 0):
                combo.addItem(text, channel)
            combo.currentIndexChanged.connect(lambda _: self.changed.emit())
            self.channels.addRow(title, combo)
        # New ones would come last for the Tab key.
        for one, following in pairwise([self.browse, *self.channel_combos()]):
            self.setTabOrder(one, following)
        default = default_channels(self._image, inputs)
        self.set_channels(self._chosen.get(_key(self._image), default))

    def channel_combos(self) -> list[QComboBox]:
        """Return the combo boxes of the inputs of the model, in their order."""
        field = QFormLayout.ItemRole.FieldRole
        rows = range(self.channels.rowCount())
        return [self.channels.itemAt(n, field).widget() for n in rows]


def _key(image: ImageSource) -> tuple[str, int]:
    """Return what tells an image from others, also with channels made of it."""
    # A channel that was made for the network is chosen as soon as it is there.
    return image.key, image.made_channels


def _about(model: ModelSpec) -> str:
    text = model.description or f"Weight file {model.path.name}."
    if model.is_automatic:
        return text
    return f"{text} Trained on cells of {model.diam_labels:.0f} px."


def _in_image(
    channel: int | None, image: ImageSource, default: int | None
) -> int | None:
    """Return ``channel``, or a substitute if ``image`` does not have it."""
    if channel == GREY and image.own_channels == 1:
        return 1
    return default if channel and channel > image.channels else channel


def _choices(image: ImageSource, optional: bool) -> list[tuple[str, int | None]]:
    choices: list[tuple[str, int | None]] = []
    if optional:
        choices.append((_NOTHING, None))
    choices += [(name, n) for n, name in enumerate(image.channel_names, start=1)]
    if image.own_channels > 1:
        choices.append(("grey", GREY))
    return choices
