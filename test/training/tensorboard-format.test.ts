/** Our bytes beside those of TensorBoard's own writer: scripts/make_tensorboard_fixture.py. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type EventContent, eventRecord, maskedChecksum } from '../../lib/training/tensorboard-format.js';

const golden = JSON.parse(readFileSync(new URL('../fixtures/tensorboard.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;

const encoded = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
const EVENTS: Record<string, [wallTime: number, step: number, content: EventContent]> = {
  version: [1764000000.25, 0, { fileVersion: 'brain.Event:2' }],
  start: [1.5, 301, { sessionStart: true }],
  startAtZero: [1.5, 0, { sessionStart: true }],
  scalars: [2.5, 7, { values: { 'step/loss': 0.1, 'step/learning_rate': 0 } }],
  notFinite: [2.5, 2 ** 40, { values: { größe: Number.POSITIVE_INFINITY } }],
  image: [3, 128, { values: { 'validation/a': { width: 5, height: 300, encoded } } }],
};

test.each(Object.entries(EVENTS))('%s is what TensorBoard writes', (name, [wallTime, step, content]) => {
  expect(eventRecord(wallTime, step, content).toString('hex')).toBe(golden[name]);
});

test('every golden event is compared', () => {
  expect(Object.keys(EVENTS).sort()).toEqual(Object.keys(golden).sort());
});

test('checksums are CRC-32C, rotated and shifted', () => {
  const unmasked = (value: number) => {
    const rotated = (value - 0xa282ead8) >>> 0;
    return ((rotated << 15) | (rotated >>> 17)) >>> 0;
  };
  expect(unmasked(maskedChecksum(Buffer.from('123456789')))).toBe(0xe3069283); // the check value of the CRC catalogue
});
