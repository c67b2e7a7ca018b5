import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../lib/addon/native.js';
import { PACKAGE_ROOT } from '../../lib/core/package-root.js';
import { type DoctorOptions, type DoctorReport, doctor } from '../../lib/setup/doctor.js';
import { fakeLibTorch, fakeProgram } from './fakes.js';

let folder: string;
let options: DoctorOptions & { env: NodeJS.ProcessEnv };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-doctor-'));
  const root = join(folder, 'package');
  mkdirSync(root);
  writeFileSync(join(root, 'package.json'), '{ "name": "sam-native", "version": "1.2.3" }');
  mkdirSync(join(folder, 'bin'));
  options = { cacheDir: join(folder, 'cache'), root, cwd: folder, env: { PATH: join(folder, 'bin') } };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const find = (report: DoctorReport, name: string) => report.checks.find((check) => check.name === name);

/** An addon that says of itself what this says. */
function fakeAddon(info: object, contract = CONTRACT): void {
  const path = join(folder, 'addon.cjs');
  writeFileSync(path, `exports.contract = ${contract}; exports.info = () => (${JSON.stringify(info)});`);
  options.env.SAM_NATIVE_ADDON = path;
}

const INFO = { compiledFor: '2.13.0', torch: '2.13', fastBf16: false, threads: 2, liveHandles: 0 };
const NO_CUDA = { library: false, available: false, devices: [] };

test('on a bare machine each missing thing has its command', async () => {
  const report = await doctor(options);
  expect(report.ok).toBe(false);
  expect(report.libtorch.version).toBeNull();
  expect(find(report, 'libtorch')).toMatchObject({ ok: false, fix: 'npx sam-native setup' });
  expect(find(report, 'addon')).toMatchObject({ ok: false, fix: 'npx sam-native setup' });
  expect(find(report, 'build tools')).toMatchObject({ ok: false, fix: 'apt-get install cmake g++ make' });
  expect(find(report, 'node')).toMatchObject({ ok: true, fix: null });
  expect(find(report, 'cache')).toMatchObject({ ok: true, fix: null });
  expect(find(report, 'self-test')).toBeUndefined();
});

test('a LibTorch that was passed over is named with its reason', async () => {
  options.env.LIBTORCH = fakeLibTorch(join(folder, 'old'), '1.13.1');
  expect(find(await doctor(options), 'libtorch')?.found).toContain('old: version 1.13.1; 2.11 to 2.14 will do');
});

test('a cache that cannot be made is a finding, not a crash', async () => {
  writeFileSync(join(folder, 'file'), '');
  options.cacheDir = join(folder, 'file', 'cache');
  expect(find(await doctor(options), 'cache')).toMatchObject({
    ok: false,
    fix: expect.stringContaining('SAM_NATIVE_CACHE'),
  });
});

test('an addon of another contract, or one that crashes, is reported', async () => {
  fakeAddon({ ...INFO, cuda: NO_CUDA }, CONTRACT + 1);
  expect(find(await doctor(options), 'addon')?.found).toContain('another version of sam-native');
  writeFileSync(options.env.SAM_NATIVE_ADDON!, "process.kill(process.pid, 'SIGSEGV'); for (;;);");
  const report = await doctor(options);
  expect(find(report, 'addon')?.found).toContain('it crashes');
  expect(report.devices[0]).toMatchObject({ type: 'cpu', usable: false, reason: 'the addon does not load' });
});

describe('devices', () => {
  test('a CPU build of LibTorch is the reason for no GPU', async () => {
    options.env.LIBTORCH = fakeLibTorch(join(folder, 'torch'), '2.13.0');
    fakeAddon({ ...INFO, cuda: NO_CUDA });
    const { devices, libtorch } = await doctor(options);
    expect(libtorch).toEqual({ version: '2.13.0', path: join(folder, 'torch'), cuda: false });
    expect(devices).toEqual([
      { type: 'cpu', name: expect.any(String), memoryBytes: expect.any(Number), usable: true, reason: null },
      { type: 'cuda', name: 'none', memoryBytes: 0, usable: false, reason: expect.stringContaining('CPU build') },
    ]);
  });

  test('a GPU that such a build leaves idle is named', async () => {
    options.env.LIBTORCH = fakeLibTorch(join(folder, 'torch'), '2.13.0');
    const gpu = { name: 'Tesla T4', memoryBytes: 16e9, capability: '7.5' };
    fakeAddon({ ...INFO, cuda: { ...NO_CUDA, devices: [gpu] } });
    const reason = 'this LibTorch is a CPU build, which cannot use Tesla T4';
    expect((await doctor(options)).devices[1]).toMatchObject({ usable: false, reason });
  });

  test('CUDA libraries that do not load are another', async () => {
    options.env.LIBTORCH = fakeLibTorch(join(folder, 'torch'), '2.13.0', ['c10', 'torch_cpu', 'torch_cuda']);
    fakeAddon({ ...INFO, cuda: NO_CUDA });
    expect((await doctor(options)).devices[1]).toMatchObject({
      usable: false,
      reason: expect.stringContaining('does not load'),
    });
  });

  test('CUDA libraries without a device are told, whatever LibTorch is on record', async () => {
    for (const libraries of [['c10', 'torch_cpu', 'torch_cuda'], undefined]) {
      options.env.LIBTORCH = fakeLibTorch(join(folder, `torch-${libraries?.length}`), '2.13.0', libraries);
      fakeAddon({ ...INFO, cuda: { ...NO_CUDA, library: true } });
      expect((await doctor(options)).devices[1]).toEqual({
        type: 'cuda',
        name: 'none',
        memoryBytes: 0,
        usable: false,
        reason: 'CUDA libraries found, no device',
      });
    }
  });

  test('a GPU that the CUDA libraries cannot use is named', async () => {
    options.env.LIBTORCH = fakeLibTorch(join(folder, 'torch'), '2.13.0', ['c10', 'torch_cpu', 'torch_cuda']);
    const gpu = { name: 'Tesla K80', memoryBytes: 12e9, capability: '3.7' };
    fakeAddon({ ...INFO, cuda: { library: true, available: false, devices: [gpu] } });
    expect((await doctor(options)).devices[1]).toMatchObject({
      usable: false,
      reason: expect.stringContaining('they cannot use Tesla K80: its driver is too old'),
    });
  });

  test('GPUs that the addon sees are listed as they are', async () => {
    options.env.LIBTORCH = fakeLibTorch(join(folder, 'torch'), '2.13.0', ['c10', 'torch_cpu', 'torch_cuda']);
    const gpu = { name: 'Tesla T4', memoryBytes: 16e9, capability: '7.5' };
    fakeAddon({ ...INFO, cuda: { library: true, available: true, devices: [gpu] } });
    const expected = { type: 'cuda', name: 'Tesla T4', memoryBytes: 16e9, usable: true, reason: null };
    expect((await doctor(options)).devices.slice(1)).toEqual([expected]);
  });

  test('a GPU that does not compute is told so in CUDA’s words', async () => {
    options.env.LIBTORCH = fakeLibTorch(join(folder, 'torch'), '2.13.0', ['c10', 'torch_cpu', 'torch_cuda']);
    const problem = 'CUDA error: no kernel image is available for execution on the device';
    const gpu = { name: 'Tesla P100', memoryBytes: 16e9, capability: '6.0', problem };
    fakeAddon({ ...INFO, cuda: { library: true, available: true, devices: [gpu] } });
    expect((await doctor(options)).devices[1]).toMatchObject({ name: 'Tesla P100', usable: false, reason: problem });
  });
});

test('a self-test that crashes is told as such', async () => {
  options.env.LIBTORCH = fakeLibTorch(join(folder, 'torch'), '2.13.0');
  fakeAddon({ ...INFO, cuda: NO_CUDA });
  fakeProgram(join(folder, 'bin'), 'cmake', 'exit 0');
  mkdirSync(join(folder, 'package', 'dist', 'setup'), { recursive: true });
  writeFileSync(
    join(folder, 'package', 'dist', 'setup', 'self-test.js'),
    "process.kill(process.pid, 'SIGSEGV'); for (;;);",
  );
  const report = await doctor(options);
  expect(report.ok).toBe(false);
  expect(find(report, 'self-test')).toMatchObject({ ok: false, found: 'the self-test crashed (exit code 139)' });
});

test('here, everything works: encoded, trained, saved, loaded', () => {
  const cli = join(PACKAGE_ROOT, 'dist', 'cli', 'main.js');
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, 'doctor', '--json'], { encoding: 'utf8' });
  expect(stderr).not.toContain('error');
  const report = JSON.parse(stdout) as DoctorReport;
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(report).toMatchObject({ ok: true, libtorch: { version: expect.stringMatching(/^2\.1\d\.\d$/) } });
  expect(report.selfTest!.encodeSeconds).toBeGreaterThan(0);
  expect(status).toBe(0);
});
