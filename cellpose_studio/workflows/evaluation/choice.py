"""Which masks of an image of a project are meant: present ones, or earlier ones."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from cellpose_studio.core.provenance.record import ModelRecord
from cellpose_studio.core.provenance.revision import LabelRevision, RevisionKind
from cellpose_studio.io.project.tables.revisions import read_revisions
from cellpose_studio.io.project.tables.runs import read_run

RUN = "run"
"""In a choice: the masks as the last run, thresholds or import left them."""

_MADE: tuple[RevisionKind, ...] = ("run", "threshold", "import")


@dataclass(frozen=True)
class MasksChoice:
    """Masks of each image.

    Attributes
    ----------
    name
        Of the label set; "" for the one that is shown.
    version
        "" for the masks as they are now, `RUN` for those before the corrections, the
        title or name of a model for those of its newest run, or the id of a revision.
    """

    name: str = ""
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> MasksChoice:
        """Return the choice of ``NAME``, ``NAME@VERSION`` or ``@VERSION``."""
        name, _, version = text.partition("@")
        return cls(name.strip(), version.strip())

    @property
    def words(self) -> str:
        """What the user calls them."""
        name = self.name or "shown masks"
        if not self.version:
            return name
        if self.version == RUN:
            return f"{name} before corrections"
        if self.version.isdecimal():
            return f"{name}, revision {self.version}"
        return f"{name} by {self.version}"


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What is compared with what.

    Attributes
    ----------
    ignore
        Name of masks whose cells cover what is not known; "" for none.
    """

    found: MasksChoice
    true: MasksChoice
    ignore: str = ""

    @property
    def title(self) -> str:
        """What the user calls it."""
        return f"{self.found.words} against {self.true.words}"

    @property
    def compares_corrections(self) -> bool:
        """Whether masks before the corrections are compared with those after them.

        An image that nobody corrected or reviewed would agree with itself, and say
        nothing.
        """
        true = self.true
        return self.found == MasksChoice(true.name, RUN) and not true.version


def chosen_revision(
    db: sqlite3.Connection, label_set: int, head: LabelRevision, choice: MasksChoice
) -> LabelRevision | None:
    """Return the revision of a choice that is not of the present masks.

    None if the label set has no such revision.

    Raises
    ------
    ProjectDamaged
    """
    revisions = {one.id: one for one in read_revisions(db, label_set)}
    if choice.version.isdecimal():
        return revisions.get(int(choice.version))
    if choice.version == RUN:
        return _before_corrections(revisions, head)
    for one in reversed(revisions.values()):
        if _is_by(_model_of(db, one), choice.version):
            return one
    return None


def models_of(db: sqlite3.Connection, label_set: int) -> list[str]:
    """Return the titles of the models whose runs are revisions of a label set."""
    models = [_model_of(db, one) for one in read_revisions(db, label_set)]
    return list(dict.fromkeys(one.title or one.name for one in models if one))


def _before_corrections(
    revisions: dict[int, LabelRevision], head: LabelRevision
) -> LabelRevision | None:
    at: LabelRevision | None = revisions.get(head.id)
    while at is not None and at.kind not in _MADE:
        at = revisions.get(at.parent) if at.parent is not None else None
    return at


def _model_of(db: sqlite3.Connection, one: LabelRevision) -> ModelRecord | None:
    """Return the model whose run a revision is, also with other thresholds."""
    if one.run is None or one.kind not in _MADE:
        return None
    record = read_run(db, one.run)
    return record.model if record is not None else None


def _is_by(model: ModelRecord | None, name: str) -> bool:
    """Return whether a user may mean a model by a name."""
    if model is None:
        return False
    return name.casefold() in (model.title.casefold(), model.name.casefold())
