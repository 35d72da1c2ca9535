"""The masks of images: in memory while they are used, else in the project."""

from __future__ import annotations

from dataclasses import replace

from cellpose_studio.app.masks.class_list import ClassList
from cellpose_studio.app.masks.events import ChangeKind, Events, MasksChange
from cellpose_studio.app.masks.image_collection import ImageCollection
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.masks.project_masks import ProjectMasks
from cellpose_studio.app.masks.recent_masks import MaskCache
from cellpose_studio.app.masks.revision_writer import RevisionWriter
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.provenance.revision import LabelRevision


class MaskStore:
    """Puts masks in place, seals them, and releases what the project has.

    Attributes
    ----------
    writer
        Writes revisions and the journal.
    classes
        The classes that cells are put into.
    stored
        Masks of the project as they were at a revision.
    """

    def __init__(
        self, project: Project, images: ImageCollection, events: Events
    ) -> None:
        self._project = project
        self._images = images
        self._events = events
        self.writer = RevisionWriter(project)
        self.classes = ClassList(project, events)
        self.stored = ProjectMasks(project)
        self.cache = MaskCache(self._release)
        self._unsealed: dict[int, LabelSet] = {}
        self._take_up()

    def keep(self, labels: LabelSet) -> None:
        """Keep masks that have a revision in memory, as long as there is room."""
        self.cache.keep(labels)

    def keep_all(self, image: ProjectImage) -> None:
        """Keep the masks of an image that is no longer shown, while there is room."""
        for labels in list(image.label_sets.values()):
            if labels.pixels.loaded and labels.revision is not None:
                self.cache.keep(labels)

    def at(self, name: str, revision: LabelRevision) -> LabelSet:
        """Return masks as they were when that revision was left."""
        labels = (
            # Unsealed masks come first, because their edits are in no revision.
            self._unsealed.pop(revision.id, None)
            or self.cache.get(revision)
            or self.stored.label_set(name, revision)
        )
        # The label set may have been renamed since.
        return labels if labels.name == name else replace(labels, name=name)

    def label_set_id(self, image: ProjectImage, name: str) -> int:
        """Return the id of a label set, which is made if there is none."""
        if name not in image.label_set_ids:
            image.label_set_ids[name] = self.writer.add_label_set(image.id, name)
        return image.label_set_ids[name]

    def put(
        self,
        image: ProjectImage,
        name: str,
        labels: LabelSet | None,
        kind: ChangeKind = "replaced",
    ) -> None:
        """Put masks in place of those of that name, or none."""
        self._remember_ids(image, name)
        before = image.label_sets.get(name)
        if labels is None:
            image.label_sets.pop(name, None)
        else:
            # A new cell must not get the number of one that was deleted.
            labels.pixels.reserve(image.highest[name])
            labels.pixels.go_live()
            image.label_sets[name] = labels
        change = MasksChange(image=image, name=name, kind=kind, before=before)
        self._events.masks_changed.emit(change)

    def rename(self, image: ProjectImage, old: str, new: str) -> None:
        """Rename a label set, of which there is no preview."""
        number = image.label_set_ids.pop(old)
        image.label_set_ids[new] = number
        image.highest[new] = image.highest.pop(old, 0)
        image.statuses[new] = image.statuses.pop(old, {})
        image.mothers[new] = image.mothers.pop(old, {})
        image.classes[new] = image.classes.pop(old, {})
        labels = image.label_sets.pop(old)
        renamed = image.label_sets[new] = replace(labels, name=new)
        if labels.revision is not None:
            self.cache.replace(labels.revision, renamed)
        self.writer.rename(number, new)

    def drop_preview(self, image: ProjectImage, name: str) -> None:
        """Put the masks back that those of that name are a preview for, if any."""
        if image.preview_of is not None and image.preview_of.name == name:
            image.label_sets[name] = image.preview_of
            image.preview_of = None

    def seal(self, image: ProjectImage, name: str, note: str = "") -> None:
        """Make a revision of masks that are in memory, if they were edited."""
        labels = image.label_sets[name]
        if labels.edited and labels.pixels.loaded and labels.revision is not None:
            sealed = self.writer.seal(self.label_set_id(image, name), labels, note)
            image.label_sets[name] = sealed
            self.cache.replace(labels.revision, sealed)

    def leave(self, image: ProjectImage, name: str) -> LabelRevision | None:
        """Seal masks that others take the place of; return the revision left.

        A preview is dropped. What cannot be read must not stop the others: its edits
        stay in the journal, and with these masks, for the day when they come back.
        """
        self.drop_preview(image, name)
        labels = image.label_sets.get(name)
        if labels is None or labels.revision is None:
            return None
        if labels.edited:
            try:
                # This reads the masks, because `seal` skips those that are not in
                # memory.
                labels.pixels.array()
            except StudioError as error:
                self._unsealed[labels.revision.id] = labels
                self._events.failed.emit(_left_unsealed(image, error))
        self.seal(image, name)
        return image.label_sets[name].revision

    def _take_up(self) -> None:
        """Give the images of the project their masks, which are read later."""
        images = {image.id: image for image in self._images.known}
        for label_set in self._project.stored_label_sets:
            image, name = images[label_set.image], label_set.name
            image.label_set_ids[name] = label_set.id
            if statuses := self._project.stored_statuses.get(label_set.id):
                image.statuses[name] = statuses
            if mothers := self._project.stored_mothers.get(label_set.id):
                image.mothers[name] = mothers
            if classes := self._project.stored_classes.assigned.get(label_set.id):
                image.classes[name] = classes
            image.highest[name] = label_set.highest
            if label_set.head is not None:
                labels = image.label_sets[name] = self.stored.at_head(label_set)
                labels.pixels.go_live()

    def _remember_ids(self, image: ProjectImage, name: str) -> None:
        """Remember the ids of masks that others take the place of."""
        labels = image.label_sets.get(name)
        highest = labels.pixels.highest if labels is not None else 0
        image.highest[name] = max(highest, image.highest.get(name, 0))

    def _release(self, labels: LabelSet) -> bool:
        """Release masks, to be read again; False if only memory has them."""
        assert labels.revision is not None
        for image in self._images.known:
            if image.label_sets.get(labels.name) is labels and (
                image is not self._images.shown
            ):
                if labels.edited:
                    # They can go once the revision is on the disk.
                    self.seal(image, labels.name)
                    return False
                if self._project.is_stored(labels.revision.id):
                    unloaded = self.stored.unloaded(labels)
                    unloaded.pixels.go_live()
                    image.label_sets[labels.name] = unloaded
        return self._project.is_stored(labels.revision.id)


def _left_unsealed(image: ProjectImage, error: StudioError) -> StudioError:
    return StudioError(
        f"{error.message} The last edits of the masks of {image.source.name} are in no "
        "revision, but nothing of them was lost.",
        error.hint,
    )
