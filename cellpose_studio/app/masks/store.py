"""The masks of images: in memory while they are used, else in the project."""

from __future__ import annotations

from psygnal import Signal

from cellpose_studio.app.masks.cell_statuses import CellStatuses
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.masks.project_masks import ProjectMasks
from cellpose_studio.app.masks.recent_masks import MaskCache
from cellpose_studio.app.masks.revision_writer import RevisionWriter
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.provenance.revision import LabelRevision


class MaskStore(CellStatuses):
    """Seals masks, and lets go of what the project has; `Session` changes them."""

    failed = Signal(Exception)  # something could not be done; the rest went on

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self._hold_masks_of(project)

    @property
    def stored(self) -> ProjectMasks:
        """Masks of the project as they were at a revision."""
        return self._stored

    def _hold_masks_of(self, project: Project) -> None:
        self._heads = RevisionWriter(project)
        self._stored = ProjectMasks(project)
        self._recent = MaskCache(self._let_go)
        self._unsealed: dict[int, LabelSet] = {}

    def _masks_at(self, name: str, revision: LabelRevision) -> LabelSet:
        """Return masks as they were when that revision was left."""
        return (
            self._unsealed.pop(revision.id, None)
            or self._recent.get(revision)
            or self._stored.label_set(name, revision)
        )

    def _put(self, image: ProjectImage, name: str, labels: LabelSet | None) -> None:
        self._remember_ids(image, name)
        if labels is None:
            image.label_sets.pop(name, None)
        else:
            labels.pixels.reserve(image.highest[name])
            image.label_sets[name] = labels
        self.labels_changed.emit(image, name)

    def _remember_ids(self, image: ProjectImage, name: str) -> None:
        """Remember the ids of masks that others take the place of."""
        labels = image.label_sets.get(name)
        highest = labels.pixels.highest if labels is not None else 0
        image.highest[name] = max(highest, image.highest.get(name, 0))

    def _label_set(self, image: ProjectImage, name: str) -> int:
        if name not in image.label_set_ids:
            image.label_set_ids[name] = self._heads.add_label_set(image.id, name)
        return image.label_set_ids[name]

    def _seal(self, image: ProjectImage, name: str, note: str = "") -> None:
        """Make a revision of masks that are in memory, if they were edited."""
        labels = image.label_sets[name]
        if labels.edited and labels.pixels.loaded and labels.revision is not None:
            sealed = self._heads.seal(self._label_set(image, name), labels, note)
            image.label_sets[name] = sealed
            self._recent.replace(labels.revision, sealed)

    def _seal_for_good(self, image: ProjectImage, name: str) -> LabelRevision | None:
        """Seal masks that others take the place of; return the revision left.

        What cannot be read must not stop the others. Its edits stay in the journal,
        and with these masks, for the day when they come back.
        """
        labels = image.label_sets.get(name)
        if labels is None or labels.revision is None:
            return None
        if labels.edited:
            try:
                labels.pixels.array()
            except StudioError as error:
                self._unsealed[labels.revision.id] = labels
                self.failed.emit(_left_unsealed(image, error))
        self._seal(image, name)
        return image.label_sets[name].revision

    def _let_go(self, labels: LabelSet) -> bool:
        """Read masks again when they are needed; False if only memory has them."""
        assert labels.revision is not None
        for image in self._by_id.values():
            if image.label_sets.get(labels.name) is labels and image is not self.shown:
                if labels.edited:
                    # They can go once the revision is on the disk.
                    self._seal(image, labels.name)
                    return False
                if self.project.is_stored(labels.revision.id):
                    image.label_sets[labels.name] = self._stored.unloaded(labels)
        return self.project.is_stored(labels.revision.id)

    def _after_looking(self, image: ProjectImage) -> None:
        """Let the masks of an image that was looked at give their memory up in turn."""
        for labels in list(image.label_sets.values()):
            if labels.pixels.loaded and labels.revision is not None:
                self._recent.keep(labels)


def _left_unsealed(image: ProjectImage, error: StudioError) -> StudioError:
    return StudioError(
        f"{error.message} The last edits of the masks of {image.source.name} are in no "
        "revision, but nothing of them was lost.",
        error.hint,
    )
