import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GroupUnion } from '../../lib/data/groups.js';

test('linked groups become one, through others too, and keep every sample', () => {
  const groups = { groupOf: Uint32Array.of(0, 1, 1, 2, 3, 4), sizes: [1, 2, 1, 1, 1] };
  const union = new GroupUnion(groups);
  union.link(3, 1);
  union.link(3, 4);
  union.link(1, 4);
  expect(union.joined()).toEqual({ groupOf: Uint32Array.of(0, 1, 1, 2, 1, 1), sizes: [1, 4, 1] });
});

test('any links: two samples share a group exactly where links lead from one to the other', () => {
  const pair = fc.tuple(fc.nat(11), fc.nat(11));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 14 }), (links) => {
      const union = new GroupUnion({
        groupOf: Uint32Array.from({ length: 12 }, (_, i) => i),
        sizes: Array(12).fill(1),
      });
      const reach = Array.from({ length: 12 }, (_, i) => new Set([i]));
      for (const [a, b] of links) {
        union.link(a, b);
        const all = new Set([...reach[a]!, ...reach[b]!]);
        for (const one of all) reach[one] = all;
      }
      const { groupOf, sizes } = union.joined();
      for (let a = 0; a < 12; a++) {
        for (let b = 0; b < 12; b++) expect(groupOf[a] === groupOf[b]).toBe(reach[a]!.has(b));
        expect(sizes[groupOf[a]!]).toBe(reach[a]!.size);
      }
    }),
  );
});
