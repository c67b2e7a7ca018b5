/** `--encoder FILE.pt`: TorchScript as Python writes it (scripts/make_encoder_fixtures.py), with all that it may hold. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Encoding, native, type Precision } from '../../lib/addon/native.js';
import { prepareAddon } from './support.js';

const SIDE = 1024;
const COLOUR = [200, 120, 40] as const;
/** ImageNet's mean and deviation, as SAM normalises. */
const MEAN = [123.675, 116.28, 103.53] as const;
const DEVIATION = [58.395, 57.12, 57.375] as const;

const fixture = (name: string) => join(import.meta.dirname, '../fixtures/encoders', `${name}.pt`);

/** Begins a picture of one colour. */
async function begin(name: string, precision: Precision = 'fp32'): Promise<Encoding> {
  const encoder = await native().loadEncoder({ path: fixture(name), device: 'cpu', precision });
  const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => COLOUR[i % 3]!);
  const encoding = await encoder.begin({ pixels, width: SIDE, height: SIDE });
  encoder.dispose();
  return encoding;
}

beforeAll(() => prepareAddon());

describe('an encoder that Python made', () => {
  const expected = Float32Array.from({ length: 256 }, (_, channel) => {
    const colour = channel % 3;
    return ((COLOUR[colour]! - MEAN[colour]!) / DEVIATION[colour]!) * (1 + channel / 256) + 2;
  });

  it.each([
    ['scripted', 'an index buffer, and tensors that are plain attributes, in a list and under two names'],
    ['traced', 'constants in the graph of a function that a branch calls'],
    ['traced-on-gpu', 'a device written down in the graph'],
    ['frozen', 'nothing but constants'],
    ['mixed', 'a type written down in the graph'],
  ])('%s: %s', async (name) => {
    for (const [precision, tolerance] of [
      ['fp32', 1e-5],
      ['bf16', 0.05],
    ] as const) {
      using encoding = await begin(name, precision);
      expect(await encoding.advance()).toBe(true);
      using embeddings = encoding.embeddings();
      const values = embeddings.toFloat32Array();
      const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i >> 12]!)), 0);
      expect(worst).toBeLessThan(tolerance);
    }
  });
});

describe('an encoding that failed', () => {
  it('says so, and hands out nothing', async () => {
    using encoding = await begin('nan');
    await expect(encoding.advance()).rejects.toMatchObject({
      message: expect.stringContaining('makes NaN or infinity'),
    });
    const failed = { code: 'SAM_BAD_ARGUMENT', message: 'this encoding failed: begin the image again' };
    await expect(encoding.advance()).rejects.toMatchObject(failed);
    expect(() => encoding.embeddings()).toThrow(expect.objectContaining(failed));
  });

  it('may be asked again for what is ready', async () => {
    using encoding = await begin('scripted');
    expect(() => encoding.embeddings()).toThrow('is not finished');
    expect(await encoding.advance()).toBe(true);
    expect(await encoding.advance()).toBe(true);
    encoding.embeddings().dispose();
  });
});
