/**
 * A small HTTP service: send a picture, ask for a mask.
 *
 *   POST /images                                   the bytes of a JPEG or PNG    -> {"id": 1, "width": 800, "height": 600}
 *   GET  /masks?image=1&point=120,80,1&point=…     (or &box=x0,y0,x1,y1)         -> image/png, header "score"
 *
 * Encoding a picture takes a second or so, each mask after that some milliseconds. The last 20 pictures are remembered.
 *
 * `node service.js [model]` once compiled; PORT says where it listens (8080).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type ImageEmbedding, SamError, SamModel } from 'sam-native';
import sharp from 'sharp';

const MOST_IMAGES = 20;
const MOST_BYTES = 50e6;

const model = await SamModel.load(process.argv[2] ?? 'mobile-sam', { onNote: (line) => console.error(line) });
const images = new Map<number, ImageEmbedding>();
let lastId = 0;

async function addImage(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new SamError('SAM_BAD_DATA', `a picture may have ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  // Who hangs up need not have the picture encoded.
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const embedding = await model.embed(Buffer.concat(chunks), { signal: gone.signal });
  images.set(++lastId, embedding);
  forgetOldest();
  sendJson(response, 200, { id: lastId, width: embedding.width, height: embedding.height });
}

/** An embedding holds native memory, which the garbage collector does not see. */
function forgetOldest(): void {
  for (const [id, embedding] of images) {
    if (images.size <= MOST_IMAGES) return;
    images.delete(id);
    embedding.dispose();
  }
}

async function sendMask(query: URLSearchParams, response: ServerResponse): Promise<void> {
  const embedding = images.get(Number(query.get('image')));
  if (embedding === undefined)
    throw new SamError('SAM_NOT_FOUND', 'no such image', { fix: 'POST it to /images first' });
  const points = query.getAll('point').map((text) => text.split(',').map(Number));
  const box = query.get('box')?.split(',').map(Number);
  const { mask, width, height, score } = await model.predict(embedding, {
    points: points.map(([x = Number.NaN, y = Number.NaN]) => [x, y] as const),
    labels: points.map(([, , label]) => (label === 0 ? 0 : 1)),
    box: box === undefined ? null : (box as [number, number, number, number]),
  });
  const png = await sharp(mask, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
  response.writeHead(200, { 'content-type': 'image/png', score: score.toFixed(4) }).end(png);
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.closed || response.headersSent) return;
  if (error instanceof SamError && error.exitCode === 2) {
    sendJson(response, 400, { error: { code: error.code, message: error.message, fix: error.fix } });
  } else {
    console.error(error);
    sendJson(response, 500, { error: { message: 'internal error' } });
  }
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const work =
    request.method === 'POST' && pathname === '/images'
      ? addImage(request, response)
      : request.method === 'GET' && pathname === '/masks'
        ? sendMask(searchParams, response)
        : Promise.reject(new SamError('SAM_NOT_FOUND', 'no such path', { fix: 'POST /images, GET /masks' }));
  work.catch((error: unknown) => sendError(response, error));
});

server.listen(Number(process.env.PORT ?? 8080), () => console.error('listening on', server.address()));

process.once('SIGINT', () => {
  server.close();
  server.closeAllConnections();
  for (const embedding of images.values()) embedding.dispose();
  model.dispose();
});
