import * as fs from 'node:fs/promises';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { writeFileWhole } from '../../lib/core/files.js';
import { big, config, env, failure, fetchModel, folder, hub, publish, weights } from './hub-support.js';

describe('tokens', () => {
  const token = 'any-token';

  async function putToken(place: string): Promise<void> {
    const path = place === '$HF_HOME/token' ? join(env.HF_HOME!, 'token') : join(folder, 'my-token');
    if (place.includes('HUB') || place === 'HF_TOKEN') env[place] = `${token}\n`;
    else await writeFileWhole(path, `${token}\n`);
    if (place === 'HF_TOKEN_PATH') env.HF_TOKEN_PATH = path;
  }

  it.each(['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_TOKEN_PATH', '$HF_HOME/token'])(
    'of %s go to the Hub, not to the host that it redirects to',
    async (place) => {
      publish({ 'config.json': config, 'model.safetensors': big(weights) }).token = token;
      hub.tokens.push(token);
      await putToken(place);
      await fetchModel();
      const sent = (server: string) => hub.requests.filter((request) => request.server === server);
      expect(new Set(sent('hub').map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${token}`]));
      expect(sent('files').map(({ authorization }) => authorization)).toEqual([undefined]);
    },
  );

  it('are not sent to another host that the listing goes on at', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    hub.tokens.push(token);
    Object.assign(hub, { pageSize: 2, pagesElsewhere: true });
    env.HF_TOKEN = token;
    await fetchModel();
    const sent = hub.requests.filter(({ server }) => server === 'files');
    expect(sent.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
  });

  it('are not sent where HF_HUB_DISABLE_IMPLICIT_TOKEN says so', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    Object.assign(env, { HF_TOKEN: token, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' });
    await fetchModel();
    expect(hub.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it('that are refused are named by their place, not by themselves', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    env.HF_TOKEN = 'stale';
    const error = await failure(fetchModel());
    expect(error).toMatchObject({
      code: 'SAM_NO_ACCESS',
      exitCode: 2,
      fix: expect.stringContaining('/settings/tokens'),
    });
    expect(error.message).toBe(`the token in HF_TOKEN was refused by ${hub.url}`);
    delete env.HF_TOKEN;
    env.HF_TOKEN_PATH = join(folder, 'my-token');
    await writeFile(env.HF_TOKEN_PATH, 'stale');
    expect((await failure(fetchModel())).message).toContain(`the token in ${env.HF_TOKEN_PATH} was refused`);
    env.HF_TOKEN = 'two words';
    expect(await failure(fetchModel())).toMatchObject({ code: 'SAM_BAD_OPTION' });
  });
});

describe('places', () => {
  beforeEach(() => void publish({ 'config.json': config, 'model.safetensors': big(weights) }));

  it('a slash after the endpoint does no harm', async () => {
    env.HF_ENDPOINT = `${hub.url}/`;
    await fetchModel();
    expect(hub.paths().every((path) => !path.startsWith('//'))).toBe(true);
  });

  it.each(['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE'])('%s is the cache', async (variable) => {
    env[variable] = join(folder, 'elsewhere');
    expect(await fetchModel()).toContain(join(folder, 'elsewhere', 'models--facebook--sam-vit-base'));
    expect(await fs.readdir(folder)).toEqual(['elsewhere']);
  });

  it('without HF_HOME, XDG_CACHE_HOME has it', async () => {
    delete env.HF_HOME;
    env.XDG_CACHE_HOME = join(folder, 'xdg');
    expect(await fetchModel()).toContain(join(folder, 'xdg', 'huggingface', 'hub'));
  });
});
