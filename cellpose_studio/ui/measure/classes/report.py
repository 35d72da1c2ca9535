"""What is shown of a classifier: accuracy, a table of the classes, measurements."""

from __future__ import annotations

import math
from html import escape

from cellpose_studio.core.provenance.classes.classifier_record import ClassifierRecord


def short_text(record: ClassifierRecord) -> str:
    """Return accuracy and number of examples, and a warning if it only guesses."""
    text = (
        f"Accuracy {record.accuracy:.0%}: {record.right:,} of {record.examples:,} "
        "cells, cross-validated"
    )
    low, _ = record.interval
    if low > record.by_chance:
        return text
    return (
        f"{text}. That may be chance: always saying the most frequent class gives "
        f"{record.by_chance:.0%}. Class more cells by hand"
    )


def report(record: ClassifierRecord) -> str:
    """Return all that is known of a classifier, as HTML."""
    parts = [
        f"<b>Accuracy {escape(record.accuracy_text)}</b><br>Balanced accuracy "
        f"{record.balanced_accuracy:.0%}: rare classes count as much as frequent ones. "
        f"Who always says the most frequent class has {record.by_chance:.0%}.",
        escape(record.validation_text),
        _table(record),
        f"<b>Measurements that matter most</b><br>{_features(record)}<br>"
        f"It uses {len(record.features)}: {escape(', '.join(record.features))}.",
        f"{escape(record.method)}, seed {record.seed}; "
        + escape(", ".join(f"{name} {one}" for name, one in record.versions.items()))
        + f". Trained {record.created.astimezone():%Y-%m-%d %H:%M} with cells of "
        f"{escape(', '.join(record.images))}.",
    ]
    if record.left_out:
        names = escape(", ".join(record.left_out))
        parts.insert(2, f"Left out, as classes need 3 cells classed by hand: {names}.")
    return "".join(f"<p>{part}</p>" for part in parts)


def _table(record: ClassifierRecord) -> str:
    names = [escape(one.name) for one in record.classes]
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = []
    for n, one in enumerate(record.classes):
        found = "".join(
            f"<td align='right'>{'<b>' if n == m else ''}{count}"
            f"{'</b>' if n == m else ''}</td>"
            for m, count in enumerate(one.found_as)
        )
        rows.append(
            f"<tr><td>{names[n]}</td>{found}<td align='right'>{one.examples}</td>"
            f"<td align='right'>{_percent(record.precision(n))}</td>"
            f"<td align='right'>{_percent(record.recall(n))}</td></tr>"
        )
    return (
        "<table cellpadding='3'><tr><th align='left'>by hand \\ found as</th>"
        f"{head}<th>cells</th><th>precision</th><th>recall</th></tr>"
        f"{''.join(rows)}</table>Precision: of the cells found to be of a class, how "
        "many are. Recall: of the cells of a class, how many were found."
    )


def _features(record: ClassifierRecord) -> str:
    return ", ".join(f"{escape(name)} ({one:.0%})" for name, one in record.top_features)


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.0%}"
