import { expect, test } from 'vitest';
import { onSpan, type Span, span } from '../../lib/core/spans.js';

test('a span is told under its name, on failure too, and only while somebody listens', async () => {
  const told: Span[] = [];
  const stop = onSpan((one) => told.push(one));
  const before = performance.now();
  expect(await span('good', async () => 7)).toBe(7);
  await expect(span('bad', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  stop();
  await span('unheard', async () => {});
  expect(told.map(({ name }) => name)).toEqual(['good', 'bad']);
  for (const { start, end } of told) {
    expect(start).toBeGreaterThanOrEqual(before);
    expect(end).toBeGreaterThanOrEqual(start);
  }
});
