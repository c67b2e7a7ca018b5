import { expect, test, vi } from 'vitest';
import { Problems } from '../../lib/core/problems.js';

const bad = 'a.png is cut short';
const empty = 'b.png: the mask is empty';

function both(options: ConstructorParameters<typeof Problems>[0]) {
  const problems = new Problems(options);
  problems.add(bad);
  problems.add(empty, { empty: true });
  problems.add(bad);
  const onWarning = vi.fn();
  return { settle: () => problems.settle({ onWarning }), onWarning };
}

test('all are named in one error, each once', () => {
  expect(both({}).settle).toThrow(
    expect.objectContaining({
      code: 'SAM_BAD_DATA',
      message: `${bad}; ${empty}`,
      fix: expect.stringMatching(/`onEmpty` skip for empty masks, `skipBad` for all/),
    }),
  );
});

test('what is empty may be left out by itself, and is not named in the error', () => {
  const { settle, onWarning } = both({ onEmpty: 'skip' });
  expect(settle).toThrow(expect.objectContaining({ message: bad, fix: expect.not.stringContaining('`onEmpty`') }));
  expect(onWarning).not.toHaveBeenCalled();
});

test('what is left out is one warning', () => {
  const { settle, onWarning } = both({ skipBad: true, onEmpty: 'fail' });
  settle();
  expect(onWarning).toHaveBeenCalledExactlyOnceWith(`left out ${bad}; ${empty}`);
});

test('of very many the first 200 are named', () => {
  const problems = new Problems({});
  for (let i = 0; i < 203; i++) problems.add(`picture ${i}`);
  expect(() => problems.settle({})).toThrow(/picture 0; .*picture 199; and 3 more$/);
});

test('what helps is told once, and of nothing that is not there', () => {
  const problems = new Problems({});
  problems.add(empty, { empty: true });
  expect(() => problems.settle({})).toThrow(expect.objectContaining({ fix: expect.stringMatching(/^mend them, or/) }));
  for (const name of ['c', 'd']) problems.add(`${name}: lost`, { empty: true, remedy: 'a lost one: look for it' });
  problems.add('e: dark', { empty: true, remedy: 'a dark one: lamps' });
  expect(() => problems.settle({})).toThrow(
    expect.objectContaining({
      fix: expect.stringMatching(/^mend them \(a lost one: look for it; a dark one: lamps\), or/),
    }),
  );
});

test('nothing wrong says nothing', () => {
  const onWarning = vi.fn();
  new Problems({}).settle({ onWarning });
  expect(onWarning).not.toHaveBeenCalled();
});
