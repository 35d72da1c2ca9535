"""Tiny files of microscopes, written by the structure that is known of each format.

No library writes ND2, LIF, OIB or the metadata of LSM and STK; those of CZI and IMS
are written by pylibCZIrw and h5py.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import tifffile

SIZES = {"T": 2, "C": 2, "Z": 3, "Y": 20, "X": 24}


def ramp(axes="TCZYX", sizes=SIZES, dtype=np.uint16):
    """Return pixels that are different in every place, in the order of ``axes``."""
    weights = {"P": 20000, "T": 5000, "C": 2000, "Z": 500, "Y": 20, "X": 1, "S": 70}
    pixels = np.zeros([sizes[axis] for axis in axes], np.int64)
    for n, axis in enumerate(axes):
        shape = [1] * len(axes)
        shape[n] = -1
        pixels += weights[axis] * np.arange(sizes[axis]).reshape(shape)
    return pixels.astype(dtype)


def write_czi(path, scenes=("A1", "A2"), compression=None):
    """Write a file with two scenes of two overlapping tiles each; return one scene."""
    from pylibCZIrw import czi

    pixels = ramp()
    with czi.create_czi(str(path), compression_options=compression) as file:
        for s in range(len(scenes)):
            for t, c, z in np.ndindex(*pixels.shape[:3]):
                plane = np.ascontiguousarray(pixels[t, c, z][..., None]) + np.uint16(s)
                for x in (0, 10):
                    file.write(
                        np.ascontiguousarray(plane[:, x : x + 14]),
                        plane={"T": t, "C": c, "Z": z},
                        scene=s,
                        location=(x + 500 * s - 30, -20),
                    )
        blue, green = ((np.uint8(a) for a in rgb) for rgb in [(0, 0, 255), (0, 255, 0)])
        shown = {
            c: czi.ChannelDisplaySettingsDataClass(
                True, czi.TintingMode.Color, czi.Rgb8Color(*colour), 0.0, 1.0
            )
            for c, colour in enumerate((blue, green))
        }
        file.write_metadata(
            channel_names={0: "DAPI", 1: "GFP"},
            scale_x=1e-7,
            scale_y=1e-7,
            scale_z=3e-7,
            display_settings=shown,
        )
    return pixels


def write_colour_czi(path):
    """Write a picture that is mostly red; return its pixels."""
    from pylibCZIrw import czi

    pixels = np.zeros((20, 24, 3), np.uint8)
    pixels[..., :] = 200, 20, 10
    pixels[0, 0] = 1, 2, 3
    with czi.create_czi(str(path)) as file:
        # The library wants blue first.
        file.write(np.ascontiguousarray(pixels[..., ::-1]))
    return pixels


def write_ims(path, chunked=True):
    """Write two time points with two channels; return their pixels."""
    import h5py

    pixels = ramp()
    with h5py.File(path, "w") as file:
        for t, c in np.ndindex(2, 2):
            group = file.create_group(
                f"DataSet/ResolutionLevel 0/TimePoint {t}/Channel {c}"
            )
            for axis in "XYZ":
                group.attrs[f"ImageSize{axis}"] = _letters(SIZES[axis])
            # Imaris fills up the last chunks.
            padded = np.pad(pixels[t, c], ((0, 1), (0, 12), (0, 8)))
            stored = {"chunks": (2, 16, 16), "compression": "gzip"} if chunked else {}
            group.create_dataset("Data", data=padded, **stored)
        image = file.create_group("DataSetInfo/Image")
        for n, (axis, size) in enumerate({"X": 0.2, "Y": 0.25, "Z": 1.5}.items()):
            image.attrs[f"ExtMin{n}"] = _letters(10)
            image.attrs[f"ExtMax{n}"] = _letters(10 + size * SIZES[axis])
        image.attrs["Unit"] = _letters("um")
        for n, (name, colour) in enumerate([("DAPI", "0 0 1"), ("GFP", "0 1 0")]):
            channel = file.create_group(f"DataSetInfo/Channel {n}")
            channel.attrs["Name"] = _letters(name)
            channel.attrs["Color"] = _letters(colour)
    return pixels


def _letters(value):
    return np.array(list(str(value)), "S1")


# ND2: chunks with a map at the end; metadata in what Nikon calls lite variants.

_CHUNK, _NAME = 0x0ABECEDA, 4072
_BOOL, _UINT, _DOUBLE, _TEXT, _LEVEL = 1, 3, 6, 8, 11


def write_nd2(path, loops="TPZ", colour=False, taken=None):
    """Write frames in the order of ``loops``, and return the pixels, frames last.

    Each frame holds its channels beside each other in each pixel: YXC.
    """
    frame = "YXS" if colour else "YXC"
    sizes = {**SIZES, "P": 2, "S": 3}
    pixels = ramp(loops + frame, sizes, np.uint8 if colour else np.uint16)
    frames = pixels.reshape(-1, *pixels.shape[len(loops) :])[:taken]
    components = frames.shape[-1]
    channels = 1 if colour else components
    attributes = {
        "uiWidth": 24,
        "uiWidthBytes": 24 * components * pixels.itemsize,
        "uiHeight": 20,
        "uiComp": components,
        "uiBpcInMemory": 8 * pixels.itemsize,
        "uiBpcSignificant": 8 * pixels.itemsize,
        "uiSequenceCount": len(frames),
        "eCompression": 2,
    }
    planes = {
        f"a{n}": {
            "sDescription": name,
            # Red is the lowest byte.
            "uiColor": blue_green_red,
            "uiCompCount": components // channels,
            "pFluorescentProbe": {"uiCount": 0},
        }
        for n, (name, blue_green_red) in enumerate(
            [("DAPI", 0xFF0000), ("GFP", 0x00FF00)][:channels]
        )
    }
    picture = {
        "bCalibrated": True,
        "dCalibration": 0.25,
        "sPicturePlanes": {"uiCount": channels, "sPlaneNew": planes},
    }
    chunks = {
        "ImageAttributesLV!": _variant({"SLxImageAttributes": attributes}),
        "ImageMetadataSeqLV|0!": _variant({"SLxPictureMetadata": picture}),
        **{
            f"ImageDataSeq|{n}!": struct.pack("<d", 0) + one.tobytes()
            for n, one in enumerate(frames)
        },
    }
    if loops:
        chunks["ImageMetadataLV!"] = _variant({"SLxExperiment": _loop(loops, sizes)})
    content = bytearray()
    _add_chunk(content, b"ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver3.0".ljust(64, b"\0"))
    places = {}
    for name, data in chunks.items():
        places[name] = len(content), len(data)
        _add_chunk(content, name.encode().ljust(_NAME, b"\0"), data)
    found = b"".join(n.encode() + struct.pack("<QQ", *p) for n, p in places.items())
    end = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", len(content))
    _add_chunk(content, b"ND2 FILEMAP SIGNATURE NAME 0001!", found + end)
    path.write_bytes(content)
    return pixels


def _add_chunk(content, name, data):
    content += struct.pack("<IIQ", _CHUNK, len(name), len(data)) + name + data


def _loop(loops, sizes):
    count = sizes[loops[0]]
    kind, settings = {
        "T": (1, {"dStart": 0.0, "dPeriod": 1.0, "dDuration": 1.0}),
        "P": (2, {"Points": {f"i{n:010}": _point(n) for n in range(count)}}),
        "Z": (4, {"dZLow": 0.0, "dZHigh": 3.0, "dZStep": 1.5}),
    }[loops[0]]
    loop = {"eType": kind, "uLoopPars": {"uiCount": count, **settings}}
    if loops[1:]:
        loop["ppNextLevelEx"] = {"i0000000000": _loop(loops[1:], sizes)}
    return loop


def _point(n):
    return {"dPosX": 1.0 * n, "dPosY": 0.0, "dPosZ": 0.0, "dPosName": f"well {n + 1}"}


def _variant(value):
    return b"".join(_item(name, part) for name, part in value.items())


def _item(name, value):
    kinds = {bool: _BOOL, int: _UINT, float: _DOUBLE, str: _TEXT, dict: _LEVEL}
    kind = kinds[type(value)]
    head = bytes([kind, len(name) + 1]) + (name + "\0").encode("utf-16-le")
    if kind != _LEVEL:
        form = {_BOOL: "<B", _UINT: "<I", _DOUBLE: "<d"}
        if kind == _TEXT:
            return head + (value + "\0").encode("utf-16-le")
        return head + struct.pack(form[kind], value)
    inside = _variant(value)
    length = len(head) + struct.calcsize("<IQ") + len(inside)
    offsets = bytes(8 * len(value))
    return head + struct.pack("<IQ", len(value), length) + inside + offsets


# LIF: a description in XML, then blocks of pixels as they are.


def write_lif(path, images=("one", "two"), tiles=1):
    """Write images of T, Z, C, Y, X, each with tiles; return the pixels of a tile."""
    pixels = ramp("TZCYX")
    whole = np.stack([pixels + 7 * n for n in range(tiles)]).astype("<u2")
    steps = {"X": 2, "Y": 48, "Z": 1920, "T": 5760, "M": 11520}
    ids = {
        "X": (1, 2.3e-6),
        "Y": (2, 1.9e-6),
        "Z": (3, 1e-6),
        "T": (4, 1),
        "M": (10, 0),
    }
    lengths = {**SIZES, "M": tiles}
    dimensions = "".join(
        f'<DimensionDescription DimID="{number}" NumberOfElements="{lengths[axis]}" '
        f'Origin="0" Length="{length}" Unit="m" BitInc="0" BytesInc="{steps[axis]}"/>'
        for axis, (number, length) in ids.items()
        if lengths[axis] > 1
    )
    channels = "".join(
        '<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" '
        'NameOfMeasuredQuantity="" Min="0" Max="65535" Unit="" IsLUTInverted="0" '
        f'LUTName="{name}" BytesInc="{960 * n}" BitInc="0"/>'
        for n, name in enumerate(("Green", "Magenta"))
    )
    elements = "".join(
        f'<Element Name="{name}" UniqueID="u{n}"><Data><Image><ImageDescription>'
        f"<Channels>{channels}</Channels><Dimensions>{dimensions}</Dimensions>"
        "</ImageDescription></Image></Data>"
        f'<Memory Size="{whole.nbytes}" MemoryBlockID="MemBlock_{n}"/>'
        "<Children/></Element>"
        for n, name in enumerate(images)
    )
    text = (
        f'<LMSDataContainerHeader Version="2"><Element Name="lif" UniqueID="u">'
        f'<Data><Experiment/></Data><Memory Size="0" MemoryBlockID="MemBlock_x"/>'
        f"<Children>{elements}</Children></Element></LMSDataContainerHeader>"
    )
    content = _lif_text(text)
    for n in range(len(images)):
        name = f"MemBlock_{n}"
        content += struct.pack("<IIBQBI", 0x70, 0, 0x2A, whole.nbytes, 0x2A, len(name))
        content += name.encode("utf-16-le") + (whole + n).astype("<u2").tobytes()
    path.write_bytes(content)
    return pixels


def _lif_text(text):
    data = text.encode("utf-16-le")
    return struct.pack("<IIBI", 0x70, len(data) + 5, 0x2A, len(text)) + data


# OIF: settings in sections, and a folder of TIFFs; an OIB is both in one file.


def oif_settings():
    """Return the settings of a file with two channels and three planes."""
    sections = {
        "ProfileSaveInfo": {"Name": "sample.oif", "Version": "1.0"},
        "Axis Parameter Common": {"AxisOrder": "XYCZ"},
        "Reference Image Parameter": {
            "HeightConvertValue": 0.25,
            "HeightUnit": "um",
            "WidthConvertValue": 0.2,
            "WidthUnit": "um",
            "ValidBitCounts": 12,
        },
        "GUI Channel 1 Parameters": {"DyeName": "DAPI"},
        "GUI Channel 2 Parameters": {"DyeName": "Alexa 488"},
    }
    for n, (axis, length) in enumerate({"X": 24, "Y": 20, "C": 2, "Z": 3}.items()):
        sections[f"Axis {n} Parameters Common"] = {
            "AxisCode": axis,
            "MaxSize": length,
            "StartPosition": 0,
            "EndPosition": 1000 * (length - 1) if axis == "Z" else length,
            "UnitName": "nm" if axis == "Z" else "um",
        }
    return _settings(sections)


def _settings(sections):
    lines = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        lines += [
            f'{key}="{value}"' if isinstance(value, str) else f"{key}={value}"
            for key, value in values.items()
        ]
    return ("\r\n".join(lines) + "\r\n").encode("utf-16")


def _oif_planes(folder):
    pixels = ramp("CZYX")
    for c, z in np.ndindex(2, 3):
        name = f"s_C{c + 1:03}Z{z + 1:03}.tif"
        tifffile.imwrite(folder / name, pixels[c, z], metadata=None)
    return pixels


def write_oif(path):
    """Write a file and its folder; return the pixels, CZYX."""
    folder = path.with_name(path.name + ".files")
    folder.mkdir()
    path.write_bytes(oif_settings())
    return _oif_planes(folder)


def write_oib(path, scratch):
    """Write the same in one file; ``scratch`` is an empty folder."""
    pixels = _oif_planes(scratch)
    streams = {"Stream00000": oif_settings()}
    info = {
        "Name": path.name,
        "Version": "2.0.0.0",
        "MainFileName": "Stream00000",
        "Stream00000": "sample.oif",
    }
    for n, file in enumerate(sorted(scratch.iterdir()), 1):
        streams[f"Stream{n:05}"] = file.read_bytes()
        info[f"Stream{n:05}"] = f"Storage00001/{file.name}"
    streams["OibInfo.txt"] = _settings({"OibSaveInfo": info})
    path.write_bytes(_compound(streams))
    return pixels


def _compound(streams, size=512):
    """Return a compound file of Microsoft's of version 3, without short streams."""
    free, end, fat_mark, none = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
    names = list(streams)
    entries = [_entry("Root Entry", 5, none, none, 1, end, 0)]
    sectors, chain = [], []

    def put(data):
        first = len(sectors)
        pieces = [
            data[i : i + size].ljust(size, b"\0") for i in range(0, len(data), size)
        ]
        sectors.extend(pieces)
        chain.extend([*range(first + 1, first + len(pieces)), end])
        return first

    for n, name in enumerate(names, 1):
        after = n + 1 if n < len(names) else none
        at, data = put(streams[name]), streams[name]
        entries.append(_entry(name, 2, none, after, none, at, len(data)))
    directory = put(b"".join(entries))
    fats = 1
    while fats * size // 4 < len(sectors) + fats:
        fats += 1
    table = chain + [fat_mark] * fats
    table += [free] * (fats * size // 4 - len(table))
    first = len(sectors)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack(
        "<16sHHHHHHIIIIIIIIII",
        *(b"\0" * 16, 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, fats, directory, 0, 0),
        *(end, 0, end, 0),
    )
    places = [*range(first, first + fats), *[free] * (109 - fats)]
    header += struct.pack("<109I", *places)
    return header + b"".join(sectors) + struct.pack(f"<{len(table)}I", *table)


def _entry(name, kind, left, right, child, start, length):
    text = name.encode("utf-16-le") + b"\0\0"
    return struct.pack(
        "<64sHBBIII16sIQQIQ",
        *(text, len(text), kind, 1, left, right, child, bytes(16), 0, 0, 0),
        *(start, length),
    )


# LSM and STK: TIFFs with tags of their own.


def write_lsm(path):
    """Write a stack of three channels with thumbnails; return the pixels, ZCYX."""
    pixels = ramp("ZCYX", {**SIZES, "C": 3})
    dyes = {"DAPI": (0, 0, 255), "GFP": (0, 255, 0), "Cy5": (255, 0, 0)}
    colours = _lsm_colours(dyes)
    info = bytearray(512)
    # Magic, size, X, Y, Z, C, T, type of data, thumbnail, and the sizes in metres.
    struct.pack_into("<IIiiiiiiii", info, 0, 0x00400494C, 512, 24, 20, 3, 3, 1, 2, 4, 4)
    struct.pack_into("<ddd", info, 40, 2e-7, 2.5e-7, 1.5e-6)
    with tifffile.TiffWriter(path, byteorder="<") as tiff:
        for n, plane in enumerate(pixels):
            tiff.write(
                plane,
                planarconfig="separate",
                photometric="minisblack",
                metadata=None,
                extratags=[(34412, 1, len(info), bytes(info), True)] if not n else [],
            )
            tiff.write(plane[0, :4, :4], subfiletype=1, metadata=None)
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<II", 0x00400494C, 512))
    # Where the colours lie is a number in the metadata.
    struct.pack_into("<I", content, at + 108, len(content))
    path.write_bytes(content + colours)
    return pixels


def _lsm_colours(dyes):
    listed = b"".join(bytes([*colour, 0]) for colour in dyes.values())
    told = b"".join(struct.pack("<I", len(n) + 1) + n.encode() + b"\0" for n in dyes)
    size = 24 + len(listed) + len(told)
    head = struct.pack("<6I", size, len(dyes), len(dyes), 24, 24 + len(listed), 0)
    return head + listed + told


def write_stk(path, distance=1.5):
    """Write a stack of three planes; return the pixels, ZYX."""
    pixels = ramp("ZYX")
    rows = np.zeros((3, 6), "<u4")
    rows[:, 0], rows[:, 1] = int(distance * 100), 100
    # Days of the Julian calendar, and milliseconds.
    rows[:, 2] = rows[:, 4] = 2460000
    rows[:, 3] = [0, 10, 20]
    tags = [
        (33629, 5, 3, rows.tobytes(), True),
        (33628, 4, 3, b"\0" * 24, True),
    ]
    tifffile.imwrite(path, pixels[:1], metadata=None, byteorder="<", extratags=tags)
    with tifffile.TiffFile(path) as tiff:
        found = tiff.pages.first.tags
        uic1, strips = found[33628].valueoffset, found["StripOffsets"].valueoffset
        places = [found[code].offset for code in (33628, 33629)]
    content = bytearray(path.read_bytes())
    # tifffile counts numbers, but here are pairs of them.
    for place in places:
        struct.pack_into("<I", content, place + 4, 3)
    # All planes lie one after the other, from where the first one is said to be.
    struct.pack_into("<I", content, strips, len(content))
    content += pixels.astype("<u2").tobytes()
    # 4 is the size of a pixel along X, 5 along Y, and 6 their unit.
    calibration = len(content)
    content += struct.pack("<IIII", 20, 100, 25, 100) + struct.pack("<I", 3) + b"um\0"
    values = (4, calibration, 5, calibration + 8, 6, calibration + 16)
    struct.pack_into("<6I", content, uic1, *values)
    path.write_bytes(content)
    return pixels


def write_all(archive):
    """Write one file of each format, and its pixels in TCZYX order, into a ZIP.

    The program has them for the check of an installation:
    ``python -m tests.vendor_samples resources/microscopes.zip``.
    """
    with TemporaryDirectory() as folder, ZipFile(archive, "w", ZIP_DEFLATED) as zipped:
        here = Path(folder)
        scratch = here / "scratch"
        scratch.mkdir()
        kinds = {
            "sample.czi": (lambda path: write_czi(path, ("A1",), "zstd1:"), "TCZYX"),
            "sample.ims": (write_ims, "TCZYX"),
            "sample.lif": (lambda path: write_lif(path, ("one",)), "TZCYX"),
            "sample.lsm": (write_lsm, "ZCYX"),
            "sample.nd2": (lambda path: write_nd2(path, ""), "YXC"),
            "sample.oib": (lambda path: write_oib(path, scratch), "CZYX"),
            "sample.stk": (write_stk, "ZYX"),
        }
        for name, (write, axes) in kinds.items():
            pixels = ordered(write(here / name), axes)
            np.save(here / f"{name}.npy", pixels)
            for file in (name, f"{name}.npy"):
                zipped.write(here / file, file)


def ordered(pixels, axes):
    """Return pixels in TCZYX order."""
    missing = [axis for axis in "TCZYX" if axis not in axes]
    whole = pixels.reshape(*[1] * len(missing), *pixels.shape)
    axes = "".join(missing) + axes
    return whole.transpose([axes.index(axis) for axis in "TCZYX"])


if __name__ == "__main__":
    write_all(sys.argv[1])
