import { expect, test } from 'vitest';
import { sha256 } from '../../lib/core/hash.js';
import { KeyTable } from '../../lib/embeddings/key-table.js';

test('a table gives each place the key that it got first, however many there are', () => {
  const table = new KeyTable();
  const places = Array.from({ length: 5000 }, (_, index) => `0 images/picture-${index}.png`);
  places.forEach((place, index) => {
    expect(table.find(place)).toBeUndefined();
    expect(table.add(place, sha256(`${index}`))).toBe(index);
  });
  expect(table.add(places[3]!, sha256('another'))).toBe(3);
  expect(table.size).toBe(5000);
  places.forEach((place, index) => {
    expect(table.find(place)).toBe(index);
    expect(table.keyAt(index)).toBe(sha256(`${index}`));
  });
  expect(table.find('1 images/picture-0.png')).toBeUndefined();
});
