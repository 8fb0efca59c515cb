// A server in a process of its own, so that it takes no time from what is measured. Answers any GET with a small
// JSON text, and any POST with a token after a while; counts token requests and notes when the answer was sent.
import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';

const ANSWER = JSON.stringify({ success: true, message: 'ok' });
const epochMs = () => performance.timeOrigin + performance.now();

let tokens = { requests: 0, firstAnswerAtMs: 0, lifetimeSeconds: 3600, delayMs: 0 };

const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  request.resume();
  if (request.method === 'GET') {
    response.end(ANSWER);
    return;
  }
  request.on('end', () => {
    tokens.requests += 1;
    const number = tokens.requests;
    setTimeout(() => {
      if (number === 1) tokens.firstAnswerAtMs = epochMs();
      response.end(
        JSON.stringify({
          access_token: `token-${number}`,
          token_type: 'Bearer',
          expires_in: tokens.lifetimeSeconds,
        }),
      );
    }, tokens.delayMs);
  });
});

process.on('message', (message) => {
  if (message.reset !== undefined) tokens = { requests: 0, firstAnswerAtMs: 0, ...message.reset };
  process.send({ tokens });
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
