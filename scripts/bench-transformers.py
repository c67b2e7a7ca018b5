"""One figure of transformers' SAM, for scripts/bench-transformers.mjs: an image through its encoder, or a training step of its
mask decoder on cached embeddings, with SDPA attention as it ships. Prints one line of JSON; seconds are medians.

    python scripts/bench-transformers.py encoder|separate|joint MODEL_FOLDER [--dtype fp32|bf16|fp16] [--batch 4] [--rounds 5]

separate: three points, a prompt each, one mask each, the best of them learns (the article's loop); joint: three points, one
prompt, three masks. Losses are Dice and BCE; AdamW. `--device cuda` for a GPU, where a step's --dtype is autocast's.
scripts/gpu_visit_transformers.py takes many figures of one model with the same functions.
"""

import argparse
import contextlib
import json
import statistics
import time

import torch
import torch.nn.functional as F
import transformers
from transformers import SamModel

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def encoder(model, args):
    dtype = DTYPES[args.dtype]
    vision = model.vision_encoder.to(dtype).eval()
    pixels = torch.randn(args.batch, 3, 1024, 1024, device=args.device).to(dtype)

    def run():
        with torch.inference_mode():
            vision(pixels)

    return run


def mixed(args):
    """A step's --dtype: what autocast lets products run in."""
    return contextlib.nullcontext() if args.dtype == "fp32" else torch.autocast(args.device, DTYPES[args.dtype])


def decoder_step(model, optimizer, args, separate):
    """-> a step from embeddings, points and targets."""
    scaler = torch.amp.GradScaler(args.device, enabled=args.dtype == "fp16")

    def run(embeddings, points, target):
        labels = torch.ones(points.shape[:-1], dtype=torch.long, device=args.device)
        with mixed(args):
            out = model(
                image_embeddings=embeddings, input_points=points, input_labels=labels, multimask_output=not separate
            )
        masks, scores = out.pred_masks.float().flatten(1, 2), out.iou_scores.flatten(1, 2)
        chosen = masks[torch.arange(len(masks), device=args.device), scores.argmax(1)]
        p = chosen.sigmoid()
        dice = 1 - (2 * (p * target).sum((1, 2)) + 1) / ((p + target).sum((1, 2)) + 1)
        loss = dice.mean() + F.binary_cross_entropy_with_logits(chosen, target)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    return run


def tune_decoder(model):
    """Freezes what is not tuned; -> AdamW over the mask decoder."""
    for part in (model.vision_encoder, model.prompt_encoder):
        part.requires_grad_(False)
    return torch.optim.AdamW(model.mask_decoder.parameters(), lr=1e-6)


def drawn_prompts(args, separate):
    """Three points of each image in the model frame, and its target."""
    points = torch.rand(args.batch, 3, 1, 2) if separate else torch.rand(args.batch, 1, 3, 2)
    return (points * 1024).to(args.device), (torch.rand(args.batch, 256, 256) > 0.6).float().to(args.device)


def step(model, args, separate):
    run = decoder_step(model, tune_decoder(model), args, separate)
    embeddings = (torch.randn(args.batch, 256, 64, 64) / 10).to(args.device)
    points, target = drawn_prompts(args, separate)
    return lambda: run(embeddings, points, target)


def median_seconds(run, args):
    """Of args.rounds after a warm-up; a single round has none."""
    wait = torch.cuda.synchronize if args.device != "cpu" else lambda: None
    seconds = []
    for _ in range(args.rounds + (args.rounds > 1)):
        wait()
        start = time.perf_counter()
        run()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[-args.rounds :])


def versions():
    return {"torch": torch.__version__, "transformers": transformers.__version__, "threads": torch.get_num_threads()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["encoder", "separate", "joint"])
    parser.add_argument("model")
    parser.add_argument("--dtype", choices=DTYPES, default="fp32")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--batch", type=int, default=4, help="images of a step")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    # An encoder is timed with one image, whatever a step has.
    args.batch = 1 if args.what == "encoder" else args.batch
    torch.manual_seed(0)
    model = SamModel.from_pretrained(args.model, attn_implementation="sdpa").to(args.device)
    run = encoder(model, args) if args.what == "encoder" else step(model, args, args.what == "separate")
    print(json.dumps({"seconds": median_seconds(run, args), **versions()}))


if __name__ == "__main__":
    main()
