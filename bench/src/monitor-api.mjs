// The API that events go to, as far away as one on the Internet. It answers and keeps what it gets, and looks at it only
// at the end: what a service does with events takes no processor from who stands between a client and its server.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

const AWAY_MS = 20;
const TOKEN = { access_token: 'token', token_type: 'Bearer', expires_in: 3_600, refresh_token: 'refresh' };
const batches = [];

function countEvents() {
  const sizes = batches.map(({ body, isPacked }) => {
    return JSON.parse(isPacked ? gunzipSync(body) : body).events.length;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

const server = createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const isBatch = request.url === '/api/events/batch';
    if (isBatch) {
      batches.push({
        body: Buffer.concat(pieces),
        isPacked: request.headers['content-encoding'] === 'gzip',
      });
    }
    const answer = JSON.stringify(isBatch ? { success: true, message: 'ok' } : TOKEN);
    setTimeout(() => response.setHeader('content-type', 'application/json').end(answer), AWAY_MS);
  });
});

process.on('message', () => process.send({ events: countEvents() }));
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
