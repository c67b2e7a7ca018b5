/**
 * Weights of others: told apart by names and by what lies beside them, those that are taken as those that are not; and files of other
 * frameworks. The files are as their makers write them, with random numbers or none.
 */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SamError } from '../../lib/core/errors.js';
import { resolveModel } from '../../lib/models/resolve.js';
import { type Pickled, type RawTensor, readTensors, writePth, writeTensors } from '../native/pth.js';

const root = join(import.meta.dirname, '../..');

let folder: string;
let meta: Record<string, RawTensor>;
let huggingFace: Record<string, RawTensor>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-origins-'));
  const program = join(root, 'build/Release/sam_core_test');
  execFileSync(program, ['--fixtures', join(root, 'test/fixtures'), '--write-inputs', folder], { stdio: 'ignore' });
  meta = readTensors(join(folder, 'model-meta.safetensors'));
  huggingFace = readTensors(join(folder, 'model.safetensors'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const one: RawTensor = { shape: [1], bytes: Buffer.alloc(4) };
const prefixed = (tensors: Record<string, RawTensor>, prefix: string) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));
const promptSide = () =>
  Object.fromEntries(Object.entries(meta).filter(([name]) => !name.startsWith('image_encoder.')));

function pth(name: string, content: Pickled): string {
  const path = join(folder, name);
  writePth(path, content);
  return path;
}

/** What is said while a model is found. */
async function notes(path: string): Promise<string[]> {
  const said: string[] = [];
  await resolveModel(path, { cacheDir: join(folder, 'cache'), onNote: (line) => said.push(line) });
  return said;
}

async function failure(path: string, encoder?: string): Promise<SamError> {
  const error = await resolveModel(path, { cacheDir: join(folder, 'cache'), encoder }).then(
    () => new Error('it was taken'),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SamError);
  expect((error as SamError).message).not.toContain('\n');
  expect((error as SamError).exitCode).toBe(2);
  return error as SamError;
}

describe('weights that are taken say whose they are', () => {
  const optimizer = { state: { 0: one } };
  it.each<[string, string, () => Pickled, string | undefined]>([
    ["Meta's own", 'sam_small.pth', () => meta, undefined],
    [
      'micro-sam, with its decoder',
      'best.pt',
      () => ({
        model_state: prefixed(meta, 'sam.'),
        decoder_state: { 'decoder.weight': one },
        optimizer_state: optimizer,
      }),
      'micro-sam: its own decoder of instances (decoder_state) is left out',
    ],
    ['micro-sam, exported', 'exported.pt', () => ({ model_state: meta }), 'micro-sam, or another trainer of torch-em'],
    ['lightning-sam', 'epoch-000010-f10.98-ckpt.pth', () => meta, 'lightning-sam'],
    [
      'PyTorch Lightning',
      'last.ckpt',
      () => ({ epoch: 3, 'pytorch-lightning_version': '2.4.0', state_dict: prefixed(meta, 'model.') }),
      'a checkpoint of PyTorch Lightning: the optimizer is left out',
    ],
    ["the article's state dict", 'river.pth', () => huggingFace, "transformers' SamModel, as its state dict"],
    [
      "the article's checkpoint",
      'checkpoint_3.pth',
      () => ({ epoch: 3, model_state_dict: huggingFace, optimizer_state_dict: optimizer }),
      'a checkpoint of a training loop: optimizer_state_dict is left out',
    ],
    [
      "MedSAM's training",
      'latest.pth',
      () => ({ model: prefixed(meta, 'module.'), optimizer, epoch: 3 }),
      "a checkpoint of a training loop such as MedSAM's: the optimizer is left out",
    ],
  ])('%s', async (_, name, content, said) => {
    const path = pth(name, content());
    expect(await notes(path)).toEqual(said === undefined ? [] : [`${path}: weights of ${said}`]);
  });

  it('MedSAM: how its pictures were scaled, and the way to give them so', async () => {
    const [said] = await notes(pth('medsam_vit_b_small.pth', meta));
    expect(said).toMatch(
      /weights of MedSAM, .* scaled to 0\.\.1, .* for such pixels and named with `encoder`, with `imageSize` 1024/,
    );
    expect((await notes(pth('lite_medsam.pth', meta)))[0]).toContain('weights of LiteMedSAM');
  });

  it('nothing is said of a file that another names, such as the shards of transformers', async () => {
    await copyFile(join(folder, 'model.safetensors'), join(folder, 'plain.safetensors'));
    expect(await notes(join(folder, 'plain.safetensors'))).toEqual([]);
  });
});

describe('relatives of SAM say their way', () => {
  const encoders: [name: string, tensor: string, said: RegExp, fix: RegExp][] = [
    [
      'EdgeSAM',
      'image_encoder.fuse_stage2.weight',
      /image encoder is that of EdgeSAM/,
      /as edge_sam, .*forbids commercial use/,
    ],
    [
      'EfficientViT-SAM',
      'image_encoder.backbone.stages.0.op_list.0.conv.weight',
      /image encoder is that of EfficientViT-SAM/,
      /as efficientvit-sam-l0, /,
    ],
    [
      'RepViT-SAM',
      'image_encoder.features.0.0.c.weight',
      /image encoder is that of a SAM with RepViT/,
      /MODULE:FUNCTION/,
    ],
  ];

  it.each(encoders)('%s, whose decoder is taken once its encoder is named', async (name, tensor, said, fix) => {
    const path = pth(`${name}.pt`, { ...promptSide(), [tensor]: one });
    expect(await failure(path)).toMatchObject({
      code: 'SAM_BAD_ENCODER',
      message: expect.stringMatching(said),
      fix: expect.stringMatching(fix),
    });
    const model = await resolveModel(path, {
      cacheDir: join(folder, 'cache'),
      encoder: join(folder, 'model-meta.safetensors'),
    });
    expect(model).toMatchObject({ weights: path, encoder: join(folder, 'model-meta.safetensors') });
  });

  it("SlimSAM in its authors' form: the one for transformers", async () => {
    const { 'image_encoder.blocks.0.attn.qkv.weight': qkv, ...rest } = meta;
    const path = pth('SlimSAM-77.pth', { ...rest, 'image_encoder.blocks.0.attn.q.weight': qkv! });
    const { message, fix } = await failure(path);
    expect(message).toContain('holds SlimSAM');
    expect(fix).toContain('Zigeng/SlimSAM-uniform-77');
  });

  it.each([
    [
      'SAM 2',
      { 'sam_mask_decoder.iou_token.weight': one, 'image_encoder.trunk.pos_embed': one },
      /holds SAM 2, not SAM's/,
    ],
    ['SAM-HQ', () => ({ ...promptSide(), 'mask_decoder.hf_token.weight': one }), /holds SAM-HQ, whose mask decoder/],
    ['diffusers', { 'down_blocks.0.resnets.0.conv1.weight': one }, /holds a model of diffusers, not SAM's/],
  ])('%s', async (name, tensors, said) => {
    const path = join(folder, `${name}.safetensors`);
    writeTensors(path, typeof tensors === 'function' ? tensors() : tensors);
    expect((await failure(path)).message).toMatch(said);
  });

  it('a checkpoint of PyTorch Lightning of another network', async () => {
    const path = pth('unet.ckpt', {
      'pytorch-lightning_version': '2.4.0',
      state_dict: { 'model.encoder.conv1.weight': one },
    });
    const { message, fix } = await failure(path);
    expect(message).toMatch(
      /holds nothing of SAM .*model\.encoder\.conv1\.weight.*a checkpoint of PyTorch Lightning of another network$/,
    );
    expect(fix).toContain('facebook/sam-vit-base');
  });
});

describe('files of other frameworks are called what they are', () => {
  const zip = (name: string) => {
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    return Buffer.concat([header, Buffer.from(name)]);
  };
  it.each<[string, string, Buffer]>([
    ['HDF5, as Keras', 'model.h5', Buffer.from('\x89HDF\r\n\x1a\n and so on', 'latin1')],
    ['HDF5, as Keras', 'model.weights.pth', Buffer.from('\x89HDF\r\n\x1a\n and so on', 'latin1')],
    ['an archive of Keras', 'model.keras', zip('metadata.json')],
    ['an archive of NumPy', 'weights.npz', zip('w.npy')],
    ['an array of NumPy', 'weights.npy', Buffer.from('\x93NUMPY\x01\x00', 'latin1')],
    ['ONNX', 'sam_decoder.onnx', Buffer.from('\x08\x08\x12\x07pytorch', 'latin1')],
    ['TensorFlow Lite', 'model.tflite', Buffer.from('\x1c\0\0\0TFL3', 'latin1')],
    ['a graph or checkpoint of TensorFlow', 'saved_model.pb', Buffer.from('\x08\x01')],
    ['a graph or checkpoint of TensorFlow', 'variables.data-00000-of-00001', Buffer.from('anything')],
    ['msgpack, as Flax', 'flax_model.msgpack', Buffer.from('\x81')],
    ['GGUF', 'model.gguf', Buffer.from('GGUF')],
  ])('%s: %s', async (said, name, bytes) => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    const { code, message, fix } = await failure(path);
    expect(code).toBe('SAM_BAD_CHECKPOINT');
    expect(message).toMatch(new RegExp(`^${path} is ${said}.*, not weights of PyTorch$`));
    expect(fix).toContain('PyTorch');
  });
});
