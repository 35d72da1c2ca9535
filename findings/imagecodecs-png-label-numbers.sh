#!/usr/bin/env bash
# imagecodecs 2026.3.6: png_decode changes the numbers of label images.
#
# Guess: a PNG with a palette gives its indices, and one of 4 bits gives 0 to 15.
# Seen: a palette is replaced by its colours (three channels, four with tRNS), and grey
# values of 2 and 4 bits are spread over 0 to 255 (1 becomes 85 or 17). For pictures
# that is right. Masks saved with a palette or with few bits, as annotation tools do,
# lose their labels: read the indices another way.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q imagecodecs==2026.3.6 numpy

"$folder/venv/bin/python" - <<'PYTHON'
import struct
import zlib

import imagecodecs


def chunk(kind, data):
    crc = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def png(bits, colour, packed, *more):
    """Return a PNG of one row with three pixels."""
    head = struct.pack(">IIBBBBB", 3, 1, bits, colour, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            *more,
            chunk(b"IDAT", zlib.compress(b"\0" + packed)),
            chunk(b"IEND", b""),
        ]
    )


print("imagecodecs", imagecodecs.__version__)
palette = chunk(b"PLTE", bytes([0, 0, 0, 250, 10, 10, 10, 250, 10]))
transparent = chunk(b"tRNS", bytes([0]))
indices = imagecodecs.png_decode(png(8, 3, bytes([0, 1, 2]), palette))
with_alpha = imagecodecs.png_decode(png(8, 3, bytes([0, 1, 2]), palette, transparent))
two_bits = imagecodecs.png_decode(png(2, 0, bytes([0b00011000])))
four_bits = imagecodecs.png_decode(png(4, 0, bytes([0x01, 0x20])))
print("palette", indices.shape, "with tRNS", with_alpha.shape)
print("2 bits", two_bits.tolist(), "4 bits", four_bits.tolist())
assert indices.shape == (1, 3, 3)
assert with_alpha.shape == (1, 3, 4)
assert two_bits.tolist() == [[0, 85, 170]]
assert four_bits.tolist() == [[0, 17, 34]]
PYTHON
