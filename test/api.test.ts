/** The package as those who install it import it: by its name. */
import { expect, test } from 'vitest';
import { compile } from './cli/run-cli.js';

test('what sam-native and sam-native/rough export', async () => {
  compile();
  // By a variable: the compiler would take the types of a build that may not be there yet.
  const [root, rough] = ['sam-native', 'sam-native/rough'];
  expect(Object.keys((await import(root)) as object).sort()).toEqual([
    'ImageEmbedding',
    'SamError',
    'SamModel',
    'applyDecisions',
    'audit',
    'bench',
    'comparePrompts',
    'defaultCacheDir',
    'embedImages',
    'evaluate',
    'exportModel',
    'fitRoughMask',
    'openBands',
    'openData',
    'openImages',
    'openSplit',
    'predictImages',
    'previewPrompts',
    'readBands',
    'resolveDevice',
    'searchSettings',
    'splitData',
    'train',
  ]);
  expect(Object.keys((await import(rough)) as object).sort()).toEqual([
    'INDEX_BANDS',
    'RoughMasks',
    'aboveThreshold',
    'chebyshevDistance',
    'cleanMask',
    'dropSmall',
    'erode',
    'fillHoles',
    'hsvMask',
    'keepLargest',
    'normalisedDifference',
    'otsuThreshold',
    'rgbToHsv',
  ]);
});
