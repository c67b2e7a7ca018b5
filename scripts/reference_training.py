"""Reference losses and AdamW steps for the parity fixtures, in plain PyTorch: formulas as native/training/losses.h states them."""

import torch
import torch.nn.functional as F
from reference_model import decode_prompt, encode_prompt, parameters, reference_model

LOSSES = ("dice", "bce", "focal", "iou")
SAMPLES = 256  # values kept of each tensor
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 0.02


def dice(logits, target):
    p = logits.sigmoid()
    return 1 - (2 * (p * target).sum() + 1) / (p.sum() + target.sum() + 1)


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target)


def focal(logits, target, alpha=0.25, gamma=2):
    p = logits.sigmoid()
    p_t = p * target + (1 - p) * (1 - target)
    alpha_t = alpha * target + (1 - alpha) * (1 - target)
    return (alpha_t * (1 - p_t) ** gamma * F.binary_cross_entropy_with_logits(logits, target, reduction="none")).mean()


def mask_loss(logits, target, weights):
    return sum(weights.get(f.__name__, 0) * f(logits, target) for f in (dice, bce, focal))


def intersection_over_union(logits, target):
    inside, target = logits > 0, target > 0
    union = (inside | target).sum()
    return (inside & target).sum() / union if union else torch.ones(())


class Batch:
    """Eight images; batch k of a run is images 4k to 4k + 3, prompts from `run`."""

    def __init__(self, embeddings, targets, valid_sizes, disks):
        self.embeddings, self.targets, self.valid_sizes, self.disks = embeddings, targets, valid_sizes, disks

    def points(self, prompts, count, seed):
        generator = torch.Generator().manual_seed(seed)
        offsets = (torch.rand((len(self.disks), prompts, count, 2), generator=generator) - 0.5) * 2
        inside = self.disks[:, None, None, 2:] * 4 * 0.6 * offsets
        return self.disks[:, None, None, :2] * 4 + inside


def image_loss(logits, ious, target, weights, multi_mask, training):
    """logits (P, C, h, w) inside the picture, ious (P, C), P prompts that exist -> loss, IoU of the mask taken.

    Training takes each prompt's mask of least loss, prediction the one of highest predicted IoU; then `best` takes the
    prompt of highest predicted IoU, `mean` averages the logits.
    """
    prompts, candidates = ious.shape
    with torch.no_grad():
        if training:
            losses = torch.stack([mask_loss(logits[p, c], target, weights) for p in range(prompts) for c in range(candidates)])
            choice = losses.view(prompts, candidates).argmin(1)
        else:
            choice = ious.argmax(1)
        best = ious[range(prompts), choice].argmax()
    chosen = logits[range(prompts), choice]
    used = [int(best)] if multi_mask == "best" else list(range(prompts))
    mask = chosen[used].mean(0)
    loss = mask_loss(mask, target, weights)
    if "iou" in weights:  # without it the IoU head has no gradient at all, not even zero, and AdamW leaves it alone
        errors = [(ious[p, c] - intersection_over_union(logits[p, c], target)) ** 2 for p in used for c in range(candidates)]
        loss = loss + weights["iou"] * torch.stack(errors).mean()
    return loss, intersection_over_union(mask, target)


def batch_losses(model, batch, images, run, weights, training=True):
    """-> per-image losses and IoUs. Every prompt is decoded by itself, with its missing points left out."""
    results = []
    for image in images:
        present = [p for p in range(run["points"].shape[1]) if run["present"][image, p]]
        outputs = []
        for p in present:
            exists = run["labels"][image, p] != -100
            sparse, dense = encode_prompt(model, run["points"][image, p][exists], run["labels"][image, p][exists], None, None)
            outputs.append(decode_prompt(model, batch.embeddings[image], sparse.detach(), dense.detach(), run["multi"]))
        height, width = batch.valid_sizes[image].tolist()
        logits = torch.stack([o[0] for o in outputs])[..., :height, :width]
        ious = torch.stack([o[1] for o in outputs])
        target = batch.targets[image, :height, :width].to(logits.dtype)
        results.append(image_loss(logits, ious, target, weights, run["multi_mask"], training))
    return torch.stack([r[0] for r in results]), torch.stack([r[1] for r in results])


def prompts_of(batch):
    """The prompt layouts: four joint points (some missing), or three separate ones (one missing)."""
    joint = torch.tensor([1, 1, 1, 0]).expand(8, 1, 4).clone()
    joint[1, 0, 2] = joint[4, 0, 3] = joint[6, 0, 1] = -100
    separate = torch.ones(8, 3, 1, dtype=torch.int64)
    present = torch.ones(8, 3, dtype=torch.uint8)
    present[2, 1] = present[5, 2] = 0
    return {
        "joint": {"points": batch.points(1, 4, 31), "labels": joint, "present": torch.ones(8, 1, dtype=torch.uint8)},
        "separate": {"points": batch.points(3, 1, 32), "labels": separate, "present": present},
    }


def save_prompts(tensors, name, run):
    tensors[f"{name}/points"] = run["points"]
    tensors[f"{name}/labels"] = run["labels"].int()
    tensors[f"{name}/present"] = run["present"]
    tensors[f"{name}/settings"] = torch.tensor([run["multi"], run["multi_mask"] == "best"], dtype=torch.int64)


def loss_cases(batch):
    """Losses of images 0 to 3: a row for each loss alone (dice, bce, focal, iou), then their sum; then validation's."""
    tensors = {}
    model, _ = reference_model()
    layouts = prompts_of(batch)
    for layout, multi, multi_mask in (
        ("joint", True, "best"),
        ("joint", False, "best"),
        ("separate", True, "best"),
        ("separate", True, "mean"),
        ("separate", False, "best"),
        ("separate", False, "mean"),
    ):
        run = {**layouts[layout], "multi": multi, "multi_mask": multi_mask}
        name = f"loss-{layout}-{'multi' if multi else 'single'}-{multi_mask}"
        with torch.no_grad():
            rows = [{loss: 1.0} for loss in LOSSES] + [dict.fromkeys(LOSSES, 1.0)]
            losses = torch.stack([batch_losses(model, batch, range(4), run, weights)[0] for weights in rows])
            validation = batch_losses(model, batch, range(4), run, rows[-1], training=False)
        save_prompts(tensors, name, run)
        tensors[f"{name}/losses"] = losses
        tensors[f"{name}/validation"] = torch.stack(validation)
        print(f"{name}: {losses[-1].tolist()}, IoU {validation[1].tolist()}")
    return tensors


def sample(tensor):
    """Up to SAMPLES values, an odd stride apart so that they run over rows and columns, and the norm of all."""
    flat = tensor.detach().flatten()
    stride = max(1, flat.numel() // SAMPLES) | 1
    return flat[::stride][:SAMPLES].float().clone()


def train(batch, run, weights, steps, dtype=torch.float32):
    """-> step losses, gradient norms, first gradients and total changes by name."""
    model = reference_model()[0].to(dtype)
    moved = Batch(batch.embeddings.to(dtype), batch.targets, batch.valid_sizes, batch.disks)
    decoder = {n: p for n, p in parameters(model).items() if n.startswith("mask_decoder.")}
    before = {n: p.detach().clone() for n, p in decoder.items()}
    optimizer = torch.optim.AdamW(decoder.values(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    losses, norms, gradients = [], [], {}
    for step in range(steps):
        optimizer.zero_grad()
        images = range(4) if step % 2 == 0 else range(4, 8)
        loss = batch_losses(model, moved, images, run, weights)[0].mean()
        loss.backward()
        norms.append(torch.stack([p.grad.norm() for p in decoder.values() if p.grad is not None]).norm())
        if step == 0:
            gradients = {n: p.grad.clone() for n, p in decoder.items() if p.grad is not None}
        optimizer.step()
        losses.append(loss.detach())
    changes = {n: p.detach() - before[n] for n, p in decoder.items()}
    return torch.stack(losses), torch.stack(norms), gradients, changes


def training_runs(batch):
    layouts = prompts_of(batch)
    runs = {
        "run-joint": (dict(layouts["joint"], multi=True, multi_mask="best"), {"dice": 1.0, "bce": 1.0, "iou": 1.0}, 20),
        "run-separate": (dict(layouts["separate"], multi=False, multi_mask="mean"), {"dice": 1.0, "focal": 2.0}, 4),
    }
    tensors = {}
    for name, (run, weights, steps) in runs.items():
        losses, norms, gradients, changes = train(batch, run, weights, steps)
        print(f"{name}: losses {[round(v, 4) for v in losses.tolist()]}")
        save_prompts(tensors, name, run)
        tensors[f"{name}/weights"] = torch.tensor([*(weights.get(loss, 0.0) for loss in LOSSES), 0.0])  # row_dice_ce: reference_article.py
        tensors[f"{name}/batches"] = torch.tensor([[0, 4], [4, 4]])
        tensors[f"{name}/rates"] = torch.full((steps,), LEARNING_RATE, dtype=torch.float64)
        tensors[f"{name}/weight_decay"] = torch.tensor(WEIGHT_DECAY, dtype=torch.float64)
        tensors[f"{name}/losses"] = losses
        tensors[f"{name}/step_norms"] = norms
        for kind, values in (("gradient", gradients), ("change", changes)):
            for parameter, value in values.items():
                tensors[f"{name}/{kind}/{parameter}"] = sample(value)
                tensors[f"{name}/{kind}-norm/{parameter}"] = value.norm()
        check_well_conditioned(name, train(batch, run, weights, steps, torch.float64), losses, changes)
    return tensors


def check_well_conditioned(name, exact, losses, changes):
    """Against the same run in double precision: rounding must stay far below what the checks tolerate.

    A key projection's bias adds the same number to all of a query's attention logits, so that softmax takes it away: its
    gradient is zero but for rounding, which AdamW blows up to full steps. Those changes are noise even between fp32 and fp64.
    """
    worst = ((exact[0] - losses) / exact[0]).abs().max().item()
    cosines = {
        n: torch.cosine_similarity(exact[3][n].flatten(), c.double().flatten(), 0).item()
        for n, c in changes.items()
        if exact[3][n].norm() > 0 and c.norm() > 0  # weight decay alone can be too little for fp32
    }
    noise = [v for n, v in cosines.items() if n.endswith("k_proj.bias")]
    least = min(v for n, v in cosines.items() if not n.endswith("k_proj.bias"))
    print(f"  rounding: losses {worst:.1e} relative, least cosine {least:.7f}, of key biases {min(noise):.2f} .. {max(noise):.2f}")
    assert worst < 1e-4 and least > 0.9999, f"{name} is too sensitive to rounding to be a fixture"
