// The API that events go to, as far away as one on the Internet. It answers and counts, and stores nothing: what a
// service does with events is no cost of who stands between a client and its server.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

const AWAY_MS = 20;
const TOKEN = { access_token: 'token', token_type: 'Bearer', expires_in: 3_600, refresh_token: 'refresh' };
let events = 0;

function answerTo(url, body) {
  if (url !== '/api/events/batch') return TOKEN;
  events += JSON.parse(body).events.length;
  return { success: true, message: 'ok' };
}

const server = createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const body = Buffer.concat(pieces);
    const isPacked = request.headers['content-encoding'] === 'gzip';
    const answer = JSON.stringify(answerTo(request.url, isPacked ? gunzipSync(body) : body));
    setTimeout(() => response.setHeader('content-type', 'application/json').end(answer), AWAY_MS);
  });
});

process.on('message', () => process.send({ events }));
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
