"""Operations on label images; each returns an edit and writes nothing.

``labels`` are uint32 of YX, ZYX, TYX or TZYX, C-contiguous, and ``table`` is theirs.
``at`` is the index of a plane, of a volume, or () for the whole image. Other cells
are not overwritten unless ``protect`` is False. The cost of an operation grows with the
bounding boxes of the cells, not with the image.
"""
