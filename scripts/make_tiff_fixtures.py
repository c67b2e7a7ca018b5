#!/usr/bin/env python3
"""Writes test/fixtures/tiff: small TIFFs of many kinds, and what tifffile or GDAL read of them. In a venv:

    pip install numpy tifffile imagecodecs pillow rasterio
    python scripts/make_tiff_fixtures.py test/fixtures/tiff

Of each file `right.json` keeps the samples as those libraries read them (`bands`: height x width x bands, turned upright), where there is a
picture (`valid`, GDAL's mask of the data set), and red, green and blue where other colours become those (`rgb`); all as deflated numbers.
"""
import base64
import json
import os
import sys
import zlib

import numpy as np
import rasterio
import tifffile
from rasterio.transform import from_origin

OUT = sys.argv[1]
os.makedirs(OUT, exist_ok=True)
H, W = 45, 70
y, x = np.mgrid[0:H, 0:W]
DISK = (x - 40) ** 2 + (y - 20) ** 2 < 14**2
RGB = np.dstack([np.where(DISK, 30 + x, 80 + y), np.where(DISK, 70, 130 + x // 2), np.where(DISK, 160 - y, 60)]).astype("u1")
PLACE = dict(crs="EPSG:32618", transform=from_origin(5e5, 5e6, 1, 1))
right = {}


def packed(a, kind="f8"):
    return {"shape": list(a.shape), "type": kind, "data": base64.b64encode(zlib.compress(np.ascontiguousarray(a, kind).tobytes(), 9)).decode()}


def path(name):
    return f"{OUT}/{name}.tif"


def keep(name, bands, rgb=None, valid=None):
    bands = bands if bands.ndim == 3 else bands[..., None]
    right[name] = {"bands": packed(bands)}
    if rgb is not None:
        right[name]["rgb"] = packed(rgb, "u1")
    if valid is not None:
        right[name]["valid"] = packed(valid, "u1")


def by_tifffile(name, data, expect=None, rgb=None, valid=None, **how):
    tifffile.imwrite(path(name), data, metadata=None, **how)
    seen = tifffile.imread(path(name)) if expect is None else expect
    keep(name, seen, rgb, valid)


def by_gdal(name, data, mask=None, reference="gdal", **how):
    data = data if data.ndim == 3 else data[..., None]
    kind = dict(driver="GTiff", width=data.shape[1], height=data.shape[0], count=data.shape[2], dtype=data.dtype)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path(name), "w", **{**kind, **how}) as r:
        r.write(data.transpose(2, 0, 1))
        if mask is not None:
            r.write_mask(mask)
    with rasterio.open(path(name)) as r:
        seen = r.read().transpose(1, 2, 0) if reference == "gdal" else tifffile.imread(path(name))
        alpha = r.colorinterp[-1].name == "alpha"
        hides = alpha or mask is not None or how.get("nodata") is not None
        keep(name, seen, valid=(r.dataset_mask() > 0) if hides else None)


tile = dict(tile=(32, 32))
tiled = dict(tiled=True, blockxsize=32, blockysize=32)
by_tifffile("u8-rgb-strips", RGB, photometric="rgb", rowsperstrip=7)
by_tifffile("u8-rgb-one-strip-big-endian", RGB, photometric="rgb", byteorder=">")
by_tifffile("u8-rgb-bigtiff", RGB, photometric="rgb", bigtiff=True, **tile)
by_tifffile("u8-rgb-planar", RGB.transpose(2, 0, 1), expect=RGB, photometric="rgb", planarconfig="separate", rowsperstrip=9)
by_tifffile("u8-rgb-deflate-predictor", RGB, photometric="rgb", compression="deflate", predictor=True, **tile)
by_tifffile("u8-rgb-lzw-predictor", RGB, photometric="rgb", compression="lzw", predictor=True, **tile)
by_tifffile("u8-grey-packbits-rows", RGB[..., 0], photometric="minisblack", compression="packbits", rowsperstrip=1)
by_tifffile("u8-rgb-zstd-predictor", RGB, photometric="rgb", compression="zstd", predictor=True, **tile)
by_tifffile("u8-rgb-zstd-strips", RGB, photometric="rgb", compression="zstd", rowsperstrip=8)
by_tifffile("u8-rgb-lerc", RGB, photometric="rgb", compression="lerc", **tile)
by_tifffile("u8-rgb-webp", RGB, photometric="rgb", compression="webp", compressionargs={"level": -1, "lossless": True}, **tile)
by_tifffile("u16-grey-png", RGB[..., 0].astype("u2") * 150, photometric="minisblack", compression="png", **tile)
# Where a JPEG holds fewer pixels of colour than of light, tifffile and Pillow smooth them, GDAL repeats them.
by_gdal("u8-rgb-jpeg-ycbcr", RGB, reference="tifffile", photometric="YCBCR", compress="JPEG", **tiled)
by_gdal("u8-rgb-jpeg-rgb", RGB, photometric="RGB", compress="JPEG", **tiled)
by_gdal("u8-grey-jpeg", RGB[..., 1], compress="JPEG")
by_gdal("u8-four-bands-deflate", np.dstack([RGB, 255 - RGB[..., 0]]), photometric="MINISBLACK", compress="DEFLATE", **tiled)
by_gdal("u16-five-bands-lzw", np.dstack([RGB, RGB[..., :2]]).astype("u2") * 37, compress="LZW", predictor=2, **tiled)
by_gdal("u16-planar-zstd", RGB.astype("u2") * 211, compress="ZSTD", predictor=2, interleave="band", **tiled)
by_gdal("f32-lerc-deflate", np.where(DISK, np.nan, RGB[..., 0] / 7).astype("f4"), compress="LERC_DEFLATE", **tiled)
by_gdal("f32-lerc-zstd", (RGB / 3).astype("f4"), compress="LERC_ZSTD", max_z_error=0, **tiled)
by_gdal("f32-deflate-predictor", (RGB / 9).astype("f4"), compress="DEFLATE", predictor=3, **tiled)
by_gdal("f64-zstd-predictor", (RGB[..., 0] / 11).astype("f8"), compress="ZSTD", predictor=3)
by_gdal("u16-sparse", np.zeros((H, W), "u2"), sparse_ok=True, **tiled)
by_tifffile("u16-grey-lzw-predictor-big-endian", RGB[..., 0].astype("u2") * 257, photometric="minisblack", compression="lzw", predictor=True, byteorder=">")
by_tifffile("f32-deflate-predictor-big-endian", (RGB[..., 0] / 9).astype("f4"), photometric="minisblack", compression="deflate", predictor=3, byteorder=">")
by_tifffile("u16-rgb", RGB.astype("u2") * 100 + 7, photometric="rgb")
for kind in ("i1", "i2", "u4", "i4", "i8", "u8", "f2", "f4", "f8"):
    data = (RGB[..., 0].astype("f8") - (0 if kind[0] == "u" else 90)) * {"i1": 0.5, "f2": 0.25}.get(kind, 3)
    by_tifffile(f"grey-{kind}", data.astype(kind), photometric="minisblack", rowsperstrip=11)
by_gdal("i64-lzw-predictor", (RGB[..., 0].astype("i8") - 99) * 2**40, compress="LZW", predictor=2)
by_tifffile("bits-1", DISK, photometric="minisblack")
by_tifffile("bits-1-white-is-0", ~DISK, expect=DISK.astype("u1"), photometric="miniswhite")
by_gdal("bits-1-fax-4", DISK.astype("u1"), nbits=1, compress="CCITTFAX4", photometric="MINISBLACK")
by_gdal("bits-1-fax-3", DISK.astype("u1"), nbits=1, compress="CCITTFAX3", photometric="MINISBLACK")
by_gdal("bits-2", RGB[..., 0] >> 6, nbits=2)
by_gdal("bits-4-tiles", RGB[..., 0] >> 4, nbits=4, **tiled)
by_gdal("bits-4-rgb", RGB >> 4, nbits=4, photometric="RGB", interleave="pixel")
by_gdal("bits-12", RGB[..., 0].astype("u2") * 16 + 3, nbits=12, compress="DEFLATE")
by_gdal("bits-12-rgb", RGB.astype("u2") * 16 + 3, nbits=12, photometric="RGB", interleave="pixel", **tiled)
by_gdal("bits-20", RGB[..., 0].astype("u4") * 4001, nbits=20)
by_gdal("f16-by-nbits", (RGB[..., 0] / 4).astype("f4"), nbits=16)
WHITE = 255 - RGB[..., 0]
by_tifffile("u8-white-is-0", WHITE, expect=RGB[..., 0], photometric="miniswhite")
MAP = np.random.default_rng(1).integers(0, 256, (3, 256)).astype("u2")
by_tifffile("u8-palette", RGB[..., 0], expect=MAP.T[RGB[..., 0]], rgb=MAP.T[RGB[..., 0]], photometric="palette", colormap=MAP * 257, **tile)
INKS = np.dstack([255 - RGB, RGB[..., 0] // 4]).astype("u1")
MIXED = np.rint((255.0 - INKS[..., :3]) * (255.0 - INKS[..., 3:]) / 255).astype("u1")
by_tifffile("u8-cmyk", INKS, expect=MIXED, rgb=MIXED, photometric="separated", **tile)
ALPHA = np.where(x < 20, 0, 255).astype("u1")
by_gdal("u8-rgb-alpha", np.dstack([RGB, ALPHA]), photometric="RGB", alpha="YES", compress="DEFLATE", **tiled, **PLACE)
by_gdal("u8-rgb-alpha-webp", np.dstack([RGB * (ALPHA[..., None] > 0), ALPHA]), photometric="RGB", alpha="YES", compress="WEBP", webp_lossless=True, **tiled)
by_tifffile("u8-rgb-associated-alpha", np.dstack([RGB, ALPHA]), photometric="rgb", extrasamples=["assocalpha"], valid=ALPHA > 0)
by_tifffile("u8-grey-alpha", np.dstack([RGB[..., 0], ALPHA]), photometric="minisblack", extrasamples=["unassalpha"], planarconfig="contig", valid=ALPHA > 0)
by_gdal("u8-rgb-mask", RGB, photometric="RGB", mask=ALPHA, compress="DEFLATE", **tiled)
by_gdal("u8-rgb-nodata", np.where(ALPHA[..., None] > 0, RGB, 0), photometric="RGB", nodata=0, **PLACE)
by_gdal("i16-nodata", np.where(ALPHA > 0, RGB[..., 0].astype("i2") * 9 - 400, -9999), nodata=-9999, **PLACE)
by_gdal("f32-nodata", np.where(ALPHA > 0, RGB[..., 0] / 3, -3.4028234663852886e38).astype("f4"), nodata=-3.4028234663852886e38, compress="LZW", **tiled, **PLACE)
by_tifffile("three-pages", RGB.transpose(2, 0, 1), expect=RGB, photometric="minisblack")
for code, turn in enumerate(
    (lambda a: a, np.fliplr, lambda a: np.rot90(a, 2), np.flipud, lambda a: a.swapaxes(0, 1), lambda a: np.rot90(a), lambda a: np.rot90(a, 2).swapaxes(0, 1), lambda a: np.rot90(a, -1)), 1):
    by_tifffile(f"orientation-{code}", np.ascontiguousarray(turn(RGB)), expect=RGB, photometric="rgb", extratags=[(274, "H", 1, code, True)], **(tile if code % 2 else dict(rowsperstrip=5)))
with rasterio.open(path("u8-rgb-lzw-predictor")) as r:
    small = r.read()
by_gdal("u8-rgb-overviews", small.transpose(1, 2, 0), photometric="RGB", compress="LZW", **tiled)
with rasterio.open(path("u8-rgb-overviews"), "r+") as r:
    r.build_overviews([2, 4])

# No data is a stored value: an index of a palette, a grey of which 0 is white
nodata = lambda value: dict(metadata=None, extratags=[(42113, "s", 0, str(value), True)])
INDEX = np.where(x < 20, 200, np.where(DISK, 3, 0)).astype("u1")
tifffile.imwrite(path("u8-palette-nodata"), INDEX, photometric="palette", colormap=MAP * 257, **nodata(200))
keep("u8-palette-nodata", MAP.T[INDEX], rgb=MAP.T[INDEX], valid=INDEX != 200)
SHADE = np.where(x < 20, 9, WHITE | 16).astype("u1")
tifffile.imwrite(path("u8-white-is-0-nodata"), SHADE, photometric="miniswhite", **nodata(9))
keep("u8-white-is-0-nodata", 255 - SHADE, valid=SHADE != 9)
by_tifffile("u8-palette-shifted", RGB[..., 0], expect=MAP.T[RGB[..., 0]], rgb=MAP.T[RGB[..., 0]], photometric="palette", colormap=MAP * 256)

# The test knows these colours: tifffile and GDAL convert none
tifffile.imwrite(path("cielab"), np.array([[[255, 0, 0], [136, 80, 67], [224, 170, 83], [82, 79, 148]]], "u1"), photometric="cielab", metadata=None)

# What nobody here reads: refused by these words
refused = {"lzma": "LZMA", "jpegxl": "JPEG XL", "jpeg2000": "JPEG 2000", "jpegxr": "JPEG XR"}
for code in refused:
    tifffile.imwrite(path(f"refused-{code}"), RGB, photometric="rgb", metadata=None, compression=code, **tile)
tifffile.imwrite(path("refused-complex"), RGB[..., 0].astype("c8"), photometric="minisblack", metadata=None)
tifffile.imwrite(path("refused-smaller-first"), RGB[::4, ::4], photometric="rgb", metadata=None, subfiletype=1)
tifffile.imwrite(path("refused-smaller-first"), RGB, photometric="rgb", metadata=None, append=True)
refused["smaller-first"] = "its first page is a smaller copy"
refused["complex"] = "complex numbers"
tifffile.imwrite(path("refused-stack"), np.stack([RGB[..., 0]] * 12), photometric="minisblack", metadata=None)
refused["stack"] = "a stack of 12 pages"
tifffile.imwrite(path("refused-shaped-stack"), np.stack([RGB[..., 0]] * 5), photometric="minisblack", truncate=True)
refused["shaped-stack"] = "a stack of 5 pages"
json.dump({"kinds": right, "refused": refused}, open(f"{OUT}/right.json", "w"), indent=0)
print(len(right), "kinds,", len(refused), "refused;", sum(os.path.getsize(f"{OUT}/{f}") for f in os.listdir(OUT)) // 1024, "KiB")
