/** Every public function, called with whatever JavaScript lets a caller write: an error of ours that names what is wrong, at once. */
import { beforeAll, describe, expect, test } from 'vitest';
import { native } from '../lib/addon/native.js';
import * as api from '../lib/index.js';

type Call = (...given: never[]) => unknown;
/** A function, with what stands before its options and, where it takes them, the hooks behind. */
interface Subject {
  readonly call: Call;
  readonly before?: readonly unknown[];
  /** Good options; undefined where the function takes nothing but what stands before. */
  readonly options?: object;
  /** Whether hooks follow the options, as a parameter of their own. */
  readonly hooks?: boolean;
  /** Whether all of it may be left out. */
  readonly optional?: boolean;
}

const data = 'nowhere';
const tasks = {
  audit: { call: api.audit, options: { data } },
  bench: { call: api.bench, options: { quick: true }, optional: true },
  comparePrompts: { call: api.comparePrompts, options: { data } },
  embedImages: { call: api.embedImages, options: { data } },
  evaluate: { call: api.evaluate, options: { data, models: ['a', 'b'] } },
  exportModel: { call: api.exportModel, options: { model: data, to: 'hf', out: data } },
  fitRoughMask: { call: api.fitRoughMask, options: { data } },
  initConfig: { call: api.initConfig, options: { data }, optional: true },
  openData: { call: api.openData, options: { data } },
  openSplit: { call: api.openSplit, options: { data, split: 'train' } },
  predictImages: { call: api.predictImages, options: { images: ['a.jpg'] } },
  previewPrompts: { call: api.previewPrompts, options: { inputs: ['a.jpg'] } },
  pushModel: { call: api.pushModel, options: { run: data, to: 'me/river' } },
  searchSettings: { call: api.searchSettings, options: { data } },
  splitData: { call: api.splitData, options: { data } },
  doctor: { call: api.doctor, options: {}, optional: true },
  setup: { call: api.setup, options: {}, optional: true },
  train: { call: (...given: Parameters<typeof api.train>) => api.train(...given).result, options: { data } },
} satisfies Record<string, Omit<Subject, 'hooks'>>;

/** Without a model behind it: what is wrong is found before one is asked. */
const model = Object.create(api.SamModel.prototype) as api.SamModel;
const info = { weights: 'weights.pth', encoder: 'weights.pth' };
const embedding = new api.ImageEmbedding({} as api.Embeddings, 20, 10);

const subjects: Record<string, Subject> = {
  ...Object.fromEntries(Object.entries(tasks).map(([name, subject]) => [name, { ...subject, hooks: true }])),
  applyDecisions: { call: api.applyDecisions, before: ['decisions.json', 'x.csv'] },
  info: { call: api.info, options: {}, optional: true },
  openBands: { call: api.openBands, before: [{ path: 'a.tif' }] },
  openImages: { call: api.openImages, before: [['a.jpg']] },
  readBands: { call: api.readBands, before: [{ path: 'a.tif' }, [1]], options: {}, optional: true },
  resolveDevice: { call: api.resolveDevice, before: ['cpu', 'auto'] },
  'SamModel.load': { call: api.SamModel.load, before: ['mobile-sam'], options: {}, optional: true },
  'SamModel.fromResolved': { call: api.SamModel.fromResolved, before: [info, { device: 'cpu', precision: 'fp32' }] },
  'SamModel#embed': { call: model.embed, before: ['a.jpg'], options: {}, optional: true },
  'SamModel#predict': { call: model.predict, before: [embedding], options: { points: [[1, 1]] } },
  'ImageEmbedding#predict': {
    call: embedding.predict.bind(embedding),
    before: [{ points: [[1, 1]] }],
    options: {},
    optional: true,
  },
  'SamModel#decode': {
    call: model.decode,
    before: [embedding, [{ points: [[1, 1]], labels: [1], box: null }], 'multi'],
  },
};

/** What is no object of options at all. */
const NO_OPTIONS = [null, 3, 'text', [], () => {}, Symbol('options'), 10n];

const circle: Record<string, unknown> = {};
circle.self = circle;
const STRANGE = [null, 3, 'strange', [[]], () => {}, Symbol('value'), 10n, circle, new Float32Array(9999)];

/** The error that a call ends in, which has to be of ours, in one line. */
async function refusal(call: Call, ...given: unknown[]): Promise<api.SamError> {
  const error: unknown = await (async () => call.apply(model, given as never[]))().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(api.SamError);
  const { code, message } = error as api.SamError;
  expect(message).toMatch(/^[^\n]{1,600}$/);
  expect(['SAM_BAD_OPTION', 'SAM_BAD_ARGUMENT', 'SAM_BAD_DATA', 'SAM_NOT_FOUND']).toContain(code);
  return error as api.SamError;
}

beforeAll(() => native());

test('the table has every function and every method of the API', () => {
  const functions = Object.entries(api).filter(([, value]) => typeof value === 'function');
  const classes = new Set(['SamError', 'SamModel', 'ImageEmbedding', 'Prediction']);
  const names = functions.map(([name]) => name).filter((name) => !classes.has(name) && name !== 'defaultCacheDir');
  const methods = Object.getOwnPropertyNames(api.SamModel.prototype).filter(
    (name) => !/^(constructor|dispose)$/.test(name),
  );
  const statics = ['load', 'fromResolved'];
  expect(Object.getOwnPropertyNames(api.SamModel)).toEqual(expect.arrayContaining(statics));
  const there = [
    ...names,
    ...methods.map((name) => `SamModel#${name}`),
    ...statics.map((name) => `SamModel.${name}`),
    'ImageEmbedding#predict',
  ];
  expect(Object.keys(subjects).sort()).toEqual(there.sort());
});

const all = Object.entries(subjects);
const withOptions = all.filter(([, { options }]) => options !== undefined);
const withHooks = all.filter(([, { hooks }]) => hooks === true);

test.each(withOptions)('%s: an unknown option is named', async (_, { call, before = [], options }) => {
  const { code, message } = await refusal(call, ...before, { ...options, devise: 'cuda' });
  expect([code, message]).toEqual(['SAM_BAD_OPTION', expect.stringContaining('unknown option `devise`')]);
});

test.each(withOptions)('%s: what is no object of options', async (_, { call, before = [], optional }) => {
  for (const given of optional ? NO_OPTIONS : [undefined, ...NO_OPTIONS]) {
    const { message } = await refusal(call, ...before, given);
    expect(message).toMatch(/^options must be an object, not /);
  }
});

test.each(withOptions)('%s: a strange value of every option', async (_, { call, before = [], options }) => {
  for (const value of STRANGE) {
    for (const name of Object.keys(options!)) await refusal(call, ...before, { ...options, [name]: value });
  }
});

test.each(withHooks)('%s: hooks that would never be called, or could not be', async (_, { call, options }) => {
  const unknown = await refusal(call, options, { onWarnings() {} });
  expect([unknown.message, unknown.fix]).toEqual(['unknown option `onWarnings`', 'did you mean `onWarning`?']);
  expect((await refusal(call, options, { onNote: 3 })).message).toBe('`onNote` 3: expected a function');
  expect((await refusal(call, options, { signal: 'now' })).message).toBe('`signal` "now": expected an AbortSignal');
  await refusal(call, options, null);
});

test.each(withHooks)('%s: a signal that is aborted already ends it before any work', async (_, { call, options }) => {
  const reason = new Error('enough');
  const work = (async () => call.apply(model, [options, { signal: AbortSignal.abort(reason) }] as never[]))();
  const error = await work.catch((thrown: unknown) => thrown);
  expect((error as api.SamError).code === 'SAM_INTERRUPTED' ? (error as api.SamError).cause : error).toBe(reason);
});

test.each(all)('%s: strange values in the place of every parameter', async (_, { call, before = [], options }) => {
  const good = options === undefined ? before : [...before, options];
  for (const value of STRANGE) {
    for (const place of good.length === 0 ? [0] : good.keys()) {
      await refusal(call, ...good.slice(0, place), value, ...good.slice(place + 1));
    }
  }
});

describe('what users wrote first', () => {
  const bad = async (work: Promise<unknown>) => {
    const error = (await work.catch((thrown: unknown) => thrown)) as api.SamError;
    return [error.code, error.message, error.fix];
  };

  test('SamModel.load and predict name the option that was meant', async () => {
    // @ts-expect-error
    expect(await bad(api.SamModel.load('mobile-sam', { devise: 'cuda' }))).toEqual([
      'SAM_BAD_OPTION',
      'unknown option `devise`',
      'did you mean `device`?',
    ]);
    // @ts-expect-error
    expect(await bad(model.predict(embedding, { point: [[1, 1]] }))).toEqual([
      'SAM_BAD_OPTION',
      'unknown option `point`',
      'did you mean `points`?',
    ]);
    // @ts-expect-error
    expect(await bad(model.predict(embedding, { points: [1, 1] }))).toEqual([
      'SAM_BAD_OPTION',
      '`points` [1,1]: expected the x and y of each point, [[x, y], …]',
      undefined,
    ]);
    // @ts-expect-error
    expect(await bad(model.embed({ rgb: new Uint8Array(9), width: 1, height: 3 }))).toEqual([
      'SAM_BAD_OPTION',
      expect.stringMatching(
        /^`image` .*: expected a path or file: URL, the bytes of an image file \(.*\), pixels \(\{ pixels, width, height \} or ImageData\), or a sharp/,
      ),
      undefined,
    ]);
  });

  test('plain paths, data sets by name, and no more than is needed', async () => {
    expect(await bad(api.predictImages({ images: ['a.jpg'] }))).toEqual([
      'SAM_NOT_FOUND',
      'there is no image or folder a.jpg',
      'check the path',
    ]);
    expect((await bad(api.evaluate({ models: ['a', 'b'], data: 'photos', split: 'test' })))[0]).toBe('SAM_BAD_DATA');
    expect((await bad(api.openSplit({ data: 'photos', split: 'validation', limit: 4 })))[0]).toBe('SAM_BAD_DATA');
  });
});
