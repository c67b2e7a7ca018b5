#!/usr/bin/env python3
"""Writes test/fixtures/coco.json: what pycocotools makes of random masks and polygons, and of segmentations as tools write them.

    pip install pycocotools==2.0.11 numpy && python scripts/make_coco_fixtures.py
"""

import json
import random
from pathlib import Path

import numpy as np
from pycocotools import mask as coco

random.seed(5)
rng = np.random.default_rng(5)


def text(rle):
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode()}


def masks():
    for height, width in [(1, 1), (1, 9), (9, 1), (7, 5), (40, 30), (64, 64), (300, 200)]:
        for share in (0.0, 0.02, 0.5, 1.0):
            mask = (rng.random((height, width)) < share).astype(np.uint8)
            if height >= 40 and share == 0.5:  # long runs too
                mask = np.kron(mask[: height // 10, : width // 10], np.ones((10, 10), np.uint8))
            rle = coco.encode(np.asfortranarray(mask))
            pixels = [int(at) for at in np.flatnonzero(mask)] if mask.size < 100 else None
            yield {**text(rle), "area": int(mask.sum()), "pixels": pixels}


def polygon(width, height, corners, reach):
    numbers = []
    for _ in range(corners):
        x = random.uniform(-reach * width, (1 + reach) * width)
        y = random.uniform(-reach * height, (1 + reach) * height)
        numbers += random.choice([[round(x, 2), round(y, 2)], [round(x), round(y)], [round(x) + 0.5, round(y)]])
    return numbers


def polygons():
    square = [[2.0, 1.0, 6.0, 1.0, 6.0, 4.0, 2.0, 4.0]]
    cases = [(8, 8, square), (8, 8, [[0, 0, 8, 0, 8, 8, 0, 8]]), (5, 5, [[1, 1, 1, 1, 3, 3, 3, 3, 1, 3]])]
    for index in range(80):
        width, height = random.choice([(1, 1), (7, 12), (33, 20), (64, 48)])
        reach = random.choice([0, 0, 0.5, 2])
        count = random.choice([1, 1, 2, 3])
        cases.append((width, height, [polygon(width, height, random.randint(3, 9), reach) for _ in range(count)]))
    for width, height, shapes in cases:
        yield {"polygons": shapes, **text(coco.merge(coco.frPyObjects(shapes, height, width)))}


def variants():
    """Segmentations as tools write them, beside what pycocotools makes of the same in its own form."""
    height, width = 24, 32
    square, triangle = [3, 2, 19, 2, 19, 12, 3, 12], [10.5, 8.0, 30.25, 9.0, 12.0, 22.75]
    pairs = lambda flat: [[x, y] for x, y in zip(flat[::2], flat[1::2])]
    dot = {"size": [height, width], "counts": [5, 3, height * width - 8]}
    bar = {"size": [height, width], "counts": [height * 4, height, height * (width - 5)]}
    packed = text(coco.frPyObjects(dot, height, width))
    own = lambda *parts: coco.merge([rle for part in parts for rle in coco.frPyObjects([part], height, width)])
    cases = [
        ("a flat polygon", square, own(square), 0),
        ("a flat list of corners", pairs(triangle), own(triangle), 0),
        ("polygons of corners", [pairs(square), pairs(triangle)], own(square, triangle), 0),
        ("a list of RLE", [dot, bar], own(dot, bar), 0),
        ("a list of packed RLE", [packed, bar], own(dot, bar), 0),
        ("polygons beside RLE", [triangle, bar], own(triangle, bar), 0),
        ("a size as text", {"size": [str(height), str(width)], "counts": bar["counts"]}, own(bar), 0),
        ("two corners beside a polygon", [square, [1, 2, 3, 4]], own(square), 1),
        ("an empty part", [[], square], own(square), 1),
        ("an odd number", [square, triangle[:-1]], own(square), 1),
        ("no number", [square, [1, 2, 3, None, 5, 6]], own(square), 1),
        ("a broken RLE beside a good one", [{"size": [height, width], "counts": [7, 2]}, bar, "x"], own(bar), 2),
    ]
    for name, segmentation, rle, dropped in cases:
        yield {"name": name, "segmentation": segmentation, "area": int(coco.area(rle)), "dropped": dropped, **text(rle)}


path = Path(__file__).parent.parent / "test" / "fixtures" / "coco.json"
path.write_text(json.dumps({"masks": list(masks()), "polygons": list(polygons()), "variants": list(variants())}) + "\n")
