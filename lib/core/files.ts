/** Folders and files that are written aside and then renamed, and private folders that vanish with their process. */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { SamError, systemCode } from './errors.js';

/** Tells whether a process of this machine is running, also one of another user, which must not be signalled. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Reads the first bytes of a file, so many at most. */
export async function beginningOf(path: string, bytes: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Tells whether a folder, or a link to one, is there. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** Tells whether a file, or a link to one, is there. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** Bytes of a name above which a temporary one does not begin with it: file systems allow 255. */
const LONG_NAME = 200;

/** Makes up a file name beside `path` that nobody else uses. */
export function temporaryName(path: string): string {
  const name = basename(path);
  const begin = Buffer.byteLength(name) > LONG_NAME ? join(dirname(path), 'long') : path;
  return `${begin}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
}

/**
 * Makes a folder and those above it that are missing. (Node 20's own recursive mkdir never returns where a file system refuses by
 * ENOENT, as /proc does.)
 *
 * @returns the topmost folder made, if any was missing.
 * @throws SamError `SAM_BAD_OPTION`: a file is in the way. The system's own error where it refuses.
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    await mkdir(path);
    return path;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return undefined;
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      const options = { fix: 'name another folder, or move the file away', cause: error };
      throw new SamError('SAM_BAD_OPTION', `cannot make the folder ${path}: a file is in the way`, options);
    }
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    const first = await makeFolder(dirname(path));
    const made = await mkdir(path).then(
      () => path,
      (again) => {
        // Somebody else was faster.
        if (systemCode(again) !== 'EEXIST') throw again;
        return undefined;
      },
    );
    return first ?? made;
  }
}

/** Undoes {@link makeFolder}: removes `path` and the empty folders above it, up to the topmost one made. */
export async function removeMadeFolders(path: string, topmost: string | undefined): Promise<void> {
  for (let made = path; topmost !== undefined && made.length >= topmost.length; made = dirname(made)) {
    try {
      await rmdir(made);
    } catch {
      return; // something else lies there by now
    }
  }
}

/**
 * Refuses, before any work, a file that could not be written in the end. Leaves nothing behind.
 *
 * @param option the option that names the place, for the error's advice.
 * @throws SamError `SAM_BAD_OPTION`: the file can't be written.
 */
export async function requireWritable(path: string, option: string): Promise<void> {
  const refused = (why: string, cause?: unknown) =>
    new SamError('SAM_BAD_OPTION', `cannot write ${path}: ${why}`, { fix: `name another place with ${option}`, cause });
  if ((await stat(path).catch(() => undefined))?.isDirectory()) throw refused('a folder is in the way');
  const [folder, probe] = [dirname(path), temporaryName(path)];
  try {
    const made = await makeFolder(folder);
    try {
      await (await open(probe, 'wx')).close();
      await rm(probe);
    } finally {
      await removeMadeFolders(folder, made);
    }
  } catch (error) {
    throw refused(reasonOf(error), error);
  }
}

/**
 * Refuses a file that is there already, unless it may be replaced.
 *
 * @throws SamError `SAM_BAD_OPTION`: it is there.
 */
export function requireFree(path: string, overwrite: boolean): void {
  if (overwrite || !existsSync(path)) return;
  throw new SamError('SAM_BAD_OPTION', `${path} is there already`, {
    fix: 'replace it (`overwrite`), or name another file',
  });
}

/**
 * Makes the folder of a command's results. Refuses, before any work, a folder that holds such results already or that can't be written.
 *
 * @param what names the results in errors, such as `an audit`.
 * @param results the results' files and folders, first the one that is written last.
 * @returns a function that removes the folders that were made, with all that is in them.
 * @throws SamError `SAM_RUN_EXISTS`: there are results already. `SAM_BAD_OPTION`: the folder can't be written.
 */
export async function prepareFolder(
  dir: string,
  overwrite: boolean,
  { what, results }: { what: string; results: readonly [string, ...string[]] },
): Promise<() => Promise<void>> {
  if (!overwrite && results.some((path) => existsSync(path))) {
    throw new SamError('SAM_RUN_EXISTS', `${dir} already holds ${what}`, {
      fix: 'replace it (`overwrite`), or name another folder with `out`',
    });
  }
  await requireWritable(results[0], '`out`');
  const made = await makeFolder(dir);
  return async () => {
    if (made !== undefined) await rm(made, { recursive: true });
  };
}

/** Returns the system's words for an error, without the call and the path that they end with. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^(E[A-Z]+): ([^,]+), .*$/s, '$2 ($1)');
}

/** Writes a file wholly or not at all: temporary name, fsync, rename. Makes the file's folder. */
export async function writeFileWhole(path: string, content: string | Uint8Array): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Lets `make` write a file under a temporary name, then fsyncs and renames it. Makes the file's folder; leaves nothing on failure. */
export async function makeFileWhole(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = temporaryName(path);
  try {
    await make(temporary);
    await moveWhole(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Renames a finished file, once its content is safely on disk. */
export async function moveWhole(from: string, to: string): Promise<void> {
  const file = await open(from, 'r+');
  await file.sync().finally(() => file.close());
  await rename(from, to);
}

const host = hostname().replace(/[^A-Za-z0-9]/g, '') || 'host';

/** Name of this process on a disk that machines and containers share: `host-pid`. */
export const OWNER = `${host}-${process.pid}`;

/** Reads the {@link OWNER} that a name or a content begins with; earlier versions wrote the number alone. */
export function parseOwner(text: string): { host: string | undefined; pid: number } | undefined {
  const [, host, pid] = /^(?:(\w+)-)?(\d+)(?!\w)/.exec(text) ?? [];
  return pid === undefined ? undefined : { host, pid: Number(pid) };
}

/**
 * Tells whether the process that left something on disk is gone, as far as this machine can tell: of another's it cannot.
 *
 * @param touched time at which it was last written, milliseconds. In a container every process may be number 1: what is older than this
 * process is not its own.
 */
export function isGone(owner: { host: string | undefined; pid: number }, touched: number): boolean {
  if (owner.host !== undefined && owner.host !== host) return false;
  if (owner.pid !== process.pid) return !isAlive(owner.pid);
  return touched < Date.now() - process.uptime() * 1000 - 1000;
}

/** What names of scratch folders begin with: they also lie beside what users have, of which none is removed. */
const SCRATCH = '.sam-native-';

/** A folder of this process alone, which is gone, at the latest, when the process exits. */
export interface ScratchFolder {
  readonly path: string;
  /** Removes the folder with all that is in it. */
  remove(): Promise<void>;
}

/** Makes a scratch folder in `parent`, and removes those that killed processes of this machine left there. */
export async function scratchFolder(parent: string): Promise<ScratchFolder> {
  await makeFolder(parent);
  await removeStale(parent);
  const path = join(parent, `${SCRATCH}${OWNER}-${randomBytes(4).toString('hex')}`);
  await mkdir(path);
  const onExit = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', onExit);
  return {
    path,
    async remove() {
      process.removeListener('exit', onExit);
      await rm(path, { recursive: true, force: true });
    },
  };
}

/**
 * Makes a scratch folder beside a place, so that what is made in it is moved there and not copied. `undo` also takes back the folders
 * that were made for it, but for those in which something else lies by then.
 */
export async function scratchBeside(path: string): Promise<ScratchFolder & { undo(): Promise<void> }> {
  const parent = dirname(path);
  const made = await makeFolder(parent);
  const scratch = await scratchFolder(parent);
  return {
    ...scratch,
    async undo() {
      await scratch.remove();
      await removeMadeFolders(parent, made);
    },
  };
}

async function removeStale(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = name.startsWith(SCRATCH) ? parseOwner(name.slice(SCRATCH.length)) : undefined;
    if (owner?.host === undefined) continue;
    const path = join(parent, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory() && isGone(owner, found.mtimeMs)) await rm(path, { recursive: true, force: true });
  }
}
