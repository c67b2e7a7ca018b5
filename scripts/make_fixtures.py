"""Writes test/fixtures/parity.safetensors: what `sam_core_test` compares the C++ model with.

    python scripts/make_fixtures.py            # needs torch, transformers, monai, safetensors

Tensors are named `case/what`: decoder cases (`points/logits` ...), `loss/...` (losses of one batch), `run-.../...` (training).
`reference_model.py` holds the recipes of weights, embeddings and mask prompts; `reference_training.py` losses and AdamW,
`reference_article.py` the article's step, `reference_vit.py` the image encoder.
"""

from pathlib import Path

import torch
from reference_article import article_runs
from reference_model import (
    decode_prompt,
    disk_masks,
    encode_prompt,
    make_embeddings,
    make_mask_prompts,
    meta_name,
    parameters,
    reference_model,
    without_image_positions,
)
from reference_training import Batch, loss_cases, training_runs
from reference_vit import (
    encode,
    make_picture,
    vision_meta_name,
    vit_model,
    without_absolute_positions,
    without_padding,
    without_relative_positions,
)
from safetensors.torch import save_file

OUTPUT = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "parity.safetensors"
DISKS = torch.tensor(
    [[90, 100, 60], [150, 110, 70], [70, 120, 50], [120, 80, 55], [108, 98, 72], [100, 60, 45], [130, 120, 65], [60, 90, 40]]
)
VALID_SIZES = torch.tensor([[256, 256], [192, 256], [256, 160], [171, 256]] * 2)
MISSING = -100  # native's label of a point that isn't there: the reference leaves it out
LOGIT_STRIDE = 8
VIT_STRIDE = 509
EMBEDDING_TOLERANCE = 1e-4
IOU_TOLERANCE, LOGIT_TOLERANCE = 1e-4, 1e-3


def points_around(disks, prompts, count, seed):
    """(B, P, N, 2) in the model frame, with fractions, near the disks."""
    generator = torch.Generator().manual_seed(seed)
    offsets = (torch.rand((len(disks), prompts, count, 2), generator=generator) - 0.5) * 320
    return (disks[:, None, None, :2] * 4 + offsets).clamp(0, 1023)


def decoder_cases():
    disks = DISKS[:2]
    boxes = torch.stack([torch.cat([d[:2] - d[2], d[:2] + d[2]]) * 4.0 + 0.25 for d in disks.float()])[:, None]
    several = torch.cat([boxes, boxes + 37, boxes * 0.5], 1)
    labels = torch.tensor([[[1, 1, 0]], [[1, 0, 0]]])
    points = points_around(disks, 1, 3, 11)
    return {
        "points": {"points": points, "labels": labels, "multi": True},
        "points-single": {"points": points, "labels": labels, "multi": False},
        "points-ragged": {"points": points, "labels": torch.tensor([[[1, MISSING, 0]], [[1, MISSING, MISSING]]]), "multi": True},
        "points-special": {"points": points, "labels": torch.tensor([[[1, -10, -10]], [[1, 0, -1]]]), "multi": True},
        "several-prompts": {"points": points_around(disks, 3, 1, 12), "labels": torch.tensor([[[1], [1], [0]]] * 2), "multi": True},
        "box": {"boxes": boxes, "multi": True},
        "several-boxes": {"boxes": several, "multi": False},
        "points-box": {"points": points, "labels": labels, "boxes": boxes, "multi": True},
        "points-ragged-box": {"points": points, "labels": torch.tensor([[[1, 0, MISSING]], [[1, 1, 0]]]), "boxes": boxes, "multi": True},
        "mask": {"mask_seed": 21, "multi": True},
        "points-mask": {"points": points, "labels": labels, "mask_seed": 22, "multi": True},
        "epsilon-hf": {"points": points, "labels": labels, "multi": True, "quiet": True},
        "epsilon-meta": {"points": points, "labels": labels, "multi": True, "quiet": True, "meta": True},
    }


def run_case(case, model, embeddings):
    """The reference: each image's each prompt by itself, missing points left out. -> logits (B, P, C, 256, 256), ious, sparse, dense."""
    points, boxes = case.get("points"), case.get("boxes")
    count = len(embeddings)
    prompts = next((t.shape[1] for t in (points, boxes) if t is not None), 1)
    masks = make_mask_prompts(case["mask_seed"], count * prompts) if "mask_seed" in case else None
    rows = []
    for b in range(count):
        for p in range(prompts):
            exists = None if points is None else case["labels"][b, p] != MISSING
            sparse, dense = encode_prompt(
                model,
                None if points is None else points[b, p][exists],
                None if points is None else case["labels"][b, p][exists],
                None if boxes is None else boxes[b, p],
                None if masks is None else masks[b * prompts + p],
            )
            logits, ious = decode_prompt(model, embeddings[b], sparse, dense, case["multi"])
            rows.append((logits, ious, None if sparse is None else sparse[0, 0], dense[0]))
    logits, ious = (torch.stack([r[i] for r in rows]).unflatten(0, (count, prompts)) for i in (0, 1))
    dense = torch.stack([r[3] for r in rows]).unflatten(0, (count, prompts))
    ragged = points is not None and bool((case["labels"] == MISSING).any())
    sparse = None if ragged or rows[0][2] is None else torch.stack([r[2] for r in rows]).unflatten(0, (count, prompts))
    return logits, ious, sparse, dense


def check_notices(case, model, embeddings, what, logits, ious):
    """A model with a feature left out must miss the tolerance by far, or the fixture proves nothing."""
    other_logits, other_ious, _, _ = run_case(case, model, embeddings)
    moved = (logits - other_logits).abs().max().item(), (ious - other_ious).abs().max().item()
    assert moved[0] > 100 * LOGIT_TOLERANCE and moved[1] > 10 * IOU_TOLERANCE, f"{what}: moves only by {moved}"
    print(f"  without {what}: logits move by up to {moved[0]:.3f}, IoU predictions by {moved[1]:.4f}")


def write_decoder_cases(tensors, model, embeddings):
    for name, case in decoder_cases().items():
        quiet, meta = case.get("quiet", False), case.get("meta", False)
        reference = reference_model(1e-5 if meta else 1e-6, quiet)[0] if quiet else model
        logits, ious, sparse, dense = run_case(case, reference, embeddings)
        print(f"{name}: logits {logits.std():.3f} (|max| {logits.abs().max():.1f}), ious {ious.min():.2f} .. {ious.max():.2f}")
        if name in ("points", "box", "mask"):
            check_notices(case, without_image_positions(reference_model()[0]), embeddings, "image positions", logits, ious)
        if name == "epsilon-meta":
            check_notices(case, reference_model(1e-6, True)[0], embeddings, "Meta's epsilon", logits, ious)
        if name == "points-ragged":
            padded = dict(case, labels=case["labels"].masked_fill(case["labels"] == MISSING, -10))
            check_notices(padded, model, embeddings, "masking out (label -10 in its place)", logits, ious)
        for key in ("points", "labels", "boxes"):
            if key in case:
                tensors[f"{name}/{key}"] = case[key].int() if key == "labels" else case[key]
        tensors[f"{name}/settings"] = torch.tensor(
            [case["multi"], case.get("mask_seed", 0), quiet, meta, logits.shape[1]], dtype=torch.int64
        )
        tensors[f"{name}/ious"] = ious
        tensors[f"{name}/logits"] = logits[..., 3::LOGIT_STRIDE, 3::LOGIT_STRIDE]
        tensors[f"{name}/logit_means"] = torch.stack([logits.mean((3, 4)), logits.abs().mean((3, 4))], -1)
        if sparse is not None:
            tensors[f"{name}/sparse"] = sparse
        if "mask_seed" in case:
            tensors[f"{name}/dense"] = dense[:, :, ::4, 5::16, 5::16]


def vit_cases():
    """A sample of a tiny encoder's embedding, and what encoders give that leave something out: ours must be far from those."""
    tensors, picture = {"vit/picture_sample": make_picture().flatten()[::65537]}, make_picture()
    model, shapes = vit_model("tiny")
    embedding = encode(model, picture)
    print(f"vit: embedding deviation {embedding.std():.3f}")
    assert embedding.std() > 0.1
    tensors["vit/embedding"] = vit_sample(embedding)
    tensors["vit/embedding_means"] = torch.stack([embedding.mean((1, 2)), embedding.abs().mean((1, 2))], -1)
    for name, leave_out in (
        ("relative-positions", without_relative_positions),
        ("absolute-positions", without_absolute_positions),
        ("padding", without_padding),
    ):
        other = encode(leave_out(vit_model("tiny")[0]), picture)
        moved = (vit_sample(other) - tensors["vit/embedding"]).abs().max().item()
        print(f"  without {name}: moves by up to {moved:.3f}")
        assert moved > 1000 * EMBEDDING_TOLERANCE, name
        tensors[f"vit/without-{name}"] = vit_sample(other)
    return tensors, shapes


def vit_sample(embedding):
    return embedding.flatten()[::VIT_STRIDE].clone()


def main():
    torch.set_num_threads(2)
    tensors = {"disks": DISKS, "valid_sizes": VALID_SIZES}
    embeddings = make_embeddings(DISKS)
    tensors["embedding_sample"] = embeddings.flatten()[::65537]
    with torch.no_grad():
        model, shapes = reference_model()
        tensors["weight_sample"] = torch.stack([p.flatten()[-1] for _, p in sorted(parameters(model).items())])
        write_decoder_cases(tensors, model, embeddings[:2])
    batch = Batch(embeddings, disk_masks(DISKS), VALID_SIZES, DISKS)
    tensors.update(loss_cases(batch))
    tensors.update(training_runs(batch))
    tensors.update(article_runs(batch))
    vit_tensors, vit_shapes = vit_cases()
    tensors.update(vit_tensors)
    metadata = {
        "parameters": "\n".join(" ".join([name, meta_name(name), *map(str, shape)]) for name, shape in shapes),
        "vit_parameters": "\n".join(" ".join([name, vision_meta_name(name), *map(str, shape)]) for name, shape in vit_shapes),
        "made_with": f"torch {torch.__version__}",
    }
    save_file({k: v.clone().contiguous() for k, v in tensors.items()}, OUTPUT, metadata)
    print(f"{OUTPUT}: {OUTPUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
