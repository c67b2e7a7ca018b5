import { describe, expect, it } from 'vitest';
import { formatBytes, formatGib, parseBytes } from '../../lib/core/bytes.js';

describe('sizes', () => {
  it.each([
    ['1000', 1000],
    ['20GB', 20e9],
    ['1.5 gb', 1.5e9],
    ['2GiB', 2 ** 31],
    ['3k', 3000],
    ['0', 0],
    ['7B', 7],
  ])('%s', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  it('anything else is refused', () => expect(() => parseBytes('much')).toThrow('not a size: much'));

  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [2_100_000, '2.1 MB'],
    [5e13, '50.0 TB'],
  ])('%d is written %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('memory is written in GiB', () => expect(formatGib(1.5 * 2 ** 30)).toBe('1.5 GiB'));
});
