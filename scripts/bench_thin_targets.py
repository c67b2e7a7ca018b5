"""Draws thin cracks on textured ground, to train on: 8 pictures of 1024 x 768 and 4 to validate on, cracks 2 to 5 pixels wide.

    python scripts/bench_thin_targets.py OUT            OUT/as-drawn, and OUT/whole-cells: training labels widened to the grid's pixels
    sam-native train --data OUT/as-drawn --model mobile-sam --epochs 30 --lr 1e-4 --seed 7 --out runs/as-drawn
    sam-native evaluate --data OUT/as-drawn --models untuned,runs/as-drawn,runs/whole-cells

Needs numpy and pillow. What came of it is in docs/benchmarks-history.md.
"""

import os
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT, CELL = 1024, 768, 4  # a pixel of the grid of 256 is 4 of the picture


def crack(random):
    image = Image.new("L", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    for _ in range(random.integers(1, 4)):
        x, y = random.uniform(0.1, 0.9) * WIDTH, random.uniform(0.1, 0.9) * HEIGHT
        angle = random.uniform(0, 2 * np.pi)
        for _ in range(40):
            to = x + 22 * np.cos(angle), y + 22 * np.sin(angle)
            draw.line([(x, y), to], fill=255, width=int(random.integers(2, 6)))
            x, y = to
            angle += random.normal(0, 0.35)
    return np.asarray(image) > 0


def ground(random):
    grey = np.full((HEIGHT, WIDTH), 140.0)
    for size, contrast in ((64, 30), (16, 18), (4, 12)):
        noise = random.normal(0, 1, (HEIGHT // size + 2, WIDTH // size + 2)).astype("f4")
        grey += contrast * np.asarray(Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.BICUBIC))
    return grey + random.normal(0, 6, (HEIGHT, WIDTH))


def whole_cells(mask):
    cells = mask.reshape(HEIGHT // CELL, CELL, WIDTH // CELL, CELL).any((1, 3))
    return np.kron(cells, np.ones((CELL, CELL), bool))


def write(folder, name, picture, mask):
    for kind, pixels in (("images", picture), ("masks", mask.astype("u1") * 255)):
        os.makedirs(f"{folder}/{kind}", exist_ok=True)
        Image.fromarray(pixels).save(f"{folder}/{kind}/{name}.png")


for split, count, seed in (("train", 8, 1), ("validation", 4, 2)):
    random = np.random.default_rng(seed)
    for index in range(count):
        mask, grey = crack(random), ground(random)
        soft = np.asarray(Image.fromarray(mask.astype("u1") * 255).filter(ImageFilter.GaussianBlur(0.7))) / 255
        grey -= soft * random.uniform(45, 70)
        picture = np.clip(np.stack([grey * 1.02, grey, grey * 0.96], -1), 0, 255).astype("u1")
        for name, change in (("as-drawn", lambda drawn: drawn), ("whole-cells", whole_cells)):
            label = change(mask) if split == "train" else mask
            write(f"{sys.argv[1]}/{name}/{split}", f"{split[0]}{index}", picture, label)
