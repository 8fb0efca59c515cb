// A server in a process of its own, so that it takes no time from what is measured. Answers any GET with a small
// JSON text, and any POST with a token after a while; counts token requests and notes when the answer was sent.
import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';

const ANSWER = JSON.stringify({ success: true, message: 'ok' });
const epochMs = () => performance.timeOrigin + performance.now();

let tokens = { requests: 0, firstAnswerAtMs: 0, lifetimeSeconds: 3600, delayMs: 0 };

const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  if (request.method === 'GET') {
    request.resume();
    response.end(ANSWER);
    return;
  }
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    tokens.requests += 1;
    const number = tokens.requests;
    const { refreshToken } = tokens;
    if (refreshToken !== undefined && !body.includes(refreshToken)) {
      response.statusCode = 400;
      response.end(
        JSON.stringify({ error: 'invalid_grant', error_description: 'the refresh token was used' }),
      );
      return;
    }
    // Single-use: the next one is another.
    if (refreshToken !== undefined) tokens.refreshToken = `next-${number}-${refreshToken}`;
    setTimeout(() => {
      if (number === 1) tokens.firstAnswerAtMs = epochMs();
      response.end(
        JSON.stringify({
          access_token: `token-${number}`,
          token_type: 'Bearer',
          expires_in: tokens.lifetimeSeconds,
          ...(refreshToken !== undefined && { refresh_token: tokens.refreshToken }),
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
