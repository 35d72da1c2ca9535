"""Copies the methods paragraph about the masks of images."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QApplication

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.wording import image_count, were
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.provenance.origin import provenance_now
from cellpose_studio.workflows.provenance.recipes import methods_of


def copy_methods(services: Services, images: Sequence[ProjectImage]) -> None:
    """Copy one text about the masks that images show, to the clipboard.

    At least one image has masks; those without are left out, which a message says.
    """
    session = services.session
    project = session.project
    # A preview of thresholds becomes the masks that are told of.
    session.commit_pending()
    session.end_stroke()
    label_sets = [
        image.label_set_ids[image.active] for image in images if image.masks is not None
    ]
    text = f"Copied the methods paragraph of {image_count(len(label_sets))}."
    if without := len(images) - len(label_sets):
        text += f" {image_count(without)} without masks {were(without)} left out."

    def put(found: str) -> None:
        QApplication.clipboard().setText(found)
        services.messages.note(text)

    services.run(
        "Copying the methods paragraph",
        lambda _: project.read(lambda db: methods_of(provenance_now(db, label_sets))),
        put,
    )
