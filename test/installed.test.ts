/** The packed tarball in a folder of a user's: where it leads, what linters of packages say, and programs that use it. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findAddon } from '../lib/addon/native.js';
import { compile } from './cli/run-cli.js';

const run = promisify(execFile);

let folder: string;
let tarball: string;
let installed: string;

beforeAll(async () => {
  compile();
  folder = await mkdtemp(join(tmpdir(), 'sam-native-packed-'));
  installed = join(folder, 'node_modules', 'sam-native');
  await mkdir(installed, { recursive: true });
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]);
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  tarball = join(folder, filename);
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  await symlink(resolve('node_modules'), join(installed, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const picture = sharp({ create: { width: 64, height: 48, channels: 3, background: '#3a7' } });
  await picture.png().toFile(join(folder, 'river.png'));
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

describe('where it leads', () => {
  test('package.json says where the package lives, once, and what it is', async () => {
    const { homepage, repository, bugs, main, types, exports, keywords } = JSON.parse(
      await readFile(join(installed, 'package.json'), 'utf8'),
    );
    const home = repository.url.replace(/^git\+|\.git$/g, '');
    expect(home).toMatch(/^https:\/\/\S+\/sam-native$/);
    expect([homepage, bugs.url]).toEqual([`${home}#readme`, `${home}/issues`]);
    expect([main, types]).toEqual([exports['.'].default, exports['.'].types]);
    expect(keywords.length).toBeGreaterThan(5);
  });

  test('relative links of README, CHANGELOG and docs lead to files of the package', async () => {
    const pages = [
      'README.md',
      'CHANGELOG.md',
      ...(await readdir(join(installed, 'docs'))).map((name) => `docs/${name}`),
    ];
    let count = 0;
    const dead: string[] = [];
    for (const page of pages.filter((name) => name.endsWith('.md'))) {
      const text = (await readFile(join(installed, page), 'utf8')).replace(/^(`{3,})[\s\S]*?^\1|`[^`\n]*`/gm, '');
      for (const [, link] of text.matchAll(/\]\((?![a-z]+:|#)([^)\s#]+)[^)]*\)/g)) {
        count++;
        if (!(await isThere(join(installed, dirname(page), link!)))) dead.push(`${page}: ${link}`);
      }
    }
    expect(dead).toEqual([]);
    expect(count).toBeGreaterThan(30);
  });

  test('every entry point is there, with its types', async () => {
    const { exports, bin } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
    const files = [...Object.values(bin), ...Object.values(exports).flatMap((entry) => Object.values(Object(entry)))];
    for (const file of files.filter((name) => String(name).length > 1)) {
      expect([file, await isThere(join(installed, String(file)))]).toEqual([file, true]);
    }
  });
});

describe('linters of packages', () => {
  const tool = (name: string) => resolve('node_modules', '.bin', name);

  test('publint has nothing to say', async () => {
    const { stdout } = await run(tool('publint'), ['run', tarball, '--strict']);
    expect(stdout).toContain('All good!');
  });

  test('the types resolve to what runs: from modules, bundlers and CommonJS', async () => {
    // A CommonJS program requires modules: every Node.js that is supported can. What has no `exports` (node10) is older than these.
    const how = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm', '--format', 'json'];
    const said = await run(tool('attw'), [tarball, ...how], { maxBuffer: 2 ** 28 });
    const { analysis } = JSON.parse(said.stdout) as {
      analysis: { entrypoints: object; problems: { kind: string; entrypoint?: string; resolutionKind?: string }[] };
    };
    expect(Object.keys(analysis.entrypoints).sort()).toEqual([
      '.',
      './binding',
      './config.schema.json',
      './package.json',
      './rough',
    ]);
    const wrong = analysis.problems.filter(
      ({ kind, resolutionKind }) => kind !== 'CJSResolvesToESM' && resolutionKind !== 'node10',
    );
    expect(wrong).toEqual([]);
  });
});

/** Program of a user's, which uses what the docs say that each entry point has; `IMPORTS` are its own. */
const PROGRAM = `
const runtime: RuntimeInfo = info({ probeCuda: true });
const addon: NativeBinding = native();
const options: TrainOptions & { hooks?: Hooks; held?: Embeddings } = { data: 'photos' };

async function work(): Promise<void> {
  using model: SamModel = await SamModel.load('mobile-sam', { cacheDir: 'cache', device: 'cpu', signal: new AbortController().signal });
  using embedding: ImageEmbedding = await model.embed('river.png');
  const found: Prediction = await embedding.predict({ points: [[20, 20]], labels: [1] });
  const three: Prediction[] = await embedding.predict({ box: [4, 4, 40, 40] }, { multimask: true });
  const many: Prediction[] = await embedding.predict([{ points: [[20, 20]] }, { points: [[30, 30]] }]);
  const all: Prediction[][] = await embedding.predict([{ points: [[20, 20]] }], { multimask: true });
  const { mask, width, height, score }: { mask: Uint8Array; width: number; height: number; score: number } = found;
  await writeFile(process.argv[2]!, await found.png());
  const outlines: Outline[] = found.polygons({ simplify: 1 });
  const { counts }: CocoRle = found.rle();
  const torch = [runtime.torch, addon.info().torch, rootInfo().torch];
  const kinds = [typeof SamModel.load, SamError.name, typeof RoughMasks, options.data];
  const masks = [mask.length, width * height, score <= 1, three.length, many.length, all[0]!.length];
  console.log(JSON.stringify([...torch, ...kinds, ...masks, Array.isArray(outlines), counts.length > 0]));
}
void work();
`;

const MODULE = `
import { writeFile } from 'node:fs/promises';
import {
  type CocoRle, type Hooks, type ImageEmbedding, type Outline, type Prediction, type TrainOptions, SamError, SamModel, info as rootInfo,
} from 'sam-native';
import { type Embeddings, type NativeBinding, type RuntimeInfo, info, native } from 'sam-native/binding';
import { RoughMasks } from 'sam-native/rough';
${PROGRAM}`;

const COMMONJS = `
import { writeFile } from 'node:fs/promises';
import sam = require('sam-native');
import binding = require('sam-native/binding');
import rough = require('sam-native/rough');
const { SamError, SamModel, info: rootInfo } = sam;
type SamModel = sam.SamModel;
type ImageEmbedding = sam.ImageEmbedding;
type Prediction = sam.Prediction;
type Outline = sam.Outline;
type CocoRle = sam.CocoRle;
type Hooks = sam.Hooks;
type TrainOptions = sam.TrainOptions;
const { info, native } = binding;
type Embeddings = binding.Embeddings;
type NativeBinding = binding.NativeBinding;
type RuntimeInfo = binding.RuntimeInfo;
const { RoughMasks } = rough;
${PROGRAM}`;

const PLAIN = `
const { writeFileSync } = require('node:fs');
const { SamModel } = require('sam-native');
(async () => {
  const model = await SamModel.load('mobile-sam', { cacheDir: 'cache', device: 'cpu' });
  const embedding = await model.embed('river.png');
  const found = await embedding.predict({ points: [[20, 20]] });
  writeFileSync(process.argv[2], await found.png());
  embedding.dispose();
  model.dispose();
})();
`;

describe('programs', () => {
  /** What a program of the folder prints; and the picture that it writes. */
  async function outcome(name: string): Promise<{ stdout: string; size: (number | undefined)[] }> {
    const env = { ...process.env, SAM_NATIVE_ADDON: findAddon() };
    const { stdout } = await run(process.execPath, [name, `${name}.png`], { cwd: folder, env });
    const { width, height } = await sharp(join(folder, `${name}.png`)).metadata();
    return { stdout, size: [width, height] };
  }

  test.each([
    ['program.mts', 'program.mjs', MODULE],
    ['program.cts', 'program.cjs', COMMONJS],
  ])(
    '%s compiles as strictly as can be, and runs',
    async (source, compiled, text) => {
      await writeFile(join(folder, source), text);
      const checks = [
        '--strict',
        '--exactOptionalPropertyTypes',
        '--noUncheckedIndexedAccess',
        '--skipLibCheck',
        'false',
      ];
      const kind = ['--module', 'NodeNext', '--target', 'ES2022', '--types', 'node'];
      const types = ['--lib', 'ES2023,ESNext.Disposable,DOM', '--typeRoots', resolve('node_modules/@types')];
      const tsc = resolve('node_modules/typescript/bin/tsc');
      await run(process.execPath, [tsc, ...checks, ...kind, ...types, source], { cwd: folder }).catch(
        ({ stdout }: { stdout: string }) => expect(stdout).toBe(''),
      );
      const { stdout, size } = await outcome(compiled);
      const torch = expect.stringMatching(/^2\./);
      const kinds = ['function', 'SamError', 'function', 'photos'];
      expect(JSON.parse(stdout)).toEqual([torch, torch, torch, ...kinds, 64 * 48, 64 * 48, true, 3, 2, 3, true, true]);
      expect(size).toEqual([64, 48]);
    },
    300_000,
  );

  test('plain CommonJS', async () => {
    await writeFile(join(folder, 'plain.cjs'), PLAIN);
    expect((await outcome('plain.cjs')).size).toEqual([64, 48]);
  }, 300_000);
});
