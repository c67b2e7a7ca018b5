/**
 * A service over HTTP, with Fastify: send a picture, ask for masks. Shows a bounded queue (503 when it is full), the end of work that
 * nobody waits for any more, errors as JSON, and a stop that finishes what was begun.
 *
 *   npm install sam-native fastify sharp
 *   node service.ts [MODEL]                        Node 22.18 or newer; before: npx tsx service.ts. PORT says where (8080)
 *
 *   curl --data-binary @river.jpg -H 'content-type: image/jpeg' localhost:8080/images      {"id":1,"width":800,"height":600}
 *   curl -o mask.png 'localhost:8080/images/1/mask?point=120,80,1&point=30,40,0'           or box=x0,y0,x1,y1; header "score"
 *
 * Encoding a picture takes a second or so, each mask after that some milliseconds. The last 20 pictures are remembered.
 */
import Fastify from 'fastify';
import { type ImageEmbedding, SamError, SamModel } from 'sam-native';
import sharp from 'sharp';

const REMEMBERED = 20;
const MOST_WAITING = 8;
const MOST_BYTES = 50e6;

const model = await SamModel.load(process.argv[2] ?? 'mobile-sam', { onNote: (line) => console.error(line) });
const embeddings = new Map<number, ImageEmbedding>();
let lastId = 0;
let waiting = 0;
let turn: Promise<unknown> = Promise.resolve();

/** Does one piece of work after another: side by side they would be no faster, and each holds its picture. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (waiting >= MOST_WAITING)
    throw Object.assign(new Error('too many pictures are waiting: try again later'), { statusCode: 503 });
  waiting++;
  const mine = turn.then(work).finally(() => waiting--);
  turn = mine.catch(() => {});
  return mine;
}

/** Keeps an embedding. It holds native memory, which the garbage collector does not see: the oldest is freed. */
function remember(embedding: ImageEmbedding): number {
  embeddings.set(++lastId, embedding);
  for (const [id, oldest] of embeddings) {
    if (embeddings.size <= REMEMBERED) break;
    embeddings.delete(id);
    oldest.dispose();
  }
  return lastId;
}

const app = Fastify({ bodyLimit: MOST_BYTES });

// Bytes alone: a text would be taken for the path of a picture on this machine.
app.removeAllContentTypeParsers();
app.addContentTypeParser(/^image\/|octet-stream$/, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

app.post<{ Body: Buffer }>('/images', async (request, reply) => {
  // Who hangs up need not have the picture encoded.
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const { signal } = gone;
  const embedding = await inTurn(async () => model.embed(request.body, { signal }));
  return { id: remember(embedding), width: embedding.width, height: embedding.height };
});

const query = { type: 'object', properties: { point: { type: 'array', items: { type: 'string' } } } };

app.get<{ Params: { id: string }; Querystring: { point?: string[]; box?: string } }>(
  '/images/:id/mask',
  { schema: { querystring: query } },
  async (request, reply) => {
    const embedding = embeddings.get(Number(request.params.id));
    if (embedding === undefined) throw Object.assign(new Error('no such picture: POST it first'), { statusCode: 404 });
    const points = (request.query.point ?? []).map((text) => text.split(',').map(Number));
    const box = request.query.box?.split(',').map(Number);
    const { mask, width, height, score } = await model.predict(embedding, {
      points: points.map(([x = Number.NaN, y = Number.NaN]) => [x, y] as const),
      labels: points.map(([, , label]) => (label === 0 ? 0 : 1)),
      box: box === undefined ? null : (box as [number, number, number, number]),
    });
    const grey = sharp(mask, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
    return reply
      .type('image/png')
      .header('score', score.toFixed(4))
      .send(await grey.png().toBuffer());
  },
);

app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
  const bad = error instanceof SamError && error.exitCode === 2;
  const hungUp = error.name === 'AbortError';
  const status = hungUp ? 499 : bad ? 400 : (error.statusCode ?? 500);
  if (status === 500) console.error(error);
  const { code, fix } = error instanceof SamError ? error : { code: undefined, fix: undefined };
  const message = status === 500 ? 'internal error' : error.message;
  if (status === 503) reply.header('retry-after', '5');
  return reply.status(status).send({ error: { code, message, fix } });
});

async function stop(): Promise<void> {
  // No new requests; those that are here are answered.
  await app.close();
  for (const embedding of embeddings.values()) embedding.dispose();
  model.dispose();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

const address = await app.listen({ port: Number(process.env.PORT ?? 8080), host: process.env.HOST ?? 'localhost' });
console.log(`listening on ${address}`);
