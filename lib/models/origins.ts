/**
 * Where weights come from, told by names: what is said of those that are taken, and the way of those that are not. The names are those of the
 * projects' own code; docs/models.md has the same in a table.
 */
import { basename } from 'node:path';
import type { WeightsInfo } from '../../binding.js';
import { SamError } from '../core/errors.js';

/** Model whose weights are not taken as they are. */
export interface Relative {
  readonly name: string;
  /** Name of a tensor that only these weights have. */
  readonly mark: RegExp;
  /** Way in which it can be used all the same, and what its licence forbids. */
  readonly fix: string;
}

const script = (arch: string) =>
  `write its encoder as TorchScript, by scripts/export_encoder.py as ${arch}, and name that with \`encoder\` (the command: docs/models.md)`;

/** Relatives of SAM, and what is often taken for one. */
export const RELATIVES: readonly Relative[] = [
  {
    name: 'EdgeSAM (RepViT)',
    mark: /(^|\.)image_encoder\.fuse_stage\d/,
    fix: `${script('edge_sam')}; its licence, S-Lab 1.0, forbids commercial use`,
  },
  {
    name: 'EfficientViT-SAM',
    mark: /(^|\.)image_encoder\.backbone\.stages\./,
    fix: script('efficientvit-sam-l0'),
  },
  {
    name: 'a SAM with RepViT',
    mark: /(^|\.)image_encoder\.features\.\d/,
    fix: script('MODULE:FUNCTION'),
  },
  {
    name: "SlimSAM in its authors' own form, with queries, keys and values apart",
    mark: /(^|\.)image_encoder\.blocks\.\d+\.attn\.q\./,
    fix: 'name its form for transformers: Zigeng/SlimSAM-uniform-77 or Zigeng/SlimSAM-uniform-50',
  },
  {
    name: 'SAM 2',
    mark: /(^|\.)(sam_mask_decoder|image_encoder\.trunk)\./,
    fix: 'name weights of SAM version 1: facebook/sam-vit-base, or mobile-sam',
  },
  {
    name: 'SAM-HQ, whose mask decoder has a token more',
    mark: /(^|\.)mask_decoder\.(hf_token|compress_vit_feat)\./,
    fix: 'name the weights of SAM version 1 that it was made from',
  },
  {
    name: 'a model of diffusers',
    mark: /(^|\.)(down_blocks|up_blocks)\.\d+\./,
    fix: 'name weights of SAM version 1: facebook/sam-vit-base, or mobile-sam',
  },
];

/** Makes the error of weights that can't be taken. */
export function notTaken(weights: string, { name, fix }: Relative, cause?: unknown): SamError {
  return new SamError('SAM_BAD_CHECKPOINT', `${weights} holds ${name}, not SAM's weights`, { fix, cause });
}

/** Finds out whose weights these are, where they can't be taken as they are. */
export function relativeOf(names: ReadonlySet<string>): Relative | undefined {
  return RELATIVES.find(({ mark }) => [...names].some((name) => mark.test(name)));
}

const MEDSAM =
  'MedSAM, which was trained on pictures squashed to 1024 x 1024 and scaled to 0..1, not as SAM scales them: masks are worse than its own, unless ' +
  'its encoder is written by scripts/export_encoder.py for such pixels and named with `encoder`, with `imageSize` 1024 (the command: docs/models.md)';
const LITE_MEDSAM =
  'LiteMedSAM, whose encoder was trained on pictures of 256 x 256 pixels: masks are poor until it is tuned here';

/** Files by their names alone: their tensors are those of SAM. */
const BY_FILE: readonly (readonly [file: RegExp, said: string])[] = [
  [/lite[_-]?medsam/i, LITE_MEDSAM],
  [/medsam/i, MEDSAM],
  [/^epoch-\d{6}-f1[\d.]+-ckpt\.pth$/, 'lightning-sam'],
];

/** Checkpoints by what lies beside the state dict, and what becomes of it. */
const BY_KEYS: readonly (readonly [keys: readonly string[], said: string])[] = [
  [['model_state', 'decoder_state'], 'micro-sam: its own decoder of instances (decoder_state) is left out'],
  [['model_state'], 'micro-sam, or another trainer of torch-em'],
  [['state_dict', 'pytorch-lightning_version'], 'a checkpoint of PyTorch Lightning: the optimizer is left out'],
  [['model_state_dict', 'optimizer_state_dict'], 'a checkpoint of a training loop: optimizer_state_dict is left out'],
  [['model', 'optimizer', 'epoch'], "a checkpoint of a training loop such as MedSAM's: the optimizer is left out"],
];

/** Says whose weights a file of its own holds, where that isn't plain; undefined where it is. */
export function originOf(path: string, names: ReadonlySet<string>, { names: scheme }: WeightsInfo): string | undefined {
  const file = basename(path);
  const isSaved = scheme === 'hugging-face' && !/\.(safetensors|json)$|^pytorch_model/.test(file);
  const origin =
    BY_FILE.find(([pattern]) => pattern.test(file))?.[1] ??
    BY_KEYS.find(([keys]) => keys.every((key) => names.has(key)))?.[1] ??
    (isSaved ? "transformers' SamModel, as its state dict" : undefined);
  return origin && `weights of ${origin}`;
}
