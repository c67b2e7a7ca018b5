#!/usr/bin/env python3
"""Exports an image encoder from Python as the TorchScript file that `sam-native --encoder FILE.pt` takes.

An encoder's forward turns N x 3 x 1024 x 1024 pictures (normalised, padded at right and bottom) into N x 256 x 64 x 64
embeddings. SOURCE is one of

  facebook/sam-vit-base      a transformers SamModel: a name on the Hub, or a local folder
  sam_vit_b_01ec64.pth       a Meta or MobileSAM checkpoint (--arch vit_b, vit_l, vit_h or vit_t), with the package
                             segment_anything or mobile_sam installed
  package.module:function    a function without arguments that returns any torch.nn.Module (the current folder counts)

Examples:
  python scripts/export_encoder.py facebook/sam-vit-base --out encoder.pt
  python scripts/export_encoder.py mobile_sam.pt --arch vit_t --out encoder.pt
  python scripts/export_encoder.py my_models:small_encoder --script --out encoder.pt
"""

import argparse
import importlib
import os
import sys
import warnings

import torch

NEEDED = (256, 64, 64)


class Embeddings(torch.nn.Module):
    """An encoder that may return a tuple or a transformers output, as one that returns the tensor."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, x):
        y = self.encoder(x)
        return y if isinstance(y, torch.Tensor) else y[0]


def from_function(source):
    module, function = source.rsplit(":", 1)
    sys.path.insert(0, os.getcwd())
    return getattr(importlib.import_module(module), function)()


def from_checkpoint(path, arch):
    package = "mobile_sam" if arch == "vit_t" else "segment_anything"
    return importlib.import_module(package).sam_model_registry[arch](checkpoint=path).image_encoder


def from_transformers(source):
    from transformers import SamModel

    return SamModel.from_pretrained(source).vision_encoder


def load(source, arch):
    if source.endswith((".pth", ".pt")):
        return from_checkpoint(source, arch)
    if ":" in source and not os.path.exists(source):
        return from_function(source)
    return from_transformers(source)


def export(encoder, script):
    """Returns the TorchScript module, checked on two pictures other than the traced one."""
    encoder = encoder.float().eval().requires_grad_(False)
    wrapped = encoder if script else Embeddings(encoder).eval()
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
    parser.add_argument("--arch", default="vit_b", choices=["vit_b", "vit_l", "vit_h", "vit_t"],
                        help="of a Meta or MobileSAM checkpoint (default: vit_b)")
    parser.add_argument("--script", action="store_true",
                        help="script instead of tracing: for forwards that branch on what they see")
    options = parser.parse_args()
    module = export(load(options.source, options.arch), options.script)
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
