"""Writes test/fixtures/encoders/*.pt: small TorchScript encoders such as people make in Python, for `--encoder FILE.pt`.

    python scripts/make_encoder_fixtures.py            # needs torch

All but the last compute the same: channel c of the embedding is colour c % 3, averaged over 16 x 16 pixels, times
1 + c / 256, plus 2. What they hold differs:

  scripted.pt   a buffer of integers that index (as Swin's relative_position_index), and tensors that are plain attributes:
                alone, in a list, and one under two names
  traced.pt     tensors that tracing made constants of the graph, one of them in a function that a branch calls
  traced-on-gpu.pt   the same, traced where the pictures lay on a GPU: that device is written down in the graph
  frozen.pt     scripted.pt after torch.jit.freeze: all of it constants
  mixed.pt      fp32 written down while tracing, as `softmax(...).to(x.dtype)` leaves it, before a convolution
  nan.pt        NaN for every picture that is not black
"""

import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

OUTPUT = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "encoders"
COLOURS = torch.arange(256) % 3
WEIGHT = (1 + torch.arange(256) / 256)[:, None, None, None]


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("index", COLOURS)
        self.weight = nn.Parameter(WEIGHT, requires_grad=False)
        self.bias = torch.zeros(256)
        self.same = self.bias
        self.ones = [torch.ones(256, 1, 1)] * 2

    def forward(self, x: Tensor) -> Tensor:
        # A convolution takes one type only: were a tensor left behind, it would fail.
        x = nn.functional.avg_pool2d(x, 16)[:, self.index]
        x = nn.functional.conv2d(x, self.weight, self.bias if x.size(0) > 0 else self.same, groups=256)
        x = nn.functional.conv2d(x + self.ones[0], torch.ones_like(self.weight), groups=256)
        return x + self.ones[1]


def constants(x):
    x = nn.functional.avg_pool2d(x, 16)[:, COLOURS]
    x = nn.functional.conv2d(x, WEIGHT, groups=256) + 2
    return x + torch.zeros(256, 1, 1, dtype=torch.long, device=x.device)


def mixed(x):
    x = nn.functional.avg_pool2d(x, 16).float()[:, COLOURS].to(x.dtype)
    return nn.functional.conv2d(x, WEIGHT, groups=256) + 2


class NotANumber(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.avg_pool2d(x, 16)
        return torch.cat([x] * 86, 1)[:, :256] / (x.amax() == 0).to(x.dtype) * 0


def module(function):
    """Returns a scripted module whose branch calls a traced function: the constants are not in the graph of forward."""

    class Branch(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if x.size(0) > 0:
                x = function(x)
            return x

    return torch.jit.script(Branch())


def traced_on_gpu(path):
    """Writes the traced file with the GPU in place of the CPU."""
    with zipfile.ZipFile(OUTPUT / "traced.pt") as original, zipfile.ZipFile(path, "w") as copy:
        for entry in original.infolist():
            content = original.read(entry)
            if entry.filename.endswith(".py"):
                content = content.replace(b'torch.device("cpu")', b'torch.device("cuda:0")')
            copy.writestr(entry.filename, content)


def main():
    OUTPUT.mkdir(exist_ok=True)
    scripted = torch.jit.script(Scripted().eval())
    scripted.save(OUTPUT / "scripted.pt")
    module(torch.jit.trace(constants, torch.rand(1, 3, 1024, 1024))).save(OUTPUT / "traced.pt")
    traced_on_gpu(OUTPUT / "traced-on-gpu.pt")
    torch.jit.freeze(scripted).save(OUTPUT / "frozen.pt")
    module(torch.jit.trace(mixed, torch.rand(1, 3, 1024, 1024))).save(OUTPUT / "mixed.pt")
    torch.jit.script(NotANumber()).save(OUTPUT / "nan.pt")
    picture = torch.rand(1, 3, 1024, 1024)
    expected = nn.functional.avg_pool2d(picture, 16)[:, COLOURS] * WEIGHT[:, 0] + 2
    for name in ("scripted", "traced", "frozen", "mixed"):
        found = torch.jit.load(OUTPUT / f"{name}.pt")(picture)
        assert (found - expected).abs().max() < 1e-5, name
        print(f"{name}: {(OUTPUT / f'{name}.pt').stat().st_size} bytes")


if __name__ == "__main__":
    main()
