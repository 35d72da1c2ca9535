"""Renaming and deleting the label sets of an image."""

from __future__ import annotations

from functools import partial

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.undo.steps import HeadSwitch, RenameStep
from cellpose_studio.core.errors import StudioError


class NameRefused(StudioError):
    """Masks cannot have that name."""


def delete_masks(session: Session, image: ProjectImage, name: str) -> None:
    """Delete the masks of that name, as one step that can be undone.

    Other masks of the image become the active ones, if there are some. The project
    keeps every revision of those deleted.
    """
    session.end_stroke()
    session.commit_pending(image)
    if name not in image.label_sets or not session.images.is_listed(image):
        return
    editor, text, active = session.editor, f"Delete masks “{name}”", image.active
    # A new run starts with ids of its own, which what is known of these does not fit.
    changes = image.known_of_cells(name).inverse()
    before, number = editor.switch_head(image, name, None, text, None, changes)
    if active == name:
        editor.activate(image, image.others(name))
    session.undo_stack.push(
        HeadSwitch(
            editor,
            image,
            name,
            text,
            number,
            before=before,
            after=None,
            active_before=active,
            changes=changes,
        )
    )


def rename_masks(session: Session, image: ProjectImage, old: str, new: str) -> None:
    """Give the masks of an image another name, as one step that can be undone.

    Raises
    ------
    NameRefused
        If the name is empty, or other masks of the image have it.
    """
    new = new.strip()
    if new == old:
        return
    if not new:
        raise NameRefused("Masks need a name.")
    # Exports are named after them, and some file systems ignore case.
    if new.casefold() in {one.casefold() for one in image.label_set_ids if one != old}:
        raise NameRefused(
            f"{image.source.name} has, or had, masks named “{new}” already.",
            "Choose another name; deleted masks keep theirs, for undo.",
        )
    session.end_stroke()
    session.commit_pending(image)
    session.editor.rename(image, old, new)
    stack = session.undo_stack
    stack.rename(image, old, new)
    stack.push(
        RenameStep(session.editor, image, old, new, partial(stack.rename, image))
    )
