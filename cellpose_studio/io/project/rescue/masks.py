"""Rescue of the revisions of which every pixel is intact."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.core.provenance.revision import KIND_WORDS, LabelRevision
from cellpose_studio.io.project.checksums import list_sha256
from cellpose_studio.io.project.reading import to_json
from cellpose_studio.io.project.rescue.salvage import Salvage
from cellpose_studio.io.project.rescue.source import Values
from cellpose_studio.io.project.tables.label_chunks import is_intact, update_checksum
from cellpose_studio.io.project.tables.revisions import revision_of_row, write_revision

if TYPE_CHECKING:
    from cellpose_studio.io.project.rescue.label_sets import SavedLabelSet

_CHECKED, _CHUNKS_SHA256, _THUMBNAIL = slice(0, 14), 14, 15


class Masks:
    """The revisions of a damaged project.

    Attributes
    ----------
    known
        All revisions by id, including those whose pixels are lost.
    saved
        Ids of the revisions with all pixels.
    lost
        Sentences about the others.
    """

    def __init__(self, salvage: Salvage) -> None:
        self._salvage = salvage
        self._rows: dict[int, Values] = {}
        self.known: dict[int, LabelRevision] = {}
        salvage.rows("revision", self._take)
        self._chunks: dict[int, list[Values]] = defaultdict(list)
        for row in salvage.rows("revision_chunk"):
            self._chunks[int(row[0])].append(row)  # type: ignore[arg-type]
        self.saved = {number for number in self.known if self._has_all_pixels(number)}
        self.lost = list(self._sentences())

    def label_sets(self) -> set[int]:
        """Return the label sets that have masks."""
        return {self.known[number].label_set for number in self.saved}

    def runs_of(self, label_set: int) -> set[int]:
        """Return the runs that made masks of a label set."""
        revisions = (r for r in self.known.values() if r.label_set == label_set)
        return {r.run for r in revisions if r.run is not None}

    def shape_of(self, label_set: int) -> tuple[int, ...]:
        """Return the shape of the masks of a label set; (1, 1) if there are none."""
        shapes = [r.shape for r in self.known.values() if r.label_set == label_set]
        return shapes[-1] if shapes else (1, 1)

    def ancestor(self, revision: int | None, edits_only: bool = False) -> int | None:
        """Return the newest saved ancestor of a revision, or itself.

        With ``edits_only``, only edits may lie between them.
        """
        while revision is not None and revision not in self.saved:
            known = self.known.get(revision)
            if known is None or (edits_only and known.kind != "edit"):
                return None
            revision = known.parent if (known.parent or 0) < revision else None
        return revision

    def holding(self, revision: int) -> int | None:
        """Return the oldest saved revision that contains the edits of a lost one."""
        while revision not in self.saved:
            children = [
                r.id
                for r in self.known.values()
                if r.parent == revision and r.kind == "edit" and r.id > revision
            ]
            if not children:
                return None
            revision = min(children)
        return revision

    def newest(self, label_set: int) -> int | None:
        """Return the newest saved revision of a label set."""
        return max(
            (n for n in self.saved if self.known[n].label_set == label_set),
            default=None,
        )

    def save(self, db: sqlite3.Connection, label_sets: Iterable[SavedLabelSet]) -> None:
        """Write label sets without heads, and the revisions with their pixels."""
        for stored in label_sets:
            db.execute(
                "INSERT OR IGNORE INTO label_set VALUES (?, ?, ?, NULL, 0, ?, x'')",
                (stored.id, stored.image, stored.name, stored.highest),
            )
        runs = {row[0] for row in db.execute("SELECT id FROM run")}
        for number in sorted(self.saved):
            self._save(db, self.known[number], runs)

    def _save(
        self, db: sqlite3.Connection, revision: LabelRevision, runs: set[int]
    ) -> None:
        saved = replace(
            revision,
            parent=self.ancestor(revision.parent),
            run=revision.run if revision.run in runs else None,
        )
        thumbnail = self._rows[revision.id][_THUMBNAIL]
        write_revision(db, saved, thumbnail)  # type: ignore[arg-type]
        for row in self._chunks[revision.id]:
            sha256 = bytes(row[-1])  # type: ignore[arg-type]
            db.execute(
                "INSERT OR IGNORE INTO chunk VALUES (?, ?)",
                (sha256, self._chunk(sha256)),
            )
            db.execute("INSERT INTO revision_chunk VALUES (?, ?, ?, ?, ?)", row)
        update_checksum(db, revision.id)

    def _take(self, row: Values) -> bool:
        try:
            revision = revision_of_row(row[_CHECKED])
        except ProjectDamaged:
            return False
        self.known[revision.id] = revision
        self._rows[revision.id] = row
        return True

    def _has_all_pixels(self, revision: int) -> bool:
        rows = sorted(self._chunks[revision], key=lambda row: row[1:4])
        shape = to_json(self.known[revision].shape)
        if (
            list_sha256(shape, (row[1:] for row in rows))
            != (self._rows[revision][_CHUNKS_SHA256])
        ):
            return False
        return all(self._chunk(bytes(row[-1])) is not None for row in rows)  # type: ignore[arg-type]

    def _chunk(self, sha256: bytes) -> bytes | None:
        return self._salvage.chunk(sha256, lambda data: is_intact(data, sha256))

    def _sentences(self) -> Iterator[str]:
        for number in sorted(self.known.keys() - self.saved):
            revision = self.known[number]
            kind = KIND_WORDS[revision.kind].lower()
            yield (
                f"The masks of {revision.created:%Y-%m-%d %H:%M} ({kind}, label set "
                f"{revision.label_set}) cannot be read."
            )
        unknown = self._chunks.keys() - self.known.keys()
        if unknown:
            yield f"{len(unknown)} more versions of masks cannot be read."
