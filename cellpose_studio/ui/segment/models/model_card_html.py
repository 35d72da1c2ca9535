"""Model cards as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from cellpose_studio.core.models.card import (
    NO_CARD,
    Accuracy,
    CardImage,
    ModelCard,
    TrainingData,
)
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.papers import PAPERS
from cellpose_studio.core.models.published import PublishedFile, PublishedModel
from cellpose_studio.core.runs.preparation.restore import NETWORKS
from cellpose_studio.core.wording import counted

_MOST_IMAGES = 50
"""Images that are listed; a long table takes seconds to be laid out."""
_MOST_EPOCHS = 15
"""Epochs of the curve that are listed, about."""


def card_html(model: ModelSpec) -> str:
    """Return the card and the file details of ``model``, as HTML."""
    # The card comes from a weight file, so all of its texts are escaped.
    parts = [f"<h2>{escape(model.label)}</h2>"]
    if model.description:
        parts.append(f"<p>{escape(model.description)}</p>")
    if model.card is not None:
        parts += _of_card(model.card)
    elif not model.description:
        parts.append(f"<p>{NO_CARD}</p>")
    if not model.is_automatic:
        parts.append(_of_file(model))
    return "".join(parts)


def published_html(model: PublishedModel, path: Path | None) -> str:
    """Return the card of a model that Cellpose has published, as HTML.

    Parameters
    ----------
    path
        Where it is installed; None if it is not.
    """
    size = f"{model.size:,} bytes" if model.size else "size not published"
    files = "".join(f"<br>{_published_file(file)}" for file in model.downloads)
    state = f"Installed: {escape(str(path))}" if path else "Not on this computer"
    note = ""
    if model.refused:
        note = f"<p><b>{model.name} {escape(model.refused)}</b></p>"
    elif model.architecture_info.restores:
        step = (
            " Restore the input of a run with it: <i>Prepare input &gt; Add step &gt; "
            "Restore</i>."
            if model.name in NETWORKS
            else ""
        )
        note = (
            f"<p>It finds no cells.{step} Restore images with it in a terminal:<br>"
            f"<code>cellpose-studio restore IMAGE --model {model.name}</code></p>"
        )
    return (
        f"<h2>{escape(model.title)}</h2><p>{escape(model.purpose)}</p>{note}"
        f"<p><b>Licence</b> {escape(model.licence)}</p>"
        f"<p>{state}; {size}<br>Cellpose {model.generation}, {_network(model)}</p>"
        f"<h3>Please cite</h3><p>{escape(PAPERS[model.paper].full)}</p>"
        f"<h3>Files</h3><p><small>{files.removeprefix('<br>')}</small></p>"
    )


def _published_file(file: PublishedFile) -> str:
    known = f"{file.sha256} ({file.sha256_from})" if file.sha256 else ""
    return (
        f"{escape(file.url)}<br>SHA-256 "
        f"{escape(known) or 'not published: that of the first download is recorded'}"
    )


def _of_card(card: ModelCard) -> list[str]:
    parts = []
    if card.purpose:
        parts.append(f"<p><b>For</b> {escape(card.purpose)}.</p>")
    if card.not_for:
        parts.append(f"<p><b>Not for</b> {escape(card.not_for)}.</p>")
    if card.authors:
        parts.append(f"<p><b>By</b> {escape('; '.join(card.authors))}</p>")
    if card.cite:
        cited = "".join(f"<p>{escape(reference)}</p>" for reference in card.cite)
        parts.append(f"<h3>Please cite</h3>{cited}")
    if card.accuracy:
        parts.append(_accuracy_table(card.accuracy))
    if card.parent:
        parts.append(_lineage(card))
    if card.data:
        parts.append(_data_table(card.data))
    if card.images:
        parts.append(_images_table(card.images))
    if card.date or card.command:
        parts.append(_training(card))
    if card.curve:
        parts.append(_curve_table(card))
    if card.documentation:
        text = escape(card.documentation).replace("\n", "<br>")
        parts.append(f"<h3>Documentation</h3><p>{text}</p>")
    return parts


def _accuracy_table(rows: tuple[Accuracy, ...]) -> str:
    head = ("Images", "AP 0.5", "worst to best", "AP 0.75", "AP 0.9", "Diameter error")
    body = [
        (
            f"{escape(row.kind)} ({row.images})",
            f"<b>{row.ap50:.2f}</b>",
            f"{row.worst:.2f} to {row.best:.2f}",
            f"{row.ap75:.2f}",
            f"{row.ap90:.2f}",
            f"{row.diameter_error:.0%}",
        )
        for row in rows
    ]
    spread = [
        f"{row.kind}: {', '.join(f'{value:.3f}' for value in row.seeds)}"
        for row in rows
        if row.seeds
    ]
    note = (
        "<p>Average precision (AP) at three IoU thresholds, on images not used for "
        "training, with the measured diameter. "
    )
    if any(len(row.seeds) > 1 for row in rows):
        note += "The best seed was chosen on them. "
    if spread:
        note += f"With each seed, at 0.5: {escape('; '.join(spread))}. "
    return f"<h3>Accuracy</h3>{_table(head, body)}{note}</p>"


def _data_table(rows: tuple[TrainingData, ...]) -> str:
    head = ("Trained on", "Images", "Cells", "Content and source", "Licence")
    body = [
        (
            escape(row.name),
            str(row.images),
            str(row.cells),
            escape(row.about),
            escape(row.licence),
        )
        for row in rows
    ]
    left_out = "".join(
        f"<p>{len(group.files)} files of {escape(row.name)} left out, "
        f"{escape(group.reason)}.</p>"
        for row in rows
        for group in row.left_out
    )
    return f"<h3>Training data</h3>{_table(head, body)}{left_out}"


def _lineage(card: ModelCard) -> str:
    """Return what the model was trained from, and whether it is better."""
    text = f"<p><b>Trained from</b> {escape(card.parent)}"
    if card.comparison is not None:
        text += f". It is {escape(str(card.comparison))}"
    return f"{text}.<br><small>SHA-256 {escape(card.parent_sha256)}</small></p>"


def _images_table(images: tuple[CardImage, ...]) -> str:
    rows = [
        (escape(one.source), escape(one.role), str(one.cells))
        for one in images[:_MOST_IMAGES]
    ]
    more = len(images) - len(rows)
    rest = f"<p>and {more} more, which the file of the card lists</p>" if more else ""
    table = _table(("Image and revision", "Used for", "Cells"), rows)
    return f"<h3>Images</h3>{table}{rest}"


def _training(card: ModelCard) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    rows = [
        ("Date", card.date),
        *([("Time", card.duration)] if card.duration else []),
        ("Seed", str(card.seed)),
        *([("Epoch kept", str(card.epoch))] if card.epoch else []),
        *([("Targets", f"flows {card.targets}")] if card.targets else []),
        ("Machine", card.machine),
        ("Versions", versions),
    ]
    listed = "".join(
        f"<tr><td>{name}</td><td>{escape(value)}</td></tr>" for name, value in rows
    )
    command = f"<p><code>{escape(card.command)}</code></p>" if card.command else ""
    return f"<h3>Training</h3>{command}<table>{listed}</table>"


def _curve_table(card: ModelCard) -> str:
    """Return the epochs at which the validation images were measured, or some."""
    measured = [one for one in card.curve if one.validation_ap is not None]
    points = measured or card.curve
    step = -(-len(points) // _MOST_EPOCHS)
    shown = [
        one
        for n, one in enumerate(points)
        if n % step == 0 or one.epoch == card.epoch or one is points[-1]
    ]
    head = ("Epoch", "Loss", "Validation loss", "AP at IoU 0.5")
    body = [
        (
            f"<b>{one.epoch}, kept</b>" if one.epoch == card.epoch else str(one.epoch),
            *map(_number, (one.train_loss, one.validation_loss, one.validation_ap)),
        )
        for one in shown
    ]
    return f"<h3>Curve</h3>{_table(head, body)}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _of_file(model: ModelSpec) -> str:
    licence = model.licence or "not stated"
    return (
        f"<h3>File</h3><p>{escape(str(model.path))}<br>"
        f"{_network(model)}<br>"
        f"Licence: {escape(licence)}<br>"
        f"<small>SHA-256 {model.sha256}</small></p>"
    )


def _network(model: ModelSpec | PublishedModel) -> str:
    return (
        f"{model.architecture_info.label}, "
        f"{counted(model.input_channels, 'input channel')}, "
        f"cells scaled to {model.diam_mean:g} px"
    )


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th align='left'>{cell}</th>" for cell in head)
    rows = "".join(
        f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in body
    )
    return f"<table cellpadding='4'><tr>{top}</tr>{rows}</table>"
