import { describe, expect, it } from 'vitest';
import { resolveAuditOptions } from '../../../lib/tasks/audit/options.js';
import { trainOptionsOf } from '../../../lib/tasks/workbench/options.js';

describe('options of an audit', () => {
  it('are passed on to the training of each fold, its own defaults too', () => {
    const options = resolveAuditOptions({ data: 'photos', batchSize: 2, folds: 3 });
    const run = trainOptionsOf(options, { out: 'somewhere', report: false });
    expect(run).toMatchObject({ data: 'photos', batchSize: 2, epochs: 10, lr: 1e-4, out: 'somewhere', report: false });
    expect(run).not.toHaveProperty('folds');
  });

  it('go before those of a preset', () => {
    const { epochs, lr } = resolveAuditOptions({ data: 'photos', preset: 'article', epochs: 3 });
    expect([epochs, lr]).toEqual([3, 7e-6]);
  });

  it('are checked by name', () => {
    expect(() => resolveAuditOptions({ data: 'photos', folds: 1, draws: 0 })).toThrow(
      '`folds` 1: expected at least 2; `draws` 0: expected at least 1',
    );
    expect(() => resolveAuditOptions({ data: 'photos', validationFraction: 0.2 } as never)).toThrow(
      'unknown option `validationFraction`',
    );
  });
});
