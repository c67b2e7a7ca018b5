#!/usr/bin/env python3
"""The article's recipe as people run it in Python, timed: what `sam-native train` is compared with (scripts/bench-recipe.mjs).

transformers' SamModel and SamProcessor (PIL), a DataLoader, the image encoder run on every step, three points that are each a
prompt of its own (or joint ones), MONAI's DiceCELoss, AdamW over the mask decoder with a warm-up of ten steps, validation after
each epoch one image at a time, the whole model saved where validation was best. Attention is PyTorch's SDPA, never the slower
eager one. transformers has no MobileSAM: its TinyViT is here, in plain PyTorch, in front of transformers' decoder.

    python scripts/bench-recipe.py --model DIR|mobile_sam.safetensors --plan PLAN.json [--batch 8] [--steps N] ...

PLAN.json (bench-recipe.mjs writes it) says which images with which points, in which order, so that both sides do the same work:
{"epochs": [[ITEM, ...], ...], "validation": [ITEM, ...]}, an ITEM {"image", "mask", "points": [P][N][2], "labels": [P][N]}, paths
below --data, points in pixels of the image, label -10 for one that found no room (Hugging Face's padding, which attention sees).

The careful user's allocator ("tuned") is environment: MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184
MALLOC_TOP_PAD_=134217728. What is set is in the result, one JSON object on stdout.

Needs: pip install torch transformers safetensors pillow numpy monai
"""

import time

STARTED = time.perf_counter()  # what is imported below counts as start-up

import argparse
import contextlib
import json
import os
import platform
import resource
import sys
from importlib.metadata import version
from pathlib import Path

import monai
import numpy as np
import torch
import transformers
from bench_tiny_vit import mobile_sam
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from transformers import SamImageProcessorPil, SamModel, SamProcessor

ALLOCATOR_VARIABLES = ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "THP_MEM_ALLOC_ENABLE", "GLIBC_TUNABLES", "LD_PRELOAD")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")
GRID = 256  # side of the decoder's masks


def grid_mask(path):
    """A label on the decoder's grid (256 x 256, 0 or 1) by nearest neighbour, and the part of it that the picture fills."""
    mask = np.asarray(Image.open(path))
    mask = (mask if mask.ndim == 2 else mask.max(2)) > 0
    valid = [max(1, int(side * GRID / max(mask.shape) + 0.5)) for side in mask.shape]
    rows, columns = (((np.arange(n) + 0.5) * side / n).astype(int) for n, side in zip(valid, mask.shape, strict=True))
    grid = np.zeros((GRID, GRID), np.float32)
    grid[: valid[0], : valid[1]] = mask[np.ix_(rows, columns)]
    return grid, valid


class SamDataset(Dataset):
    """The article's: decodes and preprocesses an image whenever it is asked for one."""

    def __init__(self, items, folder, processor):
        self.items, self.folder, self.processor = items, folder, processor

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        item = self.items[index]
        image = np.array(Image.open(self.folder / item["image"]).convert("RGB"))
        inputs = self.processor(image, input_points=[item["points"]], input_labels=[item["labels"]], return_tensors="pt")
        inputs = {name: value.squeeze(0) for name, value in inputs.items()}
        grid, valid = grid_mask(self.folder / item["mask"])
        return {**inputs, "ground_truth_mask": torch.from_numpy(grid), "valid": torch.tensor(valid)}


def loss_function(kind):
    """-> logits, targets (batch x h x w) -> loss."""
    if kind == "row-dice-ce":  # as the article's code calls it: MONAI takes rows for channels
        return monai.losses.DiceCELoss(sigmoid=True, squared_pred=True, reduction="mean")
    proper = monai.losses.DiceCELoss(sigmoid=True, smooth_nr=1, smooth_dr=1, reduction="mean")
    return lambda logits, targets: proper(logits[:, None], targets[:, None])


def batch_loss(outputs, batch, multi_mask, loss_fn):
    """One mask of each image's P prompts, and its loss. What lies beyond a picture that isn't square does not count."""
    masks = outputs.pred_masks.float().squeeze(2)  # B x P x 256 x 256
    if multi_mask == "best":
        best = outputs.iou_scores.squeeze(-1).argmax(1)
        masks = masks[torch.arange(len(masks)), best]
    else:
        masks = masks.mean(1)
    targets, valid = batch["ground_truth_mask"], batch["valid"]
    if (valid == GRID).all():
        return loss_fn(masks, targets)
    losses = [loss_fn(m[None, :h, :w], t[None, :h, :w]) for m, t, (h, w) in zip(masks, targets, valid.tolist(), strict=True)]
    return torch.stack(losses).mean()


class Clock:
    """Seconds by phase."""

    def __init__(self):
        self.seconds, self.mark = {}, time.perf_counter()

    def lap(self, phase):
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self.mark
        self.mark = now


class Recipe:
    def __init__(self, options, plan):
        self.options, self.plan = options, plan
        self.model = load_model(options.model)
        for name, parameter in self.model.named_parameters():
            if name.startswith(("vision_encoder", "prompt_encoder", "shared_image_embedding")):
                parameter.requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.model.mask_decoder.parameters(), lr=options.lr, weight_decay=options.weight_decay)
        self.schedule = torch.optim.lr_scheduler.LinearLR(self.optimizer, start_factor=0.1, total_iters=10)
        self.loss_fn = loss_function(options.loss)
        self.processor = SamProcessor(SamImageProcessorPil())
        self.steps = []  # seconds by phase of each training step
        self.losses, self.train_losses, self.validation_losses, self.validations = [], [], [], []
        self.encoded, self.kept = 0, []
        self.checkpoints = []

    def precision(self):
        return torch.autocast("cpu", torch.bfloat16) if self.options.dtype == "bf16" else contextlib.nullcontext()

    def loader(self, items, batch):
        return DataLoader(SamDataset(items, self.options.data, self.processor), batch_size=batch)

    def encode(self, pixel_values):
        """After --encode-steps the embeddings of earlier steps serve again: the rest of a step can be timed on its own."""
        self.encoded += 1
        limit = self.options.encode_steps
        same = [kept for kept in self.kept if len(kept) == len(pixel_values)]
        if limit is not None and self.encoded > limit and same:
            return same[self.encoded % len(same)]
        embeddings = self.model.get_image_embeddings(pixel_values)
        if limit is not None:
            self.kept.append(embeddings)
        return embeddings

    def forward(self, batch, embeddings):
        outputs = self.model(
            image_embeddings=embeddings,
            input_points=batch["input_points"].float(),
            input_labels=batch["input_labels"],
            multimask_output=False,
        )
        return batch_loss(outputs, batch, self.options.multi_mask, self.loss_fn)

    def train_epoch(self, items):
        """False when --steps is reached."""
        losses, clock = [], Clock()
        for batch in self.loader(items, self.options.batch):
            clock.lap("data")
            before = self.encoded
            with self.precision():
                embeddings = self.encode(batch["pixel_values"])
                clock.lap("encoder")
                loss = self.forward(batch, embeddings)
            clock.lap("forward")
            self.optimizer.zero_grad()
            loss.backward()
            clock.lap("backward")
            self.optimizer.step()
            self.schedule.step()
            losses.append(loss.item())
            clock.lap("optimizer")
            limit = self.options.encode_steps
            self.steps.append({**clock.seconds, "images": len(batch["valid"]), "encoded": limit is None or before < limit})
            print(f"step {len(self.steps)}: loss {losses[-1]:.6f}, {sum(clock.seconds.values()):.2f} s", file=sys.stderr, flush=True)
            clock.seconds = {}
            if len(self.steps) == self.options.steps:
                break
        self.losses += losses
        self.train_losses.append(float(np.mean(losses)))
        return len(self.steps) != self.options.steps

    @torch.no_grad()
    def validate(self):
        losses, started = [], time.perf_counter()
        for batch in self.loader(self.plan["validation"], 1):
            with self.precision():
                losses.append(self.forward(batch, self.model.get_image_embeddings(batch["pixel_values"])).item())
        self.validations.append(time.perf_counter() - started)
        self.validation_losses.append(float(np.mean(losses)))
        return self.validation_losses[-1]

    def save(self, epoch):
        started = time.perf_counter()
        torch.save(
            {
                "epoch": epoch,
                "model_state_dict": self.model.state_dict(),
                "optimizer_state_dict": self.optimizer.state_dict(),
                "lr_scheduler_dict": self.schedule.state_dict(),
                "train_losses": self.train_losses,
                "validation_losses": self.validation_losses,
            },
            self.options.out,
        )
        self.checkpoints.append(time.perf_counter() - started)

    def run(self):
        best = float("inf")
        for epoch, items in enumerate(self.plan["epochs"][: self.options.epochs]):
            more = self.train_epoch(items)
            loss = self.validate() if self.plan["validation"] else self.train_losses[-1]
            if loss < best:
                best = loss
                self.save(epoch)
            if not more:
                break


def load_model(source):
    if source.is_dir():
        return SamModel.from_pretrained(source, attn_implementation="sdpa").float().eval()
    return mobile_sam(source)


def median_of(steps, phase):
    values = [step[phase] for step in steps if phase in step]
    return float(np.median(values)) if values else None


def set_variables(names):
    return {name: os.environ[name] for name in names if name in os.environ}


def report(recipe, ready):
    full = [step for step in recipe.steps if step["encoded"]]
    phases = {phase: median_of(recipe.steps, phase) for phase in ("data", "forward", "backward", "optimizer")}
    total = time.perf_counter() - STARTED
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in ("torch", "transformers", "monai", "pillow", "numpy")}},
        "attention": {"encoder": getattr(recipe.model.vision_encoder, "attention", recipe.model.config._attn_implementation),
                      "decoder": recipe.model.config.mask_decoder_config._attn_implementation},
        "threads": {"count": torch.get_num_threads(), **set_variables(THREAD_VARIABLES)},
        "allocator": set_variables(ALLOCATOR_VARIABLES) or "default",
        "dtype": recipe.options.dtype,
        "batch": recipe.options.batch,
        "losses": recipe.losses,
        "validationLosses": recipe.validation_losses,
        "steps": len(recipe.steps),
        "encodedImages": sum(step["images"] for step in full),
        "secondsPerStep": {**phases, "encoder": median_of(full, "encoder")},
        "secondsPerEncodedImage": float(np.median([step["encoder"] / step["images"] for step in full])) if full else None,
        "secondsPerValidation": float(np.median(recipe.validations)) if recipe.validations else None,
        "validationImages": len(recipe.plan["validation"]),
        "secondsPerCheckpoint": float(np.median(recipe.checkpoints)) if recipe.checkpoints else None,
        "seconds": {"startup": ready, "total": total},
        "peakRssMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a folder of transformers' SamModel, or MobileSAM's weights (safetensors)")
    parser.add_argument("--plan", type=Path, required=True, help="images, points and order (JSON)")
    parser.add_argument("--data", type=Path, default=Path("."), help="what the plan's paths are relative to")
    parser.add_argument("--out", type=Path, default=Path("recipe.pt"), help="the checkpoint")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--epochs", type=int, help="default: all of the plan's")
    parser.add_argument("--steps", type=int, help="stop after so many steps")
    parser.add_argument("--encode-steps", type=int, help="run the encoder on the first N steps only: what is left of a step is then timed alone")
    parser.add_argument("--multi-mask", choices=["best", "mean"], default="best")
    parser.add_argument("--loss", choices=["dice-ce", "row-dice-ce"], default="dice-ce")
    parser.add_argument("--lr", type=float, default=2e-5)
    parser.add_argument("--weight-decay", type=float, default=2e-4)
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="fp32", help="bf16: autocast")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    recipe = Recipe(options, json.loads(options.plan.read_text()))
    ready = time.perf_counter() - STARTED
    recipe.run()
    print(json.dumps(report(recipe, ready)))


if __name__ == "__main__":
    main()
