"""An image from its file to the encoder's input as the recipe makes it, for scripts/bench-data.mjs: PIL and transformers' SamProcessor.
Prints one line of JSON; seconds are medians.

    python scripts/bench-data.py IMAGE [--rounds 20]
"""

import argparse
import json
import statistics
import time

import numpy as np
import transformers
from PIL import Image
from PIL import __version__ as pillow_version
from transformers import SamImageProcessorPil, SamProcessor

parser = argparse.ArgumentParser()
parser.add_argument("image")
parser.add_argument("--rounds", type=int, default=20)
args = parser.parse_args()
processor = SamProcessor(SamImageProcessorPil())


def prepare():
    started = time.perf_counter()
    image = np.array(Image.open(args.image).convert("RGB"))
    pixels = processor(image, return_tensors="pt")["pixel_values"]
    assert tuple(pixels.shape) == (1, 3, 1024, 1024)
    return time.perf_counter() - started


prepare()
seconds = statistics.median(prepare() for _ in range(args.rounds))
print(json.dumps({"seconds": seconds, "pillow": pillow_version, "transformers": transformers.__version__}))
