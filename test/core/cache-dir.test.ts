import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultCacheDir } from '../../lib/core/cache-dir.js';

test('SAM_NATIVE_CACHE, then XDG_CACHE_HOME, then the home folder', () => {
  expect(defaultCacheDir({ SAM_NATIVE_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(defaultCacheDir({ XDG_CACHE_HOME: '/b' })).toBe('/b/sam-native');
  expect(defaultCacheDir({ SAM_NATIVE_CACHE: '', XDG_CACHE_HOME: '' })).toBe(join(homedir(), '.cache', 'sam-native'));
});
