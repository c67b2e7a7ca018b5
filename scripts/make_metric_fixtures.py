"""Writes test/fixtures/metrics.json: what scikit-learn, scikit-image, MedPy and SciPy make of small random masks and numbers.

    python scripts/make_metric_fixtures.py      (scikit-learn 1.9, scikit-image 0.26, MedPy 0.5, SciPy 1.17)
"""
import json
from pathlib import Path

import numpy as np
from medpy.metric.binary import hd95
from scipy import ndimage, stats
from skimage.metrics import hausdorff_distance
from sklearn import metrics

OUT = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "metrics.json"
rng = np.random.default_rng(11)


def bits(mask):
    return "".join("1" if value else "0" for value in np.asarray(mask).ravel())


def random_mask(shape, density, smooth):
    field = rng.random(shape)
    if smooth:
        field = ndimage.uniform_filter(field, smooth)
    return field <= np.quantile(field, density)


def erode(mask, structure, rounds):
    return ndimage.binary_erosion(mask, structure, iterations=rounds, border_value=0)


def boundary_iou(a, b):
    """As boundary_iou_api has it: what erosion takes away, the border padded with zeros."""
    rounds = max(1, round(0.02 * np.hypot(*a.shape)))
    a, b = (mask & ~erode(mask, np.ones((3, 3)), rounds) for mask in (a, b))
    return (a & b).sum() / (a | b).sum()


def boundary_f1(a, b):
    cross = ndimage.generate_binary_structure(2, 1)
    a, b = (mask & ~erode(mask, cross, 1) for mask in (a, b))
    tolerance = max(1, 0.0075 * np.hypot(*a.shape))
    precision = (ndimage.distance_transform_edt(~b)[a] <= tolerance).mean()
    recall = (ndimage.distance_transform_edt(~a)[b] <= tolerance).mean()
    return 0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def mask_case(predicted, label):
    flat = label.ravel().astype(int), predicted.ravel().astype(int)
    return {
        "width": label.shape[1],
        "height": label.shape[0],
        "predicted": bits(predicted),
        "label": bits(label),
        "iou": metrics.jaccard_score(*flat),
        "f1": metrics.f1_score(*flat),
        "precision": metrics.precision_score(*flat, zero_division=0),
        "recall": metrics.recall_score(*flat, zero_division=0),
        "accuracy": metrics.accuracy_score(*flat),
        "boundaryIou": boundary_iou(predicted, label),
        "boundaryF1": boundary_f1(predicted, label),
        "hd95": hd95(predicted, label),
        "hausdorff": hausdorff_distance(predicted, label),
        "squaredDistances": np.rint(ndimage.distance_transform_edt(~label) ** 2).astype(int).ravel().tolist(),
    }


def wilcoxon_case(differences, method):
    how = stats.PermutationMethod(n_resamples=np.inf) if method == "permutation" else method
    found = stats.wilcoxon(differences, zero_method="wilcox", method=how)
    return {
        "differences": differences.tolist(),
        "statistic": float(found.statistic),
        "pValue": float(found.pvalue),
        "method": "normal" if method == "asymptotic" else "exact",
    }


def bootstrap_case(values):
    def interval(statistic):
        found = stats.bootstrap((values,), statistic, method="percentile", n_resamples=20000, rng=rng)
        return [float(bound) for bound in found.confidence_interval]

    return {"values": values.tolist(), "mean": interval(np.mean), "median": interval(np.median)}


def calibration_case(predicted, real):
    bins = np.clip(np.floor(predicted * 10), 0, 9)
    gaps = [abs((predicted - real)[bins == one].mean()) * (bins == one).mean() for one in np.unique(bins)]
    return {
        "predicted": predicted.tolist(),
        "real": real.tolist(),
        "expectedError": float(sum(gaps)),
        "pearson": float(stats.pearsonr(predicted, real).statistic),
        "spearman": float(stats.spearmanr(predicted, real).statistic),
    }


masks = [mask_case(np.ones((1, 1), bool), np.ones((1, 1), bool))]
for shape in [(1, 17), (19, 1), (12, 23), (31, 20), (60, 48)]:
    masks.append(mask_case(np.ones(shape, bool), random_mask(shape, 0.6, 3)))
    for density, smooth in [(0.1, 0), (0.5, 0), (0.5, 5), (0.8, 5)]:
        label = random_mask(shape, density, smooth)
        masks.append(mask_case(random_mask(shape, density, smooth), label))
        masks.append(mask_case(label ^ random_mask(shape, 0.02, 0), label))

tests = [wilcoxon_case(rng.normal(shift, 1, n), "exact") for n, shift in [(1, 1), (5, 1), (12, 0.3), (30, 0.2), (50, 0.5)]]
tests += [wilcoxon_case(rng.normal(shift, 1, n), "asymptotic") for n, shift in [(51, 0), (225, 0.3), (400, 2)]]
tests += [wilcoxon_case(rng.integers(-3, 6, n), "permutation") for n in [3, 9, 13]]
tests += [wilcoxon_case(rng.integers(-3, 6, n), "asymptotic") for n in [80, 200]]

bootstraps = [bootstrap_case(values) for values in (rng.random(12), rng.beta(8, 2, 61), rng.normal(0.02, 0.1, 225))]

guesses = rng.random(80)
calibrations = [calibration_case(guesses, np.clip(guesses + rng.normal(-0.1, 0.15, 80), 0, 1))]
calibrations.append(calibration_case(np.round(rng.uniform(0.6, 1.05, 40), 1), np.round(rng.random(40), 1)))

fixture = {"masks": masks, "wilcoxon": tests, "bootstrap": bootstraps, "calibration": calibrations}
OUT.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
print(OUT, OUT.stat().st_size, "bytes")
