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

test('nothing wrong says nothing', () => {
  const onWarning = vi.fn();
  new Problems({}).settle({ onWarning });
  expect(onWarning).not.toHaveBeenCalled();
});
