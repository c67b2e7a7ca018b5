"""The reference for the parity fixtures: transformers' SAM with every parameter randomised, one prompt at a time.

All random numbers come from torch's CPU generator (`torch.rand`), which gives the same bits as `at::rand` in C++:
`native/core_test/synthetic.cpp` repeats this file's recipes, so that a fixture holds neither weights nor embeddings.
"""

import math
import re

import torch
from torch import nn
from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

WEIGHT_SEED = 20261124
EMBEDDING_SEED = 7
# Loud enough that attention is far from uniform; quieter, and a wrong positional encoding would hide.
ATTENTION_GAIN = 6.0


def uniform(shape, generator, amplitude):
    """Uniform in [-amplitude, amplitude)."""
    return (torch.rand(shape, generator=generator) - 0.5) * (2 * amplitude)


# Hugging Face's names -> Meta's, as far as they differ (segment_anything's modules against transformers').
META_NAMES = (
    (r"shared_embedding\.positional_embedding", "pe_layer.positional_encoding_gaussian_matrix"),
    (r"\.point_embed\.", ".point_embeddings."),
    (r"mask_embed\.conv1", "mask_downscaling.0"),
    (r"mask_embed\.layer_norm1", "mask_downscaling.1"),
    (r"mask_embed\.conv2", "mask_downscaling.3"),
    (r"mask_embed\.layer_norm2", "mask_downscaling.4"),
    (r"mask_embed\.conv3", "mask_downscaling.6"),
    (r"transformer(.*)\.layer_norm(\d|_final_attn)", r"transformer\1.norm\2"),
    (r"upscale_conv1", "output_upscaling.0"),
    (r"upscale_layer_norm", "output_upscaling.1"),
    (r"upscale_conv2", "output_upscaling.3"),
    (r"(mlps\.\d|iou_prediction_head)\.layers\.0", r"\1.layers.1"),
    (r"(mlps\.\d|iou_prediction_head)\.proj_in", r"\1.layers.0"),
    (r"(mlps\.\d|iou_prediction_head)\.proj_out", r"\1.layers.2"),
)


def meta_name(name):
    for pattern, replacement in META_NAMES:
        name, found = re.subn(pattern, replacement, name)
        if found:
            break
    return name


def draw(name, shape, generator):
    """A parameter's value, by its name and shape."""
    if "layer_norm" in name and name.endswith("weight"):
        return uniform(shape, generator, 0.25) + 1
    if name.endswith("bias"):
        return uniform(shape, generator, 0.125)
    if len(shape) == 1 or shape[0] in (1, 2) or "mask_tokens" in name:  # embeddings and the positional matrix
        return uniform(shape, generator, 1.0)
    fan_in = shape[0] if "upscale_conv" in name else math.prod(shape[1:])
    gain = ATTENTION_GAIN if "q_proj" in name or "k_proj" in name else 3.0
    return uniform(shape, generator, 1.0) * (gain / fan_in) ** 0.5


def randomise(named, seed=WEIGHT_SEED):
    """Draws every parameter, in the order of the sorted names -> names and shapes."""
    generator = torch.Generator().manual_seed(seed)
    shapes = []
    for name, parameter in sorted(named.items()):
        parameter.data.copy_(draw(name, tuple(parameter.shape), generator))
        shapes.append((name, tuple(parameter.shape)))
    return shapes


def parameters(model):
    named = {f"prompt_encoder.{n}": p for n, p in model.prompt_encoder.named_parameters()}
    named.update({f"mask_decoder.{n}": p for n, p in model.mask_decoder.named_parameters()})
    return named


def reference_model(epsilon=1e-6, quiet_self_attention=False):
    """SamModel with random parameters, eager attention (the vision encoder is a dummy) and its parameters' shapes.

    `quiet_self_attention` shrinks what the first layer norm sees by 2^-8, where its epsilon decides the result.
    """
    config = SamConfig(
        vision_config=SamVisionConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, global_attn_indexes=[0]),
        prompt_encoder_config=SamPromptEncoderConfig(),
        mask_decoder_config=SamMaskDecoderConfig(layer_norm_eps=epsilon),
    )
    config._attn_implementation = "eager"
    model = SamModel(config).eval()
    shapes = randomise(parameters(model))
    model.shared_image_embedding.positional_embedding.data.copy_(
        model.prompt_encoder.shared_embedding.positional_embedding.data
    )
    if quiet_self_attention:
        out = model.mask_decoder.transformer.layers[0].self_attn.out_proj
        out.weight.data.mul_(2.0**-8)
        out.bias.data.mul_(2.0**-8)
    return model, shapes


def disk_masks(disks, size=256):
    """(n, 3) integers x, y, radius -> (n, size, size) of 0 and 1."""
    y = torch.arange(size).view(1, size, 1)
    x = torch.arange(size).view(1, 1, size)
    cx, cy, r = (disks[:, i].view(-1, 1, 1) for i in range(3))
    return ((x - cx) ** 2 + (y - cy) ** 2 < r * r).float()


def make_embeddings(disks):
    """(n, 256, 64, 64): coarse and fine noise; 64 channels also see the disk, so that there is something to learn."""
    generator = torch.Generator().manual_seed(EMBEDDING_SEED)
    n = disks.shape[0]
    coarse = uniform((n, 256, 8, 8), generator, 1.0)
    fine = uniform((n, 256, 64, 64), generator, 0.5)
    embeddings = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3) + fine
    embeddings[:, :64] += disk_masks(disks)[:, None, 2::4, 2::4]
    return embeddings


def make_mask_prompts(seed, count):
    """(count, 1, 256, 256) logits in [-8, 8)."""
    return uniform((count, 1, 256, 256), torch.Generator().manual_seed(seed), 8.0)


def encode_prompt(model, points, labels, box, mask):
    """One prompt of one image: points (N, 2) or None, box (4,) or None, mask (1, 256, 256) or None."""
    dtype = model.prompt_encoder.no_mask_embed.weight.dtype
    return model.prompt_encoder(
        None if points is None else points.to(dtype).view(1, 1, -1, 2),
        None if points is None else labels.view(1, 1, -1),
        None if box is None else box.to(dtype).view(1, 1, 4),
        None if mask is None else mask.to(dtype).view(1, 1, 256, 256),
    )


def decode_prompt(model, embedding, sparse, dense, multi):
    """-> logits (C, 256, 256), predicted IoU (C,)."""
    logits, ious = model.mask_decoder(
        image_embeddings=embedding[None],
        image_positional_embeddings=model.get_image_wide_positional_embeddings(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=multi,
    )
    return logits[0, 0], ious[0, 0]


def without_image_positions(model):
    """The same model as if the image's positions had been left out: what the parity checks must notice."""
    zeros = nn.Parameter(torch.zeros(256, 64, 64))
    model.get_image_wide_positional_embeddings = lambda: zeros[None].to(model.prompt_encoder.no_mask_embed.weight.dtype)
    return model
