"""The article's training step as its code ran it, for the parity fixtures: transformers' SamModel, MONAI's DiceCELoss.

Three points, each a prompt of its own and the missing ones padded with label -10 (their masks count too), or a box; single mask
output; the mean of the logits; DiceCELoss on batch x rows x columns, so that MONAI takes rows for channels; AdamW with weight
decay 2e-4 and a warm-up of ten steps from a tenth of the rate; batches of five.
"""

import torch
from monai.losses import DiceCELoss
from reference_model import parameters, reference_model
from reference_training import check_well_conditioned, sample

# The article's is 7e-6, of which twenty steps would show nothing.
LEARNING_RATE = 2e-5
WEIGHT_DECAY = 2e-4
STEPS = 20
BATCHES = torch.tensor([[0, 5], [3, 5]])  # first image, count: every other step
PADDING = -10
WEIGHTS = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0])  # dice, bce, focal, iou, row_dice_ce


def prompts_of(batch):
    labels = torch.ones(8, 3, 1, dtype=torch.int64)
    labels[1, 2] = labels[4, 1] = labels[4, 2] = PADDING
    points = batch.points(3, 1, 41).masked_fill(labels[..., None] == PADDING, 0)
    generator = torch.Generator().manual_seed(42)
    disks = batch.disks.float()
    sides = torch.cat([disks[:, :2] - disks[:, 2:], disks[:, :2] + disks[:, 2:]], 1)
    boxes = (sides + torch.randint(-10, 10, sides.shape, generator=generator)).clamp(0, 255) * 4
    return {"points": {"points": points, "labels": labels}, "box": {"boxes": boxes[:, None]}}


def loss_of(model, batch, prompts, images, dtype):
    outputs = model(
        image_embeddings=batch.embeddings[images].to(dtype),
        input_points=prompts["points"][images].to(dtype) if "points" in prompts else None,
        input_labels=prompts["labels"][images] if "points" in prompts else None,
        input_boxes=prompts["boxes"][images].to(dtype) if "boxes" in prompts else None,
        multimask_output=False,
    )
    logits = outputs.pred_masks.mean(1).squeeze(1)  # batch x 256 x 256
    return DiceCELoss(sigmoid=True, squared_pred=True, reduction="mean")(logits, batch.targets[images].to(dtype))


def train(batch, prompts, dtype=torch.float32):
    """-> losses, gradient norms, first gradients and total changes by name, learning rates."""
    model = reference_model()[0].to(dtype)
    decoder = {n: p for n, p in parameters(model).items() if n.startswith("mask_decoder.")}
    before = {n: p.detach().clone() for n, p in decoder.items()}
    optimizer = torch.optim.AdamW(decoder.values(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=10)
    losses, norms, rates, gradients = [], [], [], {}
    for step in range(STEPS):
        first, count = BATCHES[step % 2].tolist()
        optimizer.zero_grad()
        loss = loss_of(model, batch, prompts, slice(first, first + count), dtype)
        loss.backward()
        norms.append(torch.stack([p.grad.norm() for p in decoder.values() if p.grad is not None]).norm())
        if step == 0:
            gradients = {n: p.grad.clone() for n, p in decoder.items() if p.grad is not None}
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    changes = {n: p.detach() - before[n] for n, p in decoder.items()}
    return torch.stack(losses), torch.stack(norms), gradients, changes, torch.tensor(rates, dtype=torch.float64)


def article_runs(batch):
    tensors = {}
    for kind, prompts in prompts_of(batch).items():
        name = f"run-article-{kind}"
        losses, norms, gradients, changes, rates = train(batch, prompts)
        print(f"{name}: losses {[round(v, 4) for v in losses.tolist()]}")
        for key, value in prompts.items():
            tensors[f"{name}/{key}"] = value.int() if key == "labels" else value
        tensors[f"{name}/settings"] = torch.tensor([False, False], dtype=torch.int64)  # single output, mean
        tensors[f"{name}/weights"] = WEIGHTS
        tensors[f"{name}/batches"] = BATCHES
        tensors[f"{name}/valid_sizes"] = torch.full((8, 2), 256)
        tensors[f"{name}/rates"] = rates
        tensors[f"{name}/weight_decay"] = torch.tensor(WEIGHT_DECAY, dtype=torch.float64)
        tensors[f"{name}/losses"] = losses
        tensors[f"{name}/step_norms"] = norms
        for what, values in (("gradient", gradients), ("change", changes)):
            for parameter, value in values.items():
                tensors[f"{name}/{what}/{parameter}"] = sample(value)
                tensors[f"{name}/{what}-norm/{parameter}"] = value.norm()
        check_well_conditioned(name, train(batch, prompts, torch.float64), losses, changes)
    return tensors
