#!/usr/bin/env python3
"""Exports an image encoder from Python as the TorchScript file that `sam-native --encoder FILE.pt` takes.

An encoder's forward turns N x 3 x 1024 x 1024 pictures (normalised, padded at right and bottom) into N x 256 x 64 x 64
embeddings. SOURCE is one of

  facebook/sam-vit-base      a transformers SamModel: a name on the Hub, or a local folder
  sam_vit_b_01ec64.pth       a checkpoint of Meta's (--arch vit_b, vit_l or vit_h), MobileSAM (vit_t), EdgeSAM (edge_sam) or
                             EfficientViT-SAM (efficientvit-sam-l0, -l1, -l2, -xl0 or -xl1), with its package installed:
                             segment_anything, mobile_sam, edge_sam or efficientsam
  package.module:function    a function without arguments that returns any torch.nn.Module (the current folder counts)

Examples:
  python scripts/export_encoder.py facebook/sam-vit-base --out encoder.pt
  python scripts/export_encoder.py mobile_sam.pt --arch vit_t --out encoder.pt
  python scripts/export_encoder.py medsam_vit_b.pth --arch vit_b --pixels 0-1 --out medsam.pt
  python scripts/export_encoder.py efficientvit_sam_l0.pt --arch efficientvit-sam-l0 --out efficientvit.pt
  python scripts/export_encoder.py my_models:small_encoder --script --out encoder.pt
"""

import argparse
import importlib
import os
import sys
import warnings

import torch

NEEDED = (256, 64, 64)
# Of the pixels, 0 to 255, as SAM normalises them.
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
PACKAGES = {"vit_t": "mobile_sam", "edge_sam": "edge_sam"}
EFFICIENTVIT = [f"efficientvit-sam-{size}" for size in ("l0", "l1", "l2", "xl0", "xl1")]


class Embeddings(torch.nn.Module):
    """An encoder that may return a tuple or a transformers output, as one that returns the tensor."""

    def __init__(self, encoder, prepare):
        super().__init__()
        self.encoder, self.prepare = encoder, prepare

    def forward(self, x):
        y = self.encoder(self.prepare(x))
        return y if isinstance(y, torch.Tensor) else y[0]


class UnitRange(torch.nn.Module):
    """SAM's normalised pictures as MedSAM was trained: each from 0 to 1. Sets no padding apart: pictures fill the frame."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))

    def forward(self, x):
        pixels = x * self.std + self.mean
        low, high = pixels.amin((1, 2, 3), keepdim=True), pixels.amax((1, 2, 3), keepdim=True)
        return (pixels - low) / (high - low).clamp(min=1e-8)


class Smaller(torch.nn.Module):
    """Pictures at the size that an encoder was trained with."""

    def __init__(self, side):
        super().__init__()
        self.side = side

    def forward(self, x):
        return torch.nn.functional.interpolate(x, (self.side, self.side), mode="bilinear", antialias=True)


def from_function(source):
    module, function = source.rsplit(":", 1)
    sys.path.insert(0, os.getcwd())
    return getattr(importlib.import_module(module), function)()


def from_checkpoint(path, arch):
    """The encoder, and what prepares pictures for it."""
    if arch in EFFICIENTVIT:
        zoo = importlib.import_module("efficientsam.sam_model_zoo")
        sam = zoo.create_efficientvit_sam_model(arch, weight_url=path)
        side = sam.image_size[1]  # 512 for the smaller ones
        return sam.image_encoder, torch.nn.Identity() if side == 1024 else Smaller(side)
    package = importlib.import_module(PACKAGES.get(arch, "segment_anything"))
    return package.sam_model_registry[arch](checkpoint=path).image_encoder, torch.nn.Identity()


def from_transformers(source):
    from transformers import SamModel

    return SamModel.from_pretrained(source).vision_encoder


def load(source, arch):
    if source.endswith((".pth", ".pt")):
        return from_checkpoint(source, arch)
    if ":" in source and not os.path.exists(source):
        return from_function(source), torch.nn.Identity()
    return from_transformers(source), torch.nn.Identity()


def export(encoder, prepare, script):
    """Returns the TorchScript module, checked on two pictures other than the traced one."""
    encoder = encoder.float().eval().requires_grad_(False)
    wrapped = encoder if script else Embeddings(encoder, prepare).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        if script:
            module = torch.jit.script(wrapped)
        else:
            # Sizes become constants, which is right here: every picture is 1024 x 1024.
            warnings.simplefilter("ignore", torch.jit.TracerWarning)
            module = torch.jit.trace(wrapped, torch.randn(1, 3, 1024, 1024), check_trace=False)
        # One at a time, as sam-native encodes: MobileSAM's encoder writes its number of pictures into the trace.
        pictures = torch.randn(2, 1, 3, 1024, 1024)
        expected, found = (torch.stack([f(picture) for picture in pictures]) for f in (wrapped, module))
    if tuple(found.shape[1:]) != (1, *NEEDED):
        raise SystemExit(f"the encoder gives {tuple(found.shape[1:])} for a picture, not {(1, *NEEDED)}")
    difference = (found - expected).abs().max().item()
    if not difference <= 1e-4 * max(1.0, expected.abs().max().item()):
        raise SystemExit(f"the exported encoder differs from the original by {difference:.2g}: try --script")
    return module


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("--out", required=True, metavar="FILE.pt")
    parser.add_argument("--arch", default="vit_b", choices=["vit_b", "vit_l", "vit_h", "vit_t", "edge_sam", *EFFICIENTVIT],
                        help="of a checkpoint (default: vit_b)")
    parser.add_argument("--pixels", default="sam", choices=["sam", "0-1"],
                        help="how the encoder was trained to see pictures: normalised as SAM's, or from 0 to 1 as MedSAM's; "
                             "for these take --image-size 1024 too (default: sam)")
    parser.add_argument("--script", action="store_true",
                        help="script instead of tracing: for forwards that branch on what they see")
    options = parser.parse_args()
    encoder, prepare = load(options.source, options.arch)
    if options.pixels == "0-1":
        prepare = UnitRange()
    if options.script and not isinstance(prepare, torch.nn.Identity):
        raise SystemExit("--script takes the encoder as it is: leave it out, so that what prepares pictures is traced with it")
    module = export(encoder, prepare, options.script)
    temporary = f"{options.out}.tmp-{os.getpid()}"
    try:
        module.save(temporary)
        os.replace(temporary, options.out)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
    print(f"{options.out}: {os.path.getsize(options.out) / 1e6:.1f} MB, 3 x 1024 x 1024 -> 256 x 64 x 64")


if __name__ == "__main__":
    main()
