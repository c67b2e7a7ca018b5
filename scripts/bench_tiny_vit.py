"""MobileSAM in plain PyTorch for the benchmarks: its TinyViT, under the names of its weights, before transformers' decoder."""

import torch
import torch.nn.functional as F
from reference_model import meta_name, parameters
from safetensors.torch import load_file
from torch import nn
from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamVisionConfig
from transformers.models.sam.modeling_sam import SamLayerNorm

STAGES = ((64, 2, None, None), (128, 2, 4, 7), (160, 6, 5, 14), (320, 2, 10, 7))  # width, blocks, heads, side of a window


class ConvNorm(nn.Module):
    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1):
        super().__init__()
        self.c = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.bn(self.c(x))


class MBConv(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = ConvNorm(width, 4 * width)
        self.conv2 = ConvNorm(4 * width, 4 * width, 3, groups=4 * width)
        self.conv3 = ConvNorm(4 * width, width)

    def forward(self, x):
        return F.gelu(x + self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x))))))


class PatchMerging(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs)
        self.conv2 = ConvNorm(outputs, outputs, 3, stride, groups=outputs)
        self.conv3 = ConvNorm(outputs, outputs)

    def forward(self, x):
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))


class Attention(nn.Module):
    """One learnt bias for each head and each distance (|rows|, |columns|) between two tokens of a window."""

    def __init__(self, width, heads, window):
        super().__init__()
        self.heads, self.window = heads, window
        self.norm, self.qkv, self.proj = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        distance = (torch.arange(window)[:, None] - torch.arange(window)).abs()
        index = distance[:, None, :, None] * window + distance[None, :, None, :]
        self.register_buffer("index", index.reshape(window**2, window**2), persistent=False)

    def forward(self, x):
        windows, tokens, width = x.shape
        q, k, v = self.qkv(self.norm(x)).view(windows, tokens, self.heads, 3, -1).permute(3, 0, 2, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v, self.attention_biases[:, self.index].to(q.dtype))
        return self.proj(x.transpose(1, 2).reshape(windows, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.fc1, self.fc2 = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


class TinyViTBlock(nn.Module):
    def __init__(self, width, heads, window):
        super().__init__()
        self.attn, self.mlp = Attention(width, heads, window), Mlp(width)
        self.local_conv = ConvNorm(width, width, 3, groups=width)

    def attend(self, x):
        """In windows; those over the right or bottom edge see zeros there."""
        batch, height, width, channels = x.shape
        side = self.attn.window
        x = F.pad(x, (0, 0, 0, -width % side, 0, -height % side))
        down, across = x.shape[1] // side, x.shape[2] // side
        x = x.view(batch, down, side, across, side, channels).transpose(2, 3).reshape(-1, side * side, channels)
        x = self.attn(x).view(batch, down, across, side, side, channels).transpose(2, 3)
        return x.reshape(batch, down * side, across * side, channels)[:, :height, :width]

    def forward(self, x):
        x = x + self.attend(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = self.local_conv(x)
        return x + self.mlp(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class TinyViT(nn.Module):
    attention = "sdpa"

    def __init__(self):
        super().__init__()
        self.patch_embed = nn.Module()
        self.patch_embed.seq = nn.Sequential(ConvNorm(3, 32, 3, 2), nn.GELU(), ConvNorm(32, 64, 3, 2))
        self.layers = nn.ModuleList()
        for number, (width, depth, heads, window) in enumerate(STAGES):
            layer = nn.Module()
            layer.blocks = nn.Sequential(*(MBConv(width) if heads is None else TinyViTBlock(width, heads, window) for _ in range(depth)))
            # The last merging keeps the resolution: SAM wants 64 x 64.
            layer.downsample = PatchMerging(width, STAGES[number + 1][0], 2 if number < 2 else 1) if number < 3 else nn.Identity()
            self.layers.append(layer)
        norms = (SamLayerNorm(256, eps=1e-6, data_format="channels_first") for _ in range(2))
        first, second = nn.Conv2d(320, 256, 1, bias=False), nn.Conv2d(256, 256, 3, padding=1, bias=False)
        self.neck = nn.Sequential(first, next(norms), second, next(norms))

    def forward(self, x):
        x = self.patch_embed.seq(x)
        for layer in self.layers:
            x = layer.downsample(layer.blocks(x))
        return (self.neck(x),)


def mobile_sam(path):
    """SamModel of transformers with MobileSAM's weights (safetensors, Meta's names) and its encoder."""
    tensors = load_file(path)
    # The ViT of this config is thrown away.
    vision = SamVisionConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, global_attn_indexes=[0])
    config = SamConfig(vision_config=vision, mask_decoder_config=SamMaskDecoderConfig(layer_norm_eps=1e-5))
    model = SamModel._from_config(config, attn_implementation="sdpa")
    for name, parameter in parameters(model).items():
        parameter.data.copy_(tensors[meta_name(name)])
    model.shared_image_embedding.positional_embedding.data.copy_(model.prompt_encoder.shared_embedding.positional_embedding.data)
    encoder = TinyViT()
    encoder.load_state_dict({n.removeprefix("image_encoder."): t for n, t in tensors.items() if n.startswith("image_encoder.")}, strict=False)
    missing = [n for n in encoder.state_dict() if f"image_encoder.{n}" not in tensors and "num_batches_tracked" not in n]
    assert not missing, f"{path} lacks {missing}"
    model.vision_encoder = encoder
    return model.eval()
