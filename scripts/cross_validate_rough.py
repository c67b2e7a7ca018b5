"""Does a model tuned on automatic prompts beat the untuned one and the rough mask itself? Cross-validated, paired.

    python scripts/cross_validate_rough.py SRC OUT [--folds 4] [--epochs 20]

SRC is a folder SRC/<split>/{images,masks}; its splits are pooled. Pictures whose names differ only behind the last `_` (crops of one
photograph) stay together. In each fold thresholds are tuned (`prompts --tune`) and the model is trained (`--prompt-source mixed`) on
the training part alone; `evaluate` then scores the rest with prompts from the rough masks. Prints mean IoU and the paired differences
with their 95 % intervals, by Student's t and by the bootstrap (10,000 resamples), over pictures and over photographs. Needs Python's
standard library and a built checkout.
"""

import argparse
import csv
import random
import subprocess
from collections import defaultdict
from pathlib import Path

MAIN = Path(__file__).resolve().parent.parent / "dist" / "cli" / "main.js"
# Student's t, two-sided 95 %, by degrees of freedom (the next lower one listed is taken).
T = {3: 3.182, 5: 2.571, 7: 2.365, 10: 2.228, 13: 2.160, 15: 2.131, 20: 2.086, 27: 2.052, 40: 2.021, 60: 2.000, 120: 1.980}


def photograph(name):
    return name.rsplit("_", 1)[0]


def sam_native(*arguments):
    subprocess.run(["node", MAIN, *map(str, arguments)], check=True)


def pairs_of(source):
    for image in sorted(source.glob("*/images/*")):
        masks = sorted((image.parent.parent / "masks").glob(f"{image.stem}.*"))
        if masks:
            yield image.stem, image, masks[0]


def score_fold(fold, pairs, held_out, options):
    """-> IoU by (model, source of prompts) and picture."""
    listing = options.out / f"fold{fold}.csv"
    with listing.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "mask", "split", "name"])
        for name, image, mask in pairs:
            rows.writerow([image, mask, "validation" if photograph(name) in held_out else "train", name])
    config, run, scores = (options.out / f"{what}{fold}{end}" for what, end in (("rough", ".yaml"), ("run", ""), ("scores", ".csv")))
    sam_native("prompts", "--tune", "--data", listing, "--rough-mask", "hsv", "--out", config)
    recipe = ["--config", config, "--prompt-source", "mixed", "--epochs", options.epochs]
    sam_native("train", "--data", listing, *recipe, "--out", run, "--overwrite")
    sam_native("evaluate", "--models", f"untuned,{run}", "--data", listing, "--out", scores)
    ious = defaultdict(dict)
    with scores.open(newline="") as file:
        for row in csv.DictReader(file):
            model = "tuned" if row["model"] == run.name else row["model"]
            ious[model, row["promptSource"]][row["image"]] = float(row["iou"])
    return ious


def interval(differences):
    """Mean and its 95 % intervals: Student's t, bootstrap."""
    n = len(differences)
    mean = sum(differences) / n
    deviation = (sum((d - mean) ** 2 for d in differences) / (n - 1)) ** 0.5
    half = T[max(freedom for freedom in T if freedom <= n - 1)] * deviation / n**0.5
    draw = random.Random(1)
    means = sorted(sum(draw.choices(differences, k=n)) / n for _ in range(10_000))
    return f"{mean:+.3f}  t {mean - half:+.3f} to {mean + half:+.3f}  bootstrap {means[249]:+.3f} to {means[9749]:+.3f}"


def report(ious):
    for key, scores in ious.items():
        print(f"{key[0]}, prompts from {key[1]}: mean IoU {sum(scores.values()) / len(scores):.3f} over {len(scores)}")
    tuned = ious["tuned", "rough"]
    for other in (("untuned", "rough"), ("rough-mask", "rough"), ("tuned", "ground-truth")):
        by_photograph = defaultdict(list)
        for name, iou in tuned.items():
            by_photograph[photograph(name)].append(iou - ious[other][name])
        pictures = [d for group in by_photograph.values() for d in group]
        photographs = [sum(group) / len(group) for group in by_photograph.values()]
        print(f"tuned on rough prompts minus {' on '.join(other)}")
        print(f"  {len(pictures)} pictures     {interval(pictures)}")
        print(f"  {len(photographs)} photographs  {interval(photographs)}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("source", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--folds", type=int, default=4)
    arguments.add_argument("--epochs", type=int, default=20)
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pairs = list(pairs_of(options.source.resolve()))
    photographs = sorted({photograph(name) for name, _, _ in pairs})
    ious = defaultdict(dict)
    for fold in range(options.folds):
        for key, scores in score_fold(fold, pairs, photographs[fold :: options.folds], options).items():
            ious[key].update(scores)
    report(ious)


if __name__ == "__main__":
    main()
