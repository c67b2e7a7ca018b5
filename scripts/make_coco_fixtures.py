#!/usr/bin/env python3
"""Writes test/fixtures/coco.json: what pycocotools makes of random masks and polygons.

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


path = Path(__file__).parent.parent / "test" / "fixtures" / "coco.json"
path.write_text(json.dumps({"masks": list(masks()), "polygons": list(polygons())}) + "\n")
