import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DOWNLOAD_QUESTION, type GetOptions, getLibTorch } from '../../lib/setup/get-libtorch.js';
import { fakeLibTorch, fakeProgram, noPrograms } from './fakes.js';

/** The real Python: it makes the archives, and unpacks them behind the fake pip. */
const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();

let folder: string;
let options: GetOptions & { cacheDir: string };
let said: string[];
let asked: string[];
let answer: boolean;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-get-'));
  said = [];
  asked = [];
  answer = true;
  options = {
    cacheDir: join(folder, 'cache'),
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` },
    say: (line) => said.push(line),
    consent: async (question) => {
      asked.push(question);
      return answer;
    },
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A wheel of `tree`'s content with these requirements. */
function makeWheel(path: string, tree: string, requirements: string[] = []): string {
  mkdirSync(join(tree, 'x.dist-info'), { recursive: true });
  const lines = requirements.map((line) => `Requires-Dist: ${line}\n`).join('');
  writeFileSync(join(tree, 'x.dist-info', 'METADATA'), `Name: x\n${lines}\nRequires-Dist: not-this-one\n`);
  mkdirSync(join(path, '..'), { recursive: true });
  execFileSync(PYTHON, ['-m', 'zipfile', '-c', path, ...readdirSync(tree).map((name) => join(tree, name))]);
  return path;
}

function torchWheel(requirements: string[] = [], version = '2.13.0'): string {
  const tree = join(folder, 'tree');
  fakeLibTorch(join(tree, 'torch'), version);
  writeFileSync(join(tree, 'torch', '__init__.py'), '');
  return makeWheel(join(folder, 'index', 'torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl'), tree, requirements);
}

/** A `python3` whose `-m pip download -d DIR` runs `script` with DIR as $dir; all its calls are in calls.log. */
function fakePip(script: string): void {
  fakeProgram(
    join(folder, 'bin'),
    'python3',
    `echo "$*" >> ${join(folder, 'calls.log')}
if [ "$1 $2 $3" = "-m pip --version" ]; then echo pip 23.0.1; exit 0; fi
if [ "$1 $2 $3" = "-m pip download" ]; then
  while [ "$1" != "-d" ]; do shift; done
  dir=$2; shift 2
  ${script}
  exit 0
fi
exec ${PYTHON} "$@"`,
  );
}

const calls = () => readFileSync(join(folder, 'calls.log'), 'utf8').split('\n');
const pipCalls = () => calls().filter((line) => line.includes('pip download'));

test('asks, gets the wheel with pip, and unpacks libraries and headers only', async () => {
  fakePip(`cp ${torchWheel(['filelock', 'optree; extra == "optree"'])} "$dir"`);
  const libtorch = await getLibTorch(options);
  const tree = join(options.cacheDir, 'libtorch-2.13.0');
  expect(libtorch).toEqual({ path: join(tree, 'torch'), version: '2.13.0', cuda: false });
  expect(asked).toEqual([DOWNLOAD_QUESTION]);
  expect(pipCalls()).toEqual([expect.stringMatching(/--no-deps torch==2\.13\.0$/)]);
  expect(existsSync(join(tree, 'torch', '__init__.py'))).toBe(false);
  // What was downloaded is not needed any more.
  expect(readdirSync(join(options.cacheDir, 'downloads'))).toEqual([]);
});

test('a refusal downloads nothing and names the command', async () => {
  fakePip('exit 1');
  answer = false;
  await expect(getLibTorch(options)).rejects.toMatchObject({
    code: 'SAM_NO_ADDON',
    message: expect.stringContaining('nothing is downloaded unasked'),
    fix: expect.stringContaining('npx sam-native setup --yes'),
  });
  expect(calls().join()).not.toContain('pip download');
});

test('a CUDA wheel brings NVIDIA packages, asked for again, beside torch', async () => {
  const tree = join(folder, 'nvidia-tree');
  mkdirSync(join(tree, 'nvidia', 'cublas', 'lib'), { recursive: true });
  writeFileSync(join(tree, 'nvidia', 'cublas', 'lib', 'libcublas.so.13'), 'blas');
  const nvidia = makeWheel(join(folder, 'index', 'nvidia_cublas-13-py3-none-any.whl'), tree);
  const requirements = [
    'filelock',
    'nvidia-cublas==13; platform_system == "Linux"',
    'cuda-toolkit[cudart]==13.0.3; a == "b"',
  ];
  fakePip(`case "$*" in *nvidia*) cp ${nvidia} "$dir";; *) cp ${torchWheel(requirements)} "$dir";; esac`);
  const libtorch = await getLibTorch(options);
  expect(readFileSync(join(libtorch.path, '..', 'nvidia', 'cublas', 'lib', 'libcublas.so.13'), 'utf8')).toBe('blas');
  expect(asked).toHaveLength(2);
  expect(asked[1]).toContain('about 2 GB');
  expect(pipCalls()[1]).toMatch(/nvidia nvidia-cublas==13 cuda-toolkit\[cudart\]==13\.0\.3$/);
});

test('goes on after an interruption: a finished download is not repeated, a partial tree is redone', async () => {
  const downloads = join(options.cacheDir, 'downloads', 'libtorch');
  fakePip('echo "ERROR: must not be called"; exit 1');
  mkdirSync(downloads, { recursive: true });
  execFileSync('cp', [torchWheel(), downloads]);
  const stray = join(options.cacheDir, 'libtorch-2.13.0.partial', 'torch', 'lib', 'stray');
  mkdirSync(stray, { recursive: true });
  const libtorch = await getLibTorch(options);
  expect(asked).toEqual([]);
  expect(existsSync(join(libtorch.path, 'lib', 'stray'))).toBe(false);
});

test("pip's own last error is the message, and --index-url reaches it", async () => {
  fakePip(
    'echo "WARNING: x"; echo "ERROR: No matching distribution found for torch" >&2; echo "notice: upgrade" >&2; exit 1',
  );
  await expect(getLibTorch({ ...options, indexUrl: 'file:///wheels' })).rejects.toMatchObject({
    code: 'SAM_NETWORK',
    message: 'pip could not get torch==2.13.0: ERROR: No matching distribution found for torch',
  });
  expect(pipCalls()[0]).toContain('--index-url file:///wheels');
});

test('a full disk is named as such', async () => {
  fakePip('echo "ERROR: Could not install: [Errno 28] No space left on device" >&2; exit 1');
  await expect(getLibTorch(options)).rejects.toMatchObject({
    code: 'SAM_IO',
    message: expect.stringContaining('is full'),
  });
});

test('a damaged download is removed, so that the next call gets it anew', async () => {
  fakePip(`echo nonsense > "$dir/torch-2.13.0-cp311-linux.whl"`);
  await expect(getLibTorch(options)).rejects.toMatchObject({ message: expect.stringContaining('cannot be unpacked') });
  expect(readdirSync(join(options.cacheDir, 'downloads', 'libtorch'))).toEqual([]);
  expect(readdirSync(options.cacheDir)).toEqual(['downloads']);
});

test('no Python, no pip: what to install', async () => {
  noPrograms(join(folder, 'bin'));
  options.env = { PATH: join(folder, 'bin') };
  await expect(getLibTorch(options)).rejects.toThrow('python3 is missing');
  fakeProgram(join(folder, 'bin'), 'python3', 'echo "/usr/bin/python3: No module named pip" >&2; exit 1');
  await expect(getLibTorch(options)).rejects.toMatchObject({
    message: expect.stringContaining('No module named pip'),
    fix: expect.stringContaining('apt-get install python3-pip'),
  });
});

test('--from takes a local file, asks nothing, and leaves the file there', async () => {
  fakePip('exit 1');
  // The zip that PyTorch publishes has everything under libtorch/.
  const tree = join(folder, 'zip-tree');
  fakeLibTorch(join(tree, 'libtorch'), '2.14.1');
  const zip = makeWheel(join(folder, 'libtorch.zip'), tree);
  const libtorch = await getLibTorch({ ...options, from: zip });
  expect(libtorch).toEqual({
    path: join(options.cacheDir, 'libtorch-2.14.1', 'torch'),
    version: '2.14.1',
    cuda: false,
  });
  expect([asked, existsSync(zip)]).toEqual([[], true]);

  await expect(getLibTorch({ ...options, from: join(folder, 'gone.whl') })).rejects.toThrow('no such file');
  const other = makeWheel(join(folder, 'other.whl'), join(folder, 'nothing'));
  await expect(getLibTorch({ ...options, from: other })).rejects.toThrow('holds no LibTorch that will do');
});
