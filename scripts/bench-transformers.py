"""One figure of transformers' SAM, for scripts/bench-transformers.mjs: an image through its encoder, or a training step of its
mask decoder on cached embeddings, with SDPA attention as it ships. Prints one line of JSON; seconds are medians.

    python scripts/bench-transformers.py encoder|separate|joint MODEL_FOLDER [--dtype fp32|bf16] [--batch 4] [--rounds 5]

separate: three points, a prompt each, one mask each, the best of them learns (the article's loop); joint: three points, one
prompt, three masks. Losses are Dice and BCE; AdamW.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F
import transformers
from transformers import SamModel


def encoder(model, args):
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[args.dtype]
    vision = model.vision_encoder.to(dtype).eval()
    pixels = torch.randn(1, 3, 1024, 1024).to(dtype)

    def run():
        with torch.inference_mode():
            vision(pixels)

    return run


def step(model, args, separate):
    for part in (model.vision_encoder, model.prompt_encoder):
        part.requires_grad_(False)
    optimizer = torch.optim.AdamW(model.mask_decoder.parameters(), lr=1e-6)
    embeddings = torch.randn(args.batch, 256, 64, 64) / 10
    points = torch.rand(args.batch, 3, 1, 2) if separate else torch.rand(args.batch, 1, 3, 2)
    labels = torch.ones(points.shape[:-1], dtype=torch.long)
    target = (torch.rand(args.batch, 256, 256) > 0.6).float()
    images = torch.arange(args.batch)

    def run():
        out = model(
            image_embeddings=embeddings, input_points=points * 1024, input_labels=labels, multimask_output=not separate
        )
        masks, scores = out.pred_masks.flatten(1, 2), out.iou_scores.flatten(1, 2)
        chosen = masks[images, scores.argmax(1)]
        p = chosen.sigmoid()
        dice = 1 - (2 * (p * target).sum((1, 2)) + 1) / ((p + target).sum((1, 2)) + 1)
        loss = dice.mean() + F.binary_cross_entropy_with_logits(chosen, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["encoder", "separate", "joint"])
    parser.add_argument("model")
    parser.add_argument("--dtype", default="fp32")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.manual_seed(0)
    model = SamModel.from_pretrained(args.model, attn_implementation="sdpa")
    run = encoder(model, args) if args.what == "encoder" else step(model, args, args.what == "separate")
    run()
    seconds = []
    for _ in range(args.rounds):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "threads": torch.get_num_threads()}
    print(json.dumps({"seconds": statistics.median(seconds), **versions}))


if __name__ == "__main__":
    main()
