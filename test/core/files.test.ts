import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  isAlive,
  makeFileWhole,
  makeFolder,
  prepareFolder,
  requireWritable,
  scratchBeside,
  scratchFolder,
  writeFileWhole,
} from '../../lib/core/files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-scratch-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('whole files', () => {
  it('replaces, and leaves no temporary file', async () => {
    const path = join(folder, 'deep', 'file.txt');
    await writeFileWhole(path, 'one');
    await writeFileWhole(path, 'two');
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(join(folder, 'deep'))).toEqual(['file.txt']);
  });

  it('names may be as long as the file system allows', async () => {
    for (const name of ['n'.repeat(255), '\u00e9'.repeat(127)]) {
      await requireWritable(join(folder, name), '`out`');
      await writeFileWhole(join(folder, name), 'text');
      await makeFileWhole(join(folder, name), (temporary) => writeFile(temporary, 'other'));
    }
    expect(await readdir(folder)).toHaveLength(2);
  });

  it('leaves the old one, and nothing else, when making fails', async () => {
    const path = join(folder, 'file.txt');
    await writeFileWhole(path, 'old');
    const work = makeFileWhole(path, async (temporary) => {
      await writeFile(temporary, 'half');
      throw new Error('disk full');
    });
    await expect(work).rejects.toThrow('disk full');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['file.txt']);
  });
});

describe('scratchFolder', () => {
  const host = hostname().replace(/[^A-Za-z0-9]/g, '') || 'host';
  /** A process that has ended. */
  const deadPid = () => Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));

  it('removes those of dead processes of this machine only', async () => {
    const dead = deadPid();
    const left = (owner: string) => `.sam-native-${owner}-0123abcd`;
    const others = [left(`${host}-${process.ppid}`), left(`another${host}-${dead}`)];
    for (const name of [left(`${host}-${dead}`), ...others]) await mkdir(join(folder, name));
    const scratch = await scratchFolder(folder);
    expect((await readdir(folder)).sort()).toEqual([...others, scratch.path.slice(folder.length + 1)].sort());
    await scratch.remove();
    expect(await readdir(folder)).not.toContain(scratch.path.slice(folder.length + 1));
  });

  it('leaves what users have beside it, on a machine named river also river-2024', async () => {
    const dead = deadPid();
    for (const name of [`${host}-${dead}`, `${host}-${dead}-20240501`]) await mkdir(join(folder, name));
    await writeFile(join(folder, `${host}-${dead}.csv`), 'text');
    await writeFile(join(folder, `.sam-native-${host}-${dead}-0123abcd`), 'text');
    const before = await readdir(folder);
    await (await scratchFolder(folder)).remove();
    expect(await readdir(folder)).toEqual(before);
  });

  it('keeps the others of its own process', async () => {
    const one = await scratchFolder(folder);
    const two = await scratchFolder(folder);
    expect(await readdir(folder)).toHaveLength(2);
    await one.remove();
    await two.remove();
    expect(await readdir(folder)).toEqual([]);
  });

  it('knows the living', () => {
    expect(isAlive(process.pid)).toBe(true);
    expect(isAlive(deadPid())).toBe(false);
  });
});

describe('scratchBeside', () => {
  it('takes back the folders that it made, and leaves what another wrote into them meanwhile', async () => {
    const scratch = await scratchBeside(join(folder, 'new', 'deep', 'one'));
    await mkdir(join(folder, 'new', 'other'));
    await scratch.undo();
    expect(await readdir(join(folder, 'new'))).toEqual(['other']);
    await (await scratchBeside(join(folder, 'more', 'deep', 'one'))).undo();
    expect(await readdir(folder)).toEqual(['new']);
  });
});

describe('requireWritable', () => {
  it('leaves nothing behind, not even folders, and what is there as it was', async () => {
    await writeFile(join(folder, 'old'), 'text');
    await requireWritable(join(folder, 'old'), '`out`');
    await requireWritable(join(folder, 'a', 'b', 'new'), '`out`');
    expect(await readdir(folder)).toEqual(['old']);
    expect(await readFile(join(folder, 'old'), 'utf8')).toBe('text');
  });

  it('refuses in one line, naming the place, why, and the option', async () => {
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'folder'));
    const places = [
      [join(folder, 'file', 'new'), 'a file is in the way'],
      [join(folder, 'folder'), 'a folder is in the way'],
      ['/proc/none/file', 'no such file or directory (ENOENT)'],
    ] as const;
    for (const [place, why] of places) {
      const error = await requireWritable(place, '`report`').catch((error: unknown) => error);
      expect(error).toMatchObject({ code: 'SAM_BAD_OPTION', exitCode: 2, fix: 'name another place with `report`' });
      expect(error).toMatchObject({ message: expect.stringMatching(/^[^\n]+$/) });
      expect(String(error)).toContain(`cannot write ${place}: `);
      expect(String(error)).toContain(why);
    }
  });
});

describe('makeFolder', () => {
  it('makes what is missing, and tells the topmost', async () => {
    const deep = join(folder, 'a', 'b', 'c');
    expect(await makeFolder(deep)).toBe(join(folder, 'a'));
    expect(await makeFolder(deep)).toBeUndefined();
  });

  it('a file in the way is named', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'SAM_BAD_OPTION' });
    await expect(makeFolder(join(folder, 'file', 'folder'))).rejects.toMatchObject({ code: 'SAM_BAD_OPTION' });
  });

  it.runIf(process.platform === 'linux')('a file system that refuses is an error, not an endless loop', async () => {
    await expect(makeFolder('/proc/sam-native/run')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('the folder of results', () => {
  const holds = (dir: string) => ({
    what: 'an audit',
    results: [join(dir, 'audit.json'), join(dir, 'trials')] as const,
  });

  it('is refused where a file is in the way or nothing can be written', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const dir of [file, '/proc/none/audit'])
      await expect(prepareFolder(dir, false, holds(dir))).rejects.toMatchObject({ code: 'SAM_BAD_OPTION' });
  });

  it('is refused where it holds results, unless they are to be replaced', async () => {
    await mkdir(join(folder, 'trials'));
    await expect(prepareFolder(folder, false, holds(folder))).rejects.toMatchObject({
      code: 'SAM_RUN_EXISTS',
      message: `${folder} already holds an audit`,
    });
    await prepareFolder(folder, true, holds(folder));
  });

  it('goes with all that was made for it', async () => {
    const dir = join(folder, 'deep', 'audit');
    const discard = await prepareFolder(dir, false, holds(dir));
    await writeFile(join(dir, 'half'), '');
    await discard();
    expect(await readdir(folder)).toEqual([]);
  });
});
