import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomFor, shuffled } from '../../lib/core/random.js';

const take = (count: number, ...key: Parameters<typeof randomFor>) => {
  const random = randomFor(...key);
  return Array.from({ length: count }, () => random.next());
};

test('is sfc32 started from the SHA-256 of the four parts', () => {
  // The generator as its author writes it, on 32-bit integers.
  const state = createHash('sha256').update('42\x003\x00a/b\x001').digest();
  let [a, b, c, counter] = [0, 4, 8, 12].map((at) => BigInt(state.readUInt32LE(at))) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const word = (value: bigint) => value & 0xffffffffn;
  const expected = Array.from({ length: 50 }, () => {
    const sum = word(a + b + counter);
    counter = word(counter + 1n);
    a = word(b ^ (b >> 9n));
    b = word(c + (c << 3n));
    c = word(word((c << 21n) | (c >> 11n)) + sum);
    return Number(sum) / 2 ** 32;
  });
  expect(take(50, 42, 3, 'a/b', 1)).toEqual(expected);
});

test('every part of the key makes another stream, and streams do not depend on one another', () => {
  const streams = [
    take(4, 1, 2, 'x', 3),
    take(4, 2, 2, 'x', 3),
    take(4, 1, 3, 'x', 3),
    take(4, 1, 2, 'y', 3),
    take(4, 1, 2, 'x', 4),
  ];
  expect(new Set(streams.map(String)).size).toBe(streams.length);
  const first = randomFor(1, 2, 'x', 3);
  const other = randomFor(9, 9, 'z', 9);
  const interleaved = Array.from({ length: 4 }, () => {
    other.next();
    return first.next();
  });
  expect(interleaved).toEqual(streams[0]);
});

test('numbers are spread evenly over their ranges', () => {
  const random = randomFor(7, 0, 'spread', 0);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i++) counts[random.integer(10)]!++;
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
  for (let i = 0; i < 1000; i++) {
    const value = random.uniform(-3, 5);
    expect(value >= -3 && value < 5).toBe(true);
  }
});

test('shuffled gives every number once, the same each time, another order each epoch', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.nat(), fc.nat(100), (n, seed, epoch) => {
      const order = shuffled(n, seed, epoch);
      expect(order).toEqual(shuffled(n, seed, epoch));
      expect([...order].sort((x, y) => x - y)).toEqual(Array.from({ length: n }, (_, index) => index));
    }),
  );
  expect(shuffled(50, 1, 1)).not.toEqual(shuffled(50, 1, 2));
  expect(shuffled(50, 1, 1)).not.toEqual(shuffled(50, 2, 1));
});
