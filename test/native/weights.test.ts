/**
 * Files of weights: every format and naming scheme gives the same model, and what is wrong with a file is said by name. The
 * model is SAM's prompt encoder and mask decoder with a tiny ViT, all random, which sam_core_test writes.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../lib/addon/native.js';
import { Call, type Pickled, type RawTensor, readTensors, writePickle, writePth, writeTensors } from './pth.js';

const root = join(import.meta.dirname, '../..');

let folder: string;
let huggingFace: Record<string, RawTensor>;
let meta: Record<string, RawTensor>;
let reference: Float32Array;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sam-weights-'));
  const program = join(root, 'build/Release/sam_core_test');
  execFileSync(program, ['--fixtures', join(root, 'test/fixtures'), '--write-inputs', folder], { stdio: 'ignore' });
  huggingFace = readTensors(join(folder, 'model.safetensors'));
  meta = readTensors(join(folder, 'model-meta.safetensors'));
  reference = await logitsOf(join(folder, 'model.safetensors'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the model makes of one point on an embedding of nothing in particular. */
async function logitsOf(weights: string, decoder?: string): Promise<Float32Array> {
  const addon = native();
  const files = decoder === undefined ? { weights } : { weights, decoder };
  const model = await addon.loadModel({ ...files, normEpsilon: 1e-6, device: 'cpu', precision: 'fp32' });
  const embeddings = addon.embeddingsFrom(Float32Array.from({ length: 256 * 4096 }, (_, i) => Math.sin(i / 7)));
  const prompts = {
    images: 1,
    promptsPerImage: 1,
    pointsPerPrompt: 1,
    points: Float32Array.of(300, 500),
    pointLabels: Int32Array.of(1),
  };
  const { lowResLogits } = await model.decode({ embeddings, prompts, maskOutput: 'multi' });
  for (const held of [embeddings, model]) held.dispose();
  return lowResLogits;
}

const prefixed = (tensors: Record<string, RawTensor>, prefix: string) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));
const without = (tensors: Record<string, RawTensor>, ...names: string[]) =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !names.includes(name)));

function pth(name: string, content: Pickled): string {
  const path = join(folder, name);
  writePth(path, content);
  return path;
}

function safetensors(name: string, tensors: Record<string, RawTensor>): string {
  const path = join(folder, name);
  writeTensors(path, tensors);
  return path;
}

/** Shapes and hashes: vitest takes its time with megabytes. */
const digests = (tensors: Record<string, RawTensor>) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, bytes }]) => [
      name,
      [shape, createHash('sha256').update(bytes).digest('hex')],
    ]),
  );

const inspect = (path: string) => native().inspectWeights({ path });
const refused = (path: string, ...said: string[]) =>
  expect(inspect(path)).rejects.toMatchObject({
    code: 'SAM_BAD_CHECKPOINT',
    message: expect.stringMatching(new RegExp([path, ...said].map((text) => `(?=[^]*${text})`).join(''))),
  });

describe('the same model', () => {
  const POSITIONS = 'prompt_encoder.shared_embedding.positional_embedding';
  const files: [what: string, make: () => string, names: 'hugging-face' | 'meta'][] = [
    ["safetensors, Hugging Face's names", () => join(folder, 'model.safetensors'), 'hugging-face'],
    ["safetensors, Meta's names", () => join(folder, 'model-meta.safetensors'), 'meta'],
    ['a .pth as Meta publishes', () => pth('meta.pth', meta), 'meta'],
    [
      'the positional matrix under its other name',
      () =>
        safetensors('other-name.safetensors', {
          ...without(huggingFace, POSITIONS),
          'shared_image_embedding.positional_embedding': huggingFace[POSITIONS]!,
        }),
      'hugging-face',
    ],
    [
      'the positional matrix twice',
      () =>
        safetensors('twice.safetensors', {
          ...huggingFace,
          'shared_image_embedding.positional_embedding': huggingFace[POSITIONS]!,
        }),
      'hugging-face',
    ],
    [
      'MedSAM: model, under DistributedDataParallel',
      () => pth('medsam.pth', { model: prefixed(meta, 'module.'), epoch: 3 }),
      'meta',
    ],
    [
      "Lightning's state_dict",
      () => pth('lightning.ckpt', { state_dict: prefixed(meta, 'model.sam.'), epoch: 3 }),
      'meta',
    ],
    [
      "the article's model_state_dict",
      () => pth('article.pth', { epoch: 3, model_state_dict: huggingFace }),
      'hugging-face',
    ],
    [
      'with a tensor, a set and a number of NumPy beside the state dict',
      () =>
        pth('losses.pth', {
          best_loss: meta['mask_decoder.iou_token.weight']!,
          prompts: new Call('builtins', 'set', ''),
          loss: new Call('numpy._core.multiarray', 'scalar', ''),
          model_state_dict: huggingFace,
        }),
      'hugging-face',
    ],
    [
      'with tensors beside it that are no part of SAM',
      () => pth('beside.pth', { ...prefixed(meta, 'sam.'), 'loss.weight': meta['mask_decoder.iou_token.weight']! }),
      'meta',
    ],
    [
      "micro-sam's model_state, beside a decoder of its own",
      () =>
        pth('micro-sam.pt', {
          model_state: prefixed(meta, 'sam.'),
          decoder_state: { 'decoder.blocks.0.weight': meta['mask_decoder.iou_token.weight']! },
          epoch: 3,
        }),
      'meta',
    ],
    ['shards', () => sharded('shards'), 'hugging-face'],
  ];

  it('refuses an adapter beside the image encoder: without it that is another one', async () => {
    const lora = meta['mask_decoder.iou_token.weight']!;
    const onViT = pth('vit.pth', { ...meta, 'image_encoder.blocks.0.attn.qkv.lora_a_q.weight': lora });
    const promptSide = Object.fromEntries(Object.entries(meta).filter(([name]) => !name.startsWith('image_encoder.')));
    const onOther = pth('other.pth', { ...promptSide, 'image_encoder.layers.1.attn.lora_B': lora });
    await expect(inspect(onViT)).rejects.toThrow(/vit\.pth holds an adapter beside its image encoder \(.*lora_a_q/);
    await expect(inspect(onOther)).rejects.toThrow(/other\.pth holds an adapter beside its image encoder \(.*lora_B\)/);
  });

  it.each(files)('%s', async (_what, make, names) => {
    const path = make();
    expect(await inspect(path)).toEqual({
      names,
      promptEncoder: true,
      maskDecoder: true,
      encoder: 'a ViT of 32 channels and 3 blocks',
      buildable: true,
    });
    expect(await logitsOf(path)).toEqual(reference);
  });

  it('a mask decoder alone, over the prompt encoder of another file', async () => {
    const decoder = Object.fromEntries(Object.entries(meta).filter(([name]) => name.startsWith('mask_decoder.')));
    const path = pth('decoder.pth', decoder);
    expect(await inspect(path)).toMatchObject({ promptEncoder: false, maskDecoder: true, encoder: null });
    expect(await logitsOf(join(folder, 'model.safetensors'), path)).toEqual(reference);
  });
});

/** Two shards with their index, as save_pretrained makes them. */
function sharded(name: string, change: (map: Record<string, string>) => void = () => {}): string {
  const at = join(folder, name);
  mkdirSync(at, { recursive: true });
  const names = Object.keys(huggingFace);
  const map: Record<string, string> = {};
  for (const [index, part] of [names.slice(0, 100), names.slice(100)].entries()) {
    const file = `model-0000${index + 1}-of-00002.safetensors`;
    writeTensors(join(at, file), Object.fromEntries(part.map((tensor) => [tensor, huggingFace[tensor]!])));
    for (const tensor of part) map[tensor] = file;
  }
  change(map);
  const index = join(at, 'model.safetensors.index.json');
  writeFileSync(index, JSON.stringify({ metadata: {}, weight_map: map }));
  return index;
}

describe('is refused, by name', () => {
  const zeros = (...shape: number[]): RawTensor => ({
    shape,
    bytes: Buffer.alloc(4 * shape.reduce((product, side) => product * side, 1)),
  });

  it('a missing tensor, one of another shape, one that is not known: all in one line', async () => {
    const path = safetensors('wrong.safetensors', {
      ...without(huggingFace, 'mask_decoder.iou_token.weight'),
      'mask_decoder.mask_tokens.weight': zeros(5, 256),
      'mask_decoder.hf_token.weight': zeros(1, 256),
    });
    await refused(
      path,
      'lacks mask_decoder.iou_token.weight',
      'mask_tokens.weight is 5 x 256 instead of 4 x 256',
      'not known: mask_decoder.hf_token.weight',
    );
  });

  it('an encoder that lacks a tensor, with what it looks like', async () => {
    const path = safetensors('encoder.safetensors', without(meta, 'image_encoder.blocks.1.attn.rel_pos_w'));
    await refused(path, 'vision_encoder.layers.1.attn.rel_pos_w', 'looks like a ViT of 32 channels and 3 blocks');
  });

  it('names of both schemes', async () => {
    const path = safetensors('mixed.safetensors', { ...huggingFace, 'image_encoder.pos_embed': zeros(1) });
    await refused(path, 'mixes Hugging Face', 'image_encoder.pos_embed');
  });

  it('two models in one file', async () => {
    const path = pth('two.pth', { ...prefixed(meta, 'teacher.'), ...prefixed(meta, 'student.') });
    await refused(path, 'more than one model', 'teacher.', 'student.');
  });

  it('two positional matrices that differ', async () => {
    const path = safetensors('differ.safetensors', {
      ...huggingFace,
      'shared_image_embedding.positional_embedding': zeros(2, 128),
    });
    await expect(logitsOf(path)).rejects.toMatchObject({ message: expect.stringContaining('matrices that differ') });
  });

  it('something else than SAM', async () => {
    await refused(
      safetensors('bert.safetensors', { 'bert.pooler.weight': zeros(2) }),
      'nothing of SAM',
      'bert.pooler.weight',
    );
  });

  it.each([
    ['as a value', (call: Call): Pickled => ({ ...meta, extra: call })],
    ['in place of the state dict', (call: Call): Pickled => call],
  ])('a malicious pickle, %s: nothing of it runs', async (_where, make) => {
    const trace = join(folder, 'was-here');
    const path = pth('malicious.pth', make(new Call('os', 'system', `touch ${trace}`)));
    await refused(path, 'os.system', 'nothing of it was run');
    expect(existsSync(trace)).toBe(false);
  });

  it('a pickle of tuples in tuples, three million deep', async () => {
    const path = join(folder, 'deep.pth');
    writePickle(path, Buffer.concat([Buffer.from('\x80\x02)', 'latin1'), Buffer.alloc(3e6, 0x85), Buffer.from('.')]));
    await refused(path, 'holds no weights');
  });

  it('what is no file of weights at all', async () => {
    const path = join(folder, 'notes.pth');
    writeFileSync(path, 'Some notes, and nothing of a model.');
    await refused(path, 'neither safetensors nor what torch.save');
  });

  it('a file cut short', async () => {
    const path = pth('cut.pth', meta);
    writeFileSync(path, readFileSync(path).subarray(0, 1_000_000));
    await refused(path, 'cut short');
  });

  it('a pickle from before PyTorch 1.6', async () => {
    const path = join(folder, 'old.pth');
    writeFileSync(path, Buffer.from('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1'));
    await refused(path, 'before 1.6');
  });

  it('TorchScript', async () => {
    const output = join(folder, 'script.pt');
    await native().exportModel({ format: 'torchscript', weights: join(folder, 'model.safetensors'), output });
    await refused(output, 'is TorchScript', '`encoder`');
  });

  it('shards: one missing, one that lacks its tensor, one elsewhere', async () => {
    const first = sharded('shard-missing');
    rmSync(join(folder, 'shard-missing', 'model-00002-of-00002.safetensors'));
    await refused(first, 'names model-00002-of-00002.safetensors, which is not beside it');
    const second = sharded('shard-lacks', (map) => {
      map['mask_decoder.nothing'] = 'model-00001-of-00002.safetensors';
    });
    await refused(second, 'mask_decoder.nothing is not in');
    const third = sharded('shard-elsewhere', (map) => {
      map['mask_decoder.nothing'] = '../shards/model-00001-of-00002.safetensors';
    });
    await refused(third, 'not the name of a file beside it');
  });
});

describe('the image encoder', () => {
  async function embeddingOf(path: string): Promise<Float32Array> {
    const encoder = await native().loadEncoder({ path, device: 'cpu', precision: 'fp32' });
    const pixels = Uint8Array.from({ length: 300 * 200 * 3 }, (_, i) => (i * 7919) % 251);
    const encoding = await encoder.begin({ pixels, width: 300, height: 200 });
    while (!(await encoding.advance()));
    const embeddings = encoding.embeddings();
    const values = embeddings.toFloat32Array();
    for (const held of [embeddings, encoding, encoder]) held.dispose();
    return values;
  }

  it('is the same built from weights in either naming, and agrees with what is exported as TorchScript', async () => {
    const output = join(folder, 'exported.pt');
    await native().exportModel({ format: 'torchscript', weights: join(folder, 'model-meta.safetensors'), output });
    const built = await embeddingOf(join(folder, 'model.safetensors'));
    const distance = async (path: string) =>
      (await embeddingOf(path)).reduce((most, value, at) => Math.max(most, Math.abs(value - built[at]!)), 0);
    expect(await distance(join(folder, 'model-meta.safetensors'))).toBe(0);
    // In LibTorch's operators alone: sums come in another order.
    expect(await distance(output)).toBeLessThan(1e-4);
  });

  it('that makes NaN of a picture is refused, and nothing of it is kept as an embedding', async () => {
    const weight = 'image_encoder.neck.2.weight';
    const huge = Buffer.from(new Float32Array(meta[weight]!.bytes.length / 4).fill(3e38).buffer);
    const path = safetensors('huge.safetensors', { ...meta, [weight]: { shape: meta[weight]!.shape, bytes: huge } });
    await expect(embeddingOf(path)).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringMatching(/NaN or infinity.*`precision` fp32/),
    });
  });

  it('says what is wrong with weights that are damaged or malicious', async () => {
    const load = (path: string) => native().loadEncoder({ path, device: 'cpu', precision: 'fp32' });
    const path = join(folder, 'cut-encoder.safetensors');
    writeFileSync(path, readFileSync(join(folder, 'model.safetensors')).subarray(0, 1_000_000));
    await expect(load(path)).rejects.toThrow('cut short');
    const malicious = pth('malicious-encoder.pth', { ...meta, extra: new Call('os', 'system', 'true') });
    await expect(load(malicious)).rejects.toThrow('os.system');
  });

  it('is not to be had from weights without one', async () => {
    const decoder = Object.fromEntries(Object.entries(meta).filter(([name]) => !name.startsWith('image_encoder.')));
    const path = pth('no-encoder.pth', decoder);
    await expect(native().loadEncoder({ path, device: 'cpu', precision: 'fp32' })).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringContaining('no image encoder'),
    });
  });
});

describe('NaN and infinity are refused by the name of their file and tensor', () => {
  const numbers = (...values: number[]) => Float32Array.from(values);
  /** The tensors with some first numbers of one of them changed. */
  function spoilt(tensors: Record<string, RawTensor>, name: string, values: Float32Array) {
    const bytes = Buffer.concat([Buffer.from(values.buffer), tensors[name]!.bytes.subarray(values.byteLength)]);
    return { ...tensors, [name]: { shape: tensors[name]!.shape, bytes } };
  }
  const named = (path: string, said: string) =>
    expect.objectContaining({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringMatching(new RegExp(`^${path} holds NaN or infinity: ${said}; get the weights again`)),
    });
  const load = (path: string) => native().loadEncoder({ path, device: 'cpu', precision: 'fp32' });

  it('in the decoder: safetensors, .pth, a shard, a decoder alone', async () => {
    const [own, theirs] = ['mask_decoder.iou_token.weight', 'mask_decoder.mask_tokens.weight'];
    const path = safetensors('nan-decoder.safetensors', spoilt(huggingFace, own, numbers(Number.NaN)));
    await expect(logitsOf(path)).rejects.toEqual(named(path, `1 of 256 numbers of its tensor ${own}`));
    const wrapped = { model: prefixed(spoilt(meta, theirs, numbers(1, -Infinity, Number.NaN)), 'module.') };
    const pickled = pth('nan-decoder.pth', wrapped);
    const said = `2 of 1024 numbers of its tensor module.${theirs}`;
    await expect(logitsOf(pickled)).rejects.toEqual(named(pickled, said));
    const index = sharded('nan-shards');
    const shard = join(folder, 'nan-shards', 'model-00001-of-00002.safetensors');
    const tensors = readTensors(shard);
    const first = Object.keys(tensors).find((name) => name.startsWith('mask_decoder.'))!;
    writeTensors(shard, spoilt(tensors, first, numbers(Infinity)));
    await expect(logitsOf(index)).rejects.toEqual(named(index, `1 of .* ${first}`));
    const alone = without(
      spoilt(huggingFace, own, numbers(Number.NaN)),
      ...Object.keys(huggingFace).filter((name) => !name.startsWith('mask_decoder.')),
    );
    const decoder = safetensors('nan-alone.safetensors', alone);
    await expect(logitsOf(join(folder, 'model.safetensors'), decoder)).rejects.toEqual(
      named(decoder, `1 of 256 .* ${own}`),
    );
  });

  it('in the encoder: a ViT, and TorchScript', async () => {
    const bias = 'image_encoder.neck.3.bias';
    const path = safetensors('nan-vit.safetensors', spoilt(meta, bias, numbers(Number.NaN, Number.NaN)));
    await expect(load(path)).rejects.toEqual(named(path, `2 of 256 numbers of its tensor ${bias}`));
    await expect(
      native().exportModel({ format: 'torchscript', weights: path, output: join(folder, 'nan.pt') }),
    ).rejects.toEqual(named(path, '2 of .*'));
    const script = join(folder, 'finite.pt');
    await native().exportModel({ format: 'torchscript', weights: join(folder, 'model.safetensors'), output: script });
    const file = readFileSync(script);
    const wanted = meta['image_encoder.pos_embed']!.bytes;
    const at = file.indexOf(wanted.subarray(0, 64));
    expect(at).toBeGreaterThan(0);
    Buffer.from(numbers(Number.NaN).buffer).copy(file, at);
    const broken = join(folder, 'nan-script.pt');
    writeFileSync(broken, file);
    await expect(load(broken)).rejects.toEqual(named(broken, '1 of .*pos.*'));
  });

  it('made by the decoder of finite weights: no empty mask', async () => {
    const name = 'mask_decoder.output_hypernetworks_mlps.1.proj_out.weight';
    const huge = new Float32Array(32 * 256).fill(3e38);
    const path = safetensors('huge-decoder.safetensors', spoilt(huggingFace, name, huge));
    await expect(logitsOf(path)).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringMatching(/mask decoder makes NaN or infinity of a prompt.*`precision` fp32/),
    });
  });
});

describe('export for transformers', () => {
  it("has Hugging Face's names, the tuned decoder, and everything else bit for bit", async () => {
    const tuned = Object.fromEntries(
      Object.entries(huggingFace)
        .filter(([name]) => name.startsWith('mask_decoder.'))
        .map(([name, { shape, bytes }]) => [name, { shape, bytes: Buffer.from(bytes.map((byte) => byte & 0xfe)) }]),
    );
    const decoder = safetensors('tuned.safetensors', tuned);
    const output = join(folder, 'exported.safetensors');
    await native().exportModel({ format: 'hf', weights: pth('export.pth', meta), decoder, output });
    const exported = readTensors(output);
    const positions = huggingFace['prompt_encoder.shared_embedding.positional_embedding']!;
    const expected = { ...huggingFace, ...tuned, 'shared_image_embedding.positional_embedding': positions };
    expect(digests(exported)).toEqual(digests(expected));
  });

  it('is refused without a ViT, and nothing is written', async () => {
    const weights = join(folder, 'weights.safetensors');
    const output = join(folder, 'never.safetensors');
    await expect(native().exportModel({ format: 'hf', weights, output })).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
    });
    expect(existsSync(output)).toBe(false);
  });
});
