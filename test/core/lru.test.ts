import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lru } from '../../lib/core/lru.js';

test('the least recently used goes first; a value asked for counts as used', () => {
  const cache = new Lru<string, number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  expect(cache.get('a')).toBe(1);
  cache.set('c', 3);
  expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2]);
  cache.clear();
  expect([cache.get('a'), cache.size]).toEqual([undefined, 0]);
});

test('the newest stays though it is heavier than the budget, and nothing beside it', () => {
  const cache = new Lru<string, number>(10, (weight) => weight);
  cache.set('a', 4);
  cache.set('b', 50);
  expect([cache.get('a'), cache.get('b')]).toEqual([undefined, 50]);
  cache.set('b', 3);
  cache.set('a', 7);
  expect(cache.size).toBe(2);
});

test('property: what is kept are the values used last, as many as fit', () => {
  const uses = fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 5 }), fc.boolean()), { maxLength: 40 });
  fc.assert(
    fc.property(uses, (list) => {
      const cache = new Lru<number, number>(9, (weight) => weight);
      let newestFirst: [number, number][] = [];
      for (const [key, weight, asked] of list) {
        const known = newestFirst.find(([other]) => other === key);
        newestFirst = newestFirst.filter(([other]) => other !== key);
        if (asked) {
          expect(cache.get(key)).toBe(known?.[1]);
          if (known !== undefined) newestFirst.unshift(known);
          continue;
        }
        cache.set(key, weight);
        newestFirst.unshift([key, weight]);
        const sum = () => newestFirst.reduce((total, [, one]) => total + one, 0);
        while (newestFirst.length > 1 && sum() > 9) newestFirst.pop();
      }
      expect(cache.size).toBe(newestFirst.length);
    }),
  );
});
