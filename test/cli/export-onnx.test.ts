/**
 * `export --to onnx` as a user runs it; and, where Python has them (`PYTHON` names another one), what onnx's checker and shape inference
 * say of the files.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { native } from '../../lib/addon/native.js';
import { resolveModel } from '../../lib/models/resolve.js';
import type { ExportResult } from '../../lib/tasks/export/export.js';
import { compile, runCli } from './run-cli.js';

const python = process.env.PYTHON ?? 'python3';
const hasOnnx = spawnSync(python, ['-c', 'import onnx']).status === 0;
const check = fileURLToPath(new URL('../../scripts/check_onnx.py', import.meta.url));

let dir: string;
const at = (name: string) => join(dir, name);

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-onnx-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const exported = (out: string, ...more: string[]) =>
  runCli(['export', 'mobile-sam', '--to', 'onnx', '--out', at(out), '--json', ...more]);

/** Whether onnx's checker takes the files, where there is one. */
function expectClean(files: readonly string[]): void {
  if (hasOnnx) execFileSync(python, [check, ...files.filter((file) => file.endsWith('.onnx'))], { stdio: 'pipe' });
}

describe('the layout of Meta', () => {
  test('encoder and decoder are the model, in fp32 and in int8, and X-AnyLabeling is told of them', async () => {
    const outcome = await exported('meta', '--variants', 'int8', '--pictures', '2');
    expect(outcome.stderr).not.toContain('error');
    expect(outcome.code).toBe(0);
    const { verified, variants, files } = outcome.json<ExportResult>();
    expect(verified).toMatchObject({ pictures: 2 }); // of one picture alone the masks in int8 may have an IoU below 0.99
    expect(verified!.meanIou).toBeGreaterThanOrEqual(0.999);
    expect(verified!.maxLogitDifference).toBeLessThan(1e-3);
    expect(variants.int8!.verified!.meanIou).toBeGreaterThanOrEqual(0.99);
    expect(variants.int8!.verified!.maxLogitDifference).toBeGreaterThan(1e-3);
    const names = ['encoder.onnx', 'decoder.onnx', 'encoder_int8.onnx', 'decoder_int8.onnx'];
    expect(files).toEqual(
      [...names, 'x-anylabeling-decoder.onnx', 'x-anylabeling.yaml'].map((name) => at(`meta/${name}`)),
    );
    expect(await readdir(at('meta'))).toHaveLength(files.length + 1);
    const record = JSON.parse(await readFile(at('meta/export.json'), 'utf8'));
    expect(record).toMatchObject({ format: 'onnx', layout: 'meta', verified, variants });
    expect(parse(await readFile(at('meta/x-anylabeling.yaml'), 'utf8'))).toMatchObject({
      type: 'segment_anything',
      name: 'sam-native-mobile-sam',
      encoder_model_path: 'encoder.onnx',
      decoder_model_path: 'x-anylabeling-decoder.onnx',
    });
    expectClean(files);
  }, 600_000);

  test('with the encoder of another program there is the decoder alone', async () => {
    const script = at('encoder.pt');
    const { weights } = await resolveModel('mobile-sam', {});
    await native().exportModel({ format: 'torchscript', weights, output: script });
    const refused = await exported('other', '--encoder', script);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/is TorchScript .*--part decoder/) });
    expect(existsSync(at('other'))).toBe(false);
    const { code, json } = await exported('other', '--encoder', script, '--part', 'decoder', '--pictures', '0');
    expect(code).toBe(0);
    const { files, verified, verification } = json<ExportResult>();
    expect(files).toEqual([at('other/decoder.onnx')]);
    expect({ verified, verification }).toEqual({ verified: null, verification: 'not verified: `pictures` is 0' });
  }, 300_000);
});

describe('the layout of transformers.js', () => {
  test('has its names, in fp16 too, and the files by which it knows the model', async () => {
    const outcome = await exported('tjs', '--layout', 'transformers.js', '--variants', 'fp16', '--pictures', '1');
    expect(outcome.code).toBe(0);
    const { verified, variants, files } = outcome.json<ExportResult>();
    expect(verified!.meanIou).toBeGreaterThanOrEqual(0.999);
    expect(variants.fp16!.verified!.meanIou).toBeGreaterThanOrEqual(0.99);
    expect((await readdir(at('tjs/onnx'))).sort()).toEqual([
      'prompt_encoder_mask_decoder.onnx',
      'prompt_encoder_mask_decoder_fp16.onnx',
      'vision_encoder.onnx',
      'vision_encoder_fp16.onnx',
    ]);
    expect(JSON.parse(await readFile(at('tjs/config.json'), 'utf8'))).toMatchObject({ model_type: 'sam' });
    expect(JSON.parse(await readFile(at('tjs/preprocessor_config.json'), 'utf8'))).toMatchObject({
      image_processor_type: 'SamImageProcessor',
    });
    expectClean(files);
  }, 600_000);
});

test('layouts and variants are of onnx alone', async () => {
  const layout = await runCli(['export', 'mobile-sam', '--to', 'meta', '--layout', 'meta', '--out', at('no')]);
  expect(layout).toMatchObject({ code: 2, stderr: expect.stringContaining('--layout is of --to onnx') });
  const variants = await exported('no', '--variants', 'int4');
  expect(variants).toMatchObject({ code: 2, stderr: expect.stringContaining('expected some of fp16,int8') });
});

test('why nothing was verified is said once, however many variants there are', async () => {
  const where = ['--out', at('unverified'), '--part', 'decoder'];
  const outcome = await runCli([
    'export',
    'mobile-sam',
    '--to',
    'onnx',
    ...where,
    '--variants',
    'int8,fp16',
    '--pictures',
    '0',
  ]);
  expect(outcome).toMatchObject({ code: 0 });
  expect(outcome.stdout.match(/not verified/g)).toHaveLength(1);
}, 300_000);
