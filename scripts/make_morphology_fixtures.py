"""Writes test/fixtures/morphology.json: what scikit-image and SciPy make of small random masks, colours and values.

    python scripts/make_morphology_fixtures.py      (scikit-image 0.26, numpy 2.4)
"""
import json
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage import color, filters, measure, morphology

OUT = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "morphology.json"
rng = np.random.default_rng(7)


def bits(mask):
    return "".join("1" if value else "0" for value in np.asarray(mask).ravel())


def random_mask(height, width, density, smooth):
    field = rng.random((height, width))
    if smooth:
        field = ndimage.uniform_filter(field, smooth)
    return field < np.quantile(field, density)


def largest(mask):
    labels = measure.label(mask, connectivity=2)
    return labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]) if labels.any() else mask


def mask_case(mask, least, rounds):
    labels = measure.label(mask, connectivity=2)
    areas = np.bincount(labels.ravel())
    eroded = mask
    for _ in range(rounds):
        eroded = morphology.erosion(eroded, morphology.footprint_rectangle((3, 3)), mode="ignore")
    return {
        "width": mask.shape[1],
        "height": mask.shape[0],
        "mask": bits(mask),
        "components8": int(labels.max()),
        "components4": int(measure.label(mask, connectivity=1).max()),
        "least": least,
        "withoutSmall": bits((areas >= least)[labels] & mask),
        "filled": bits(ndimage.binary_fill_holes(mask)),
        "largest": bits(largest(mask)),
        "rounds": rounds,
        "eroded": bits(eroded),
    }


masks = []
for height, width in [(1, 17), (19, 1), (12, 23), (31, 20), (40, 40)]:
    for density, smooth in [(0.3, 0), (0.5, 0), (0.7, 0), (0.5, 3), (0.8, 3)]:
        masks.append(mask_case(random_mask(height, width, density, smooth), int(rng.integers(1, 12)), int(rng.integers(0, 4))))

rgb = np.concatenate([rng.integers(0, 256, (180, 3)), np.repeat(rng.integers(0, 256, (8, 1)), 3, axis=1), rng.choice([0, 255], (12, 3))])
hsv = color.rgb2hsv(rgb[None].astype(np.uint8))[0] * [360, 1, 1]

otsu = []
for values in [
    rng.normal(0, 1, 400),
    np.concatenate([rng.normal(-0.4, 0.1, 300), rng.normal(0.3, 0.15, 200)]),
    rng.random(50),
    np.array([0.0, 0.0, 0.0, 1.0]),
]:
    values = values.astype(np.float32).astype(np.float64)
    otsu.append({"values": values.tolist(), "threshold": float(filters.threshold_otsu(values))})

OUT.write_text(json.dumps({"masks": masks, "rgb": rgb.tolist(), "hsv": hsv.tolist(), "otsu": otsu}) + "\n")
