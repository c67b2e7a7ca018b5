"""The reference for SAM's ViT image encoders: transformers' with every parameter randomised.

    python scripts/reference_vit.py base DIR [--names meta]    # a whole model, its weights and what it makes of a picture

writes DIR/model.safetensors (`--names meta`: under Meta's names; else with config.json, as save_pretrained does),
DIR/picture.raw (1024 x 1024 x 3 bytes) and DIR/embedding.raw (256 x 64 x 64 floats). `make_fixtures.py` uses a tiny one.
"""

import argparse
import re
from pathlib import Path

import torch
from reference_model import meta_name, parameters, randomise
from safetensors.torch import save_file
from torch import nn
from transformers import SamConfig, SamModel, SamVisionConfig
from transformers.models.sam import modeling_sam

VISION_SEED = 20261125
PICTURE_SEED = 9
MEAN, DEVIATION = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

SIZES = {
    "tiny": dict(hidden_size=32, num_hidden_layers=3, num_attention_heads=2, global_attn_indexes=[1], mlp_dim=64),
    "base": dict(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, global_attn_indexes=[2, 5, 8, 11], mlp_dim=3072),
    "large": dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, global_attn_indexes=[5, 11, 17, 23], mlp_dim=4096),
    "huge": dict(hidden_size=1280, num_hidden_layers=32, num_attention_heads=16, global_attn_indexes=[7, 15, 23, 31], mlp_dim=5120),
}

# Hugging Face's names -> Meta's (segment_anything's ImageEncoderViT).
META_VISION_NAMES = (
    (r"^vision_encoder\.patch_embed\.projection", "image_encoder.patch_embed.proj"),
    (r"^vision_encoder\.layers\.(\d+)\.layer_norm", r"image_encoder.blocks.\1.norm"),
    (r"^vision_encoder\.layers\.", "image_encoder.blocks."),
    (r"^vision_encoder\.neck\.conv1", "image_encoder.neck.0"),
    (r"^vision_encoder\.neck\.layer_norm1", "image_encoder.neck.1"),
    (r"^vision_encoder\.neck\.conv2", "image_encoder.neck.2"),
    (r"^vision_encoder\.neck\.layer_norm2", "image_encoder.neck.3"),
    (r"^vision_encoder\.", "image_encoder."),
)


def vision_parameters(model):
    return {f"vision_encoder.{n}": p for n, p in model.vision_encoder.named_parameters()}


def vit_model(size):
    """SamModel with all parameters drawn, and the vision encoder's names and shapes."""
    model = SamModel(SamConfig(vision_config=SamVisionConfig(**SIZES[size]))).eval()
    shapes = randomise(vision_parameters(model), VISION_SEED)
    randomise(parameters(model))
    model.shared_image_embedding.positional_embedding.data.copy_(
        model.prompt_encoder.shared_embedding.positional_embedding.data
    )
    return model, shapes


def make_picture():
    """1024 x 1024 x 3, uint8: coarse squares under fine noise. `native/core_test/synthetic.cpp` draws the same."""
    generator = torch.Generator().manual_seed(PICTURE_SEED)
    coarse = torch.rand((32, 32, 3), generator=generator).repeat_interleave(32, 0).repeat_interleave(32, 1)
    return (coarse * 200 + torch.rand((1024, 1024, 3), generator=generator) * 55).to(torch.uint8)


def encode(model, picture):
    """-> 256 x 64 x 64."""
    pixels = ((picture.float() / 255 - MEAN) / DEVIATION).permute(2, 0, 1)[None]
    with torch.no_grad():
        return model.vision_encoder(pixels)[0][0].contiguous()


def without_relative_positions(model):
    for layer in model.vision_encoder.layers:
        layer.attn.rel_pos_h.data.zero_()
        layer.attn.rel_pos_w.data.zero_()
    return model


def without_absolute_positions(model):
    model.vision_encoder.pos_embed.data.zero_()
    return model


class WithoutPadding(nn.Module):
    """Windowed attention that leaves the padding out: windows at the edge are smaller."""

    def __init__(self, attention, window):
        super().__init__()
        self.attention, self.window = attention, window

    def forward(self, hidden_states, **_):
        rows = []
        for y in range(0, 64, self.window):
            row = [self.attend(hidden_states[:, y : y + self.window, x : x + self.window]) for x in range(0, 64, self.window)]
            rows.append(torch.cat(row, 2))
        return torch.cat(rows, 1), None

    def attend(self, window):
        """The tables' middle parts, for a window of fewer rows or columns."""
        tables = self.attention.rel_pos_h.data, self.attention.rel_pos_w.data
        for table, side in zip(("rel_pos_h", "rel_pos_w"), window.shape[1:3], strict=True):
            whole = getattr(self.attention, table).data
            getattr(self.attention, table).data = whole[self.window - side : self.window - 1 + side]
        out = self.attention(window)[0]
        self.attention.rel_pos_h.data, self.attention.rel_pos_w.data = tables
        return out


def without_padding(model):
    for layer in model.vision_encoder.layers:
        if layer.window_size:
            layer.attn = WithoutPadding(layer.attn, layer.window_size)
            layer.window_size = 0
    return model


def vision_meta_name(name):
    for pattern, replacement in META_VISION_NAMES:
        name, found = re.subn(pattern, replacement, name)
        if found:
            break
    return name


def meta_state_dict(model):
    """All of the model under Meta's names, the positional matrix once."""
    tensors = {meta_name(n): p for n, p in parameters(model).items()}
    tensors.update({vision_meta_name(n): p for n, p in vision_parameters(model).items()})
    return {n: p.data.clone().contiguous() for n, p in tensors.items()}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("size", choices=[*SIZES])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--names", choices=["hugging-face", "meta"], default="hugging-face")
    options = arguments.parse_args()
    torch.set_num_threads(2)
    options.folder.mkdir(parents=True, exist_ok=True)
    model, _ = vit_model(options.size)
    if options.names == "meta":
        save_file(meta_state_dict(model), options.folder / "model.safetensors")
    else:
        model.save_pretrained(options.folder)
    picture = make_picture()
    embedding = encode(model, picture)
    assert embedding.std() > 0.1
    (options.folder / "picture.raw").write_bytes(picture.numpy().tobytes())
    (options.folder / "embedding.raw").write_bytes(embedding.numpy().tobytes())
    print(f"{modeling_sam.__name__}: embedding deviation {embedding.std():.3f}")


if __name__ == "__main__":
    main()
