"""What the application remembers from one start to the next."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from psygnal import EmissionInfo, EventedModel
from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    PrivateAttr,
    ValidationError,
)

from cellpose_studio.app.settings_ini import read_ini
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.runs.compute import (
    FASTEST,
    ChosenPrecision,
    ComputeChoice,
    OptionalEngine,
)
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.tables.csv_table import CsvStyle
from cellpose_studio.workflows.blocks.cluster.choice import ClusterChoice

Theme = Literal["system", "dark", "light"]
TextSize = Literal[100, 125, 150]
DecimalPoint = Literal["system", ".", ","]
MaskColours = Literal["own", "uncertainty"]

RECENT = ("recent", "projects", "folder")
"""Settings that tell which files were used."""

_MOST_RECENT = 12
_MOST_PROJECTS = 30
_COLUMNS = ("area", "volume", "mean", "roundness", "status")
_TRACK_COLUMNS = ("first_time", "last_time", "mother", "speed")


def _decoded(value: object) -> object:
    return b64decode(value, validate=True) if isinstance(value, str) else value


_Base64 = Annotated[
    bytes,
    BeforeValidator(_decoded),
    PlainSerializer(lambda value: b64encode(value).decode(), when_used="json"),
]


class Settings(EventedModel):
    """Settings in a JSON file; each is written to it when it changes.

    Attributes
    ----------
    recent
        Files and folders that were opened last, the last first.
    projects
        Projects with a name that were opened or saved last, the last first. Images
        do not push them out, as in ``recent``.
    model_files
        The user's own weight files.
    model_titles
        Names that the user gave to models in files, by their paths.
    save_kinds
        Kinds of files that were saved last.
    export_folder
        Where masks were exported to last; "" for beside each image.
    figure
        What was chosen for the last figure, by name.
    figure_ending
        The suffix of the last figure.
    measure_columns
        Columns of the table of measurements, without channels and units.
    track_columns
        Columns of the table of tracks, without units.
    measure_folded
        Whether plots and classes are hidden; None where the height of the screen says.
    table_kinds, table_folder
        Kinds of tables that were exported last, and where to.
    folder
        Where the user opened something last.
    keep_recent
        Whether ``recent``, ``projects`` and ``folder`` are remembered.
    device, threads, precision, engine
        As in `ComputeChoice`.
    theme, text_size
        Colours of the window, and the size of its texts in per cent of the system's.
    masks_filled, masks_outlined, mask_opacity, mask_colours
        How masks are shown at first; the opacity in per cent.
    scale_bar
        Whether the image has a scale bar.
    decimal_point, group_digits
        How numbers are written in the window and on the clipboard; digits are grouped
        in the window only.
    csv_style
        What separates the columns of CSV files.
    keys
        Of each command that the user gave other keys, those keys, as Qt writes them
        on all systems: "Ctrl+K".
    gestures
        Of each mouse gesture that the user changed, what starts it: "Ctrl+left"; "" for
        nothing.
    pen_pressure
        Whether a pen draws with a smaller brush where it is pressed less.
    scheduler
        Address or file of the scheduler that runs in blocks go to; "" for none.
    shared_folder
        Where such runs have their state; "" for the user's cache folder.
    cluster_config
        File of Dask's configuration; "" for Dask's own.
    window_geometry, window_layout
        What Qt restores a window from.
    """

    model_config = ConfigDict(validate_assignment=True, protected_namespaces=())

    recent: list[Path] = Field(default_factory=list)
    projects: list[Path] = Field(default_factory=list)
    model_files: list[Path] = Field(default_factory=list)
    model_titles: dict[str, str] = Field(default_factory=dict)
    save_kinds: list[str] = Field(default_factory=list)
    export_folder: str = ""
    figure: dict[str, JsonValue] = Field(default_factory=dict)
    figure_ending: Annotated[str, Field(pattern=r"^\.(png|svg|pdf)$")] = ".png"
    measure_columns: list[str] = Field(default_factory=lambda: [*_COLUMNS])
    track_columns: list[str] = Field(default_factory=lambda: [*_TRACK_COLUMNS])
    measure_folded: bool | None = None
    table_kinds: list[str] = Field(default_factory=lambda: ["csv"])
    table_folder: str = ""
    folder: str = ""
    keep_recent: bool = True
    device: str = FASTEST
    threads: Annotated[int, Field(ge=0)] = 0
    precision: ChosenPrecision = ""
    engine: OptionalEngine = ""
    theme: Theme = "system"
    text_size: TextSize = 100
    masks_filled: bool = True
    masks_outlined: bool = True
    mask_opacity: Annotated[int, Field(ge=0, le=100)] = 40
    mask_colours: MaskColours = "own"
    scale_bar: bool = True
    decimal_point: DecimalPoint = "system"
    group_digits: bool = False
    csv_style: CsvStyle = "comma"
    keys: dict[str, list[str]] = Field(default_factory=dict)
    gestures: dict[str, str] = Field(default_factory=dict)
    pen_pressure: bool = False
    scheduler: str = ""
    shared_folder: str = ""
    cluster_config: str = ""
    window_geometry: _Base64 | None = None
    window_layout: _Base64 | None = None

    _file: Path = PrivateAttr()

    @classmethod
    def load(cls, file: Path) -> Settings:
        """Return the settings of a file; a value that is no good counts as never set.

        Where there is no such file, those of the INI file beside it are taken over,
        which earlier versions wrote.
        """
        try:
            settings = _usable(_stored(file))
        except OSError:
            settings = cls()
        settings._file = file
        settings.events.connect(settings._write)
        return settings

    def reset(self, *names: str) -> None:
        """Set settings back to their defaults."""
        for name in names:
            field = type(self).model_fields[name]
            setattr(self, name, field.get_default(call_default_factory=True))

    def forget_recent(self) -> None:
        """Forget which files, projects and folders were used."""
        self.reset(*RECENT)

    def set_folder(self, folder: Path) -> None:
        """Let the next dialog begin in a folder, if that is remembered."""
        if self.keep_recent:
            self.folder = str(folder)

    def add_recent(self, paths: Sequence[Path]) -> None:
        """Put ``paths`` at the top of the recent ones, if these are remembered."""
        if not self.keep_recent:
            return
        self.recent = list(dict.fromkeys([*paths, *self.recent]))[:_MOST_RECENT]

    def add_project(self, path: Path) -> None:
        """Put a project at the top of the recent ones."""
        if not self.keep_recent:
            return
        self.add_recent([path])
        self.projects = list(dict.fromkeys([path, *self.projects]))[:_MOST_PROJECTS]

    def add_model_file(self, path: Path) -> None:
        """Remember a weight file."""
        self.model_files = list(dict.fromkeys([*self.model_files, path]))

    def forget_model_file(self, path: Path) -> None:
        """Forget a weight file, and the name that the user gave it."""
        self.model_files = [file for file in self.model_files if file != path]
        self.set_model_title(path, "")

    def set_model_title(self, path: Path, title: str) -> None:
        """Remember a name for the model in a file; "" forgets it."""
        others = {k: v for k, v in self.model_titles.items() if k != str(path)}
        self.model_titles = {**others, str(path): title} if title else others

    def set_keys(self, command: str, keys: Sequence[str] | None) -> None:
        """Remember the keys of a command; None forgets them."""
        # A new dict is assigned, because a change inside the old one emits no event.
        others = {name: own for name, own in self.keys.items() if name != command}
        self.keys = others if keys is None else {**others, command: list(keys)}

    def set_gesture(self, name: str, trigger: str | None) -> None:
        """Remember what starts a mouse gesture; None forgets it."""
        others = {other: own for other, own in self.gestures.items() if other != name}
        self.gestures = others if trigger is None else {**others, name: trigger}

    def compute(self) -> ComputeChoice:
        """Return what computes runs."""
        return ComputeChoice(
            device=self.device,
            threads=self.threads,
            precision=self.precision,
            engine=self.engine,
        )

    def cluster(self) -> ClusterChoice | None:
        """Return the cluster that runs in blocks go to; None without one."""
        if not self.scheduler:
            return None
        return ClusterChoice(
            address=self.scheduler,
            folder=Path(self.shared_folder) if self.shared_folder else None,
            config=Path(self.cluster_config) if self.cluster_config else None,
        )

    def _write(self, change: EmissionInfo) -> None:
        """Write one setting, among those that the file has by now.

        Other windows and later versions write to the same file. A folder that is
        read-only is no reason to trouble the user.
        """
        changed = self.model_dump(mode="json", include={change.signal.name})
        with suppress(OSError, CannotSave):
            text = json.dumps({**_stored(self._file), **changed}, indent=1)
            # A crash leaves the old settings or the new ones, never a part of them.
            with replacing(self._file) as part:
                part.write_text(text, "ascii")


def _stored(file: Path) -> dict[str, Any]:
    """Return what a file holds; nothing if it is damaged.

    Raises
    ------
    OSError
        If there is a file that cannot be read.
    """
    try:
        known = json.loads(file.read_bytes())
    except FileNotFoundError:
        return read_ini(file.with_suffix(".ini"))
    except (ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}


def _usable(known: dict[str, Any]) -> Settings:
    """Return the settings that are valid; changes ``known``."""
    try:
        return Settings.model_validate(known)
    except ValidationError as wrong:
        # From the last one on: what is left of a list keeps its place.
        for error in reversed(wrong.errors()):
            *way, last = error["loc"]
            holder: Any = known
            for step in way:
                holder = holder[step]
            del holder[last]
    return _usable(known)
