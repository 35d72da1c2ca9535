"""Lines of a script of plain Cellpose 4 for images with pixels that are no number."""

from __future__ import annotations

from cellpose_studio.core.provenance.record import RunRecord

NONE = ("", "")

_SCALED = '''
def scaled(pixels):
    """Return the pixels, and limits that pixels without a number take no part in."""
    holes = ~np.isfinite(pixels)
    if not holes.any():
        return pixels, None
{refusal}    limits = np.zeros((pixels.shape[-1], 2))
    for c, ends in enumerate(limits):
        channel, hole = pixels[..., c], holes[..., c]
        ends[:] = np.percentile(channel[~hole], {percentile}) if not hole.all() else 0
        if ends[1] - ends[0] <= 1e-3:
            channel[:], ends[:] = 0, {empty}
        channel[hole] = ends[{dark}]
    return pixels, limits

'''

_ZEROED = '''
def scaled(pixels):
    """Return the pixels, and 0 for those without a number."""
    return np.nan_to_num(pixels, nan=0, posinf=0, neginf=0), None

'''

_REFUSAL = (
    '    raise SystemExit("Cellpose cannot leave out pixels that are no number here: '
    'run Cellpose Studio.")\n'
)


def scaling_lines(record: RunRecord, whole: bool) -> tuple[str, str]:
    """Return a function that takes care of such pixels, and the line that calls it.

    Both are empty where all pixels of an image are numbers by their type.
    """
    if not record.image.dtype.startswith("float"):
        return NONE
    parameters = record.parameters
    how = parameters.normalization
    call = "    pixels, limits = scaled(pixels)\n"
    if not how.normalize:
        return _ZEROED, call
    local = how.tile_norm_blocksize or how.sharpen_radius or how.smooth_radius
    alone = whole and not (parameters.do_3D or how.norm3D)
    text = _SCALED.format(
        refusal=_REFUSAL if local or alone else "",
        percentile=how.percentile,
        empty=(-1, 0) if how.invert else (0, 1),
        # Holes are to become 0, which inversion makes of the brightest value.
        dark=1 if how.invert else 0,
    )
    return text, call
