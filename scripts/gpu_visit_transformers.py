"""transformers' SAM on the device, with drawn weights, which change no timing: the figures that scripts/gpu_visit.py sets ours beside.

    python scripts/gpu_visit_transformers.py --device cuda --sizes ViT-B,ViT-L,ViT-H [--images 64] [--rounds 10]

Attention is SDPA. One line of JSON a figure, {"name", "ms"}, as soon as it is there, so that an interrupted run has said something;
what fails is {"name", "error"}, and the next one follows. Names are those of `sam_core_test --only encoding,decoding,recipe`.
"""

import argparse
import importlib.util
import json
import time
from pathlib import Path
from types import SimpleNamespace

import torch
from reference_vit import SIZES
from transformers import SamConfig, SamModel, SamVisionConfig

HERE = Path(__file__).resolve().parent
specification = importlib.util.spec_from_file_location("bench_transformers", HERE / "bench-transformers.py")
bench = importlib.util.module_from_spec(specification)
specification.loader.exec_module(bench)

SIZE_OF = {"ViT-B": "base", "ViT-L": "large", "ViT-H": "huge"}
MEAN, DEVIATION = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
BATCH = 4


def say(**figure):
    print(json.dumps(figure), flush=True)


def attempt(name, work):
    """Says what `work` -> milliseconds gives, or how it fails."""
    try:
        say(name=name, ms=work())
    except Exception as error:  # noqa: BLE001: whatever it is, the next figure follows
        say(name=name, error=f"{type(error).__name__}: {error}".splitlines()[0][:300])


def drawn_model(size, device):
    config = SamConfig(vision_config=SamVisionConfig(**SIZES[SIZE_OF[size]]))
    with torch.device(device):
        return SamModel._from_config(config, attn_implementation="sdpa").eval()


def settings(options, dtype, batch=BATCH):
    return SimpleNamespace(device=options.device, dtype=dtype, batch=batch, rounds=options.rounds)


def milliseconds(run, args):
    return 1000 * bench.median_seconds(run, args)


def time_encoder(model, size, options):
    for dtype in ["fp32", "bf16", *(["fp16"] if options.device == "cuda" else [])]:
        for images in [1, 4] if options.device == "cuda" else [1]:
            args = settings(options, dtype, images)
            attempt(f"encoding/{size}/{dtype}/{images}", lambda args=args: milliseconds(bench.encoder(model, args), args))
    model.vision_encoder.float()


def time_decoder(model, options):
    for dtype in ["fp32", "bf16", *(["fp16"] if options.device == "cuda" else [])]:
        for kind in ("joint", "separate"):
            for images in [4, 8, 16] if options.device == "cuda" else [4]:
                args = settings(options, dtype, images)
                separate = kind == "separate"
                attempt(
                    f"decoding/step-{kind}/{dtype}/{images}",
                    lambda args=args, separate=separate: milliseconds(bench.step(model, args, separate), args),
                )
        for prompts in (1, 64):
            args = settings(options, dtype, 1)
            attempt(f"decoding/prompts/{dtype}/{prompts}", lambda args=args, n=prompts: milliseconds(answer(model, args, n), args))


def answer(model, args, prompts):
    """One image, so many prompts of a point."""
    embeddings = torch.randn(1, 256, 64, 64, device=args.device) / 10
    points = torch.rand(1, prompts, 1, 2, device=args.device) * 1024

    def run():
        with torch.inference_mode(), bench.mixed(args):
            model(image_embeddings=embeddings, input_points=points, multimask_output=True)

    return run


class Recipe:
    """The article's recipe on pictures in memory: an epoch that encodes every image in every step, as people run it; and one whose
    embeddings are kept, as a careful user runs it."""

    def __init__(self, model, options):
        self.model, self.images = model, options.images
        self.args = settings(options, "bf16", min(BATCH, options.images))
        self.step = bench.decoder_step(model, bench.tune_decoder(model), self.args, separate=False)
        self.points, self.target = bench.drawn_prompts(self.args, separate=False)
        self.picture = torch.randint(0, 256, (1024, 1024, 3), dtype=torch.uint8)
        self.kept = []

    def pixels(self, first):
        pictures = [self.picture.roll(first + i, 0) for i in range(self.args.batch)]
        batch = torch.stack([((picture - MEAN) / DEVIATION).permute(2, 0, 1) for picture in pictures])
        return batch.to(self.args.device)

    @torch.no_grad()
    def encode(self, first):
        with bench.mixed(self.args):
            return self.model.get_image_embeddings(self.pixels(first)).float()

    def epoch(self, embeddings_of):
        """Milliseconds of a pass over all images, after one batch to warm up."""
        wait = torch.cuda.synchronize if self.args.device != "cpu" else lambda: None
        if self.args.rounds > 1:
            self.step(embeddings_of(0), self.points, self.target)
        wait()
        start = time.perf_counter()
        for first in range(0, self.images, self.args.batch):
            self.step(embeddings_of(first), self.points, self.target)
        wait()
        return 1000 * (time.perf_counter() - start)

    def encode_all(self):
        start = time.perf_counter()
        self.kept = [self.encode(first) for first in range(0, self.images, self.args.batch)]
        self.kept[-1].cpu()
        return 1000 * (time.perf_counter() - start)

    def kept_embeddings(self, first):
        return self.kept[first // self.args.batch]


def time_recipe(model, size, options):
    recipe = Recipe(model, options)
    attempt(f"recipe/{size}/bf16/train-epoch-encoding", lambda: recipe.epoch(recipe.encode))
    attempt(f"recipe/{size}/bf16/encode-all", recipe.encode_all)
    attempt(f"recipe/{size}/bf16/train-epoch", lambda: recipe.epoch(recipe.kept_embeddings))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--sizes", default="ViT-B", help="ViT-B,ViT-L,ViT-H")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # fp32 is fp32 on both sides
    say(name="versions", **bench.versions())
    for size in options.sizes.split(","):
        model = drawn_model(size, options.device)
        time_encoder(model, size, options)
        if size == "ViT-B":  # the decoder is the same in all
            time_decoder(model, options)
            time_recipe(model, size, options)
        del model


if __name__ == "__main__":
    main()
