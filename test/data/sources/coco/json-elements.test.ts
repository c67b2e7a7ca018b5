import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readElement, scanJson } from '../../../../lib/data/sources/coco/json-elements.js';
import { temporaryFolder, write } from '../../pictures.js';

async function scan(text: string, list = 'images') {
  const path = await write(join(await temporaryFolder(), 'a.json'), text);
  const found: { value: unknown; start: number; end: number }[] = [];
  const lists = await scanJson(path, { [list]: (value, start, end) => void found.push({ value, start, end }) });
  for (const { value, start, end } of found) expect(await readElement(path, start, end)).toEqual(value);
  return { lists, values: found.map(({ value }) => value), path };
}

test('any JSON, spaced or not, with everything in its strings', async () => {
  const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()));
  const document = fc.record({ info: fc.jsonValue(), images: objects, other: objects, last: fc.string() });
  await fc.assert(
    fc.asyncProperty(document, fc.constantFrom(0, 2), async (value, spaces) => {
      const { values } = await scan(JSON.stringify(value, null, spaces));
      expect(values).toEqual(JSON.parse(JSON.stringify(value.images)));
    }),
    { numRuns: 50 },
  );
});

test('elements across the pieces that a file is read in', async () => {
  const images = Array.from({ length: 5 }, (_, index) => ({ index, text: '"é}]\\'.repeat(100_000 + index) }));
  const { lists, values } = await scan(JSON.stringify({ skipped: [{ images: [1] }], images }));
  expect(values).toEqual(images);
  expect(lists).toEqual(['skipped', 'images']);
});

test('a byte order mark, and lists of other things', async () => {
  expect((await scan('\ufeff{"images": [1, "a", [{"b": 1}], {"c": 2}], "x": {"images": [{"d": 3}]}}')).values).toEqual([
    { c: 2 },
  ]);
  expect((await scan('{"constructor": [{"a": 1}], "images": {"a": {"b": 1}}}')).values).toEqual([]);
});

describe('what is no such file', () => {
  test.each([
    ['', 'is cut short'],
    ['{"images": [{"a": 1}', 'is cut short'],
    ['[{"a": 1}]', 'is no JSON object'],
    ['}', 'is no JSON'],
    ['{"images": [{"a": NaN, "b": nan}]}', 'is broken near byte 12'],
  ])('%j %s', async (text, message) => {
    await expect(scan(text)).rejects.toMatchObject({ code: 'SAM_BAD_DATA', message: expect.stringContaining(message) });
  });

  test('a file that has changed since', async () => {
    const { path } = await scan('{"images": [{"a": 1}]}');
    await write(path, '{}');
    await expect(readElement(path, 12, 20)).rejects.toMatchObject({ code: 'SAM_BAD_DATA' });
  });
});
