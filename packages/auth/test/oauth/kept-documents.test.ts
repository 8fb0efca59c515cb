import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createDocumentFile, type StoredDocument } from '../../src/index.js';
import { fakeClock } from '../support/fake-clock.js';
import type { Reply } from '../support/http-server.js';
import { outcomeOf } from '../support/setup.js';
import { json, OAUTH_DOCUMENT, OPENID_DOCUMENT, startFakeIssuer } from './fake-issuer.js';
import { DAY } from './logged-in.js';
import { MINT, minting, MINUTE } from './minting.js';

/** Documents in memory, as a store that two providers share. */
function documentStore() {
  const kept = new Map<string, StoredDocument>();
  return {
    kept,
    get: (url: string) => Promise.resolve(kept.get(url)),
    set: (url: string, document: StoredDocument) => Promise.resolve(void kept.set(url, document)),
  };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'km-discovery-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a document that another process keeps saves the question, until it is over', async () => {
  const issuer = await startFakeIssuer();
  const clock = fakeClock();
  const documents = documentStore();
  await minting({ issuer: issuer.origin, documents, clock }).requestToken(MINT);
  await minting({ issuer: issuer.origin, documents, clock }).requestToken(MINT);
  expect(issuer.to(OPENID_DOCUMENT)).toHaveLength(1);

  clock.jumpWall(61 * MINUTE);
  await minting({ issuer: issuer.origin, documents, clock }).requestToken(MINT);
  expect(issuer.to(OPENID_DOCUMENT)).toHaveLength(2);
});

test('a document that is over still serves while the issuer cannot give a newer one', async () => {
  const issuer = await startFakeIssuer();
  const clock = fakeClock();
  const documents = documentStore();
  await minting({ issuer: issuer.origin, documents, clock }).requestToken(MINT);
  clock.jumpWall(7 * 24 * 60 * MINUTE);
  issuer.replies.set(OPENID_DOCUMENT, () => ({ status: 503 }));

  const { token } = await minting({ issuer: issuer.origin, documents, clock }).requestToken(MINT);

  expect(token.reveal()).toBe('access-2');
});

const REFUSALS = [302, 401, 403, 404, 410].map((status): [number, () => Reply] => [
  status,
  () => ({ status, headers: status === 302 ? { location: 'https://portal.example/' } : {} }),
]);

/** An issuer in whose place something else answers for its documents, and with what it was known by until then. */
async function hiddenIssuer(reply: () => Reply) {
  const issuer = await startFakeIssuer();
  const clock = fakeClock();
  const options = { issuer: issuer.origin, documents: documentStore(), clock };
  const hide = (afterMs: number): void => {
    clock.jumpWall(afterMs);
    issuer.replies.set(OPENID_DOCUMENT, reply);
    issuer.replies.set(OAUTH_DOCUMENT, reply);
  };
  return { issuer, clock, options, hide };
}

test.each(REFUSALS)(
  'a %d in place of a document that is known says nothing of the issuer',
  async (_, reply) => {
    const { options, clock, hide, issuer } = await hiddenIssuer(reply);
    const onlyInMemory = minting({ ...options, documents: undefined });
    await onlyInMemory.requestToken(MINT);
    await minting(options).requestToken(MINT);
    hide(61 * MINUTE);

    expect((await minting(options).requestToken(MINT)).token.reveal()).toBe('access-3');
    expect((await onlyInMemory.requestToken(MINT)).token.reveal()).toBe('access-4');

    const asked = issuer.to(OPENID_DOCUMENT).length;
    await onlyInMemory.requestToken(MINT);
    expect(issuer.to(OPENID_DOCUMENT), 'a refusal is not asked for with each token').toHaveLength(asked);
    clock.jumpWall(MINUTE);
    await onlyInMemory.requestToken(MINT);
    expect(issuer.to(OPENID_DOCUMENT)).toHaveLength(asked + 1);
  },
);

test.each(REFUSALS)('a %d counts once the document that is known is 30 days old', async (status, reply) => {
  const { options, hide } = await hiddenIssuer(reply);
  const onlyInMemory = minting({ ...options, documents: undefined });
  await onlyInMemory.requestToken(MINT);
  await minting(options).requestToken(MINT);
  hide(30 * DAY);

  for (const provider of [onlyInMemory, minting(options)])
    expect(await outcomeOf(provider.requestToken(MINT))).toMatchObject({
      code: status === 302 ? 'KM_AUTH_UNREACHABLE' : 'KM_AUTH_CONFIGURATION',
      failure: { status, isAnswerLost: false },
    });
});

test('the document of another issuer counts although another one is known', async () => {
  const { options, hide, issuer } = await hiddenIssuer(() => json({ issuer: 'https://evil.example' }));
  await minting(options).requestToken(MINT);
  hide(61 * MINUTE);

  expect(await outcomeOf(minting(options).requestToken(MINT))).toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
    message: expect.stringContaining('another issuer') as string,
  });
  expect(issuer.to('/token')).toHaveLength(1);
});

test('a kept document that is damaged, of another issuer, or from the future is had again', async () => {
  const issuer = await startFakeIssuer();
  const clock = fakeClock();
  const url = new URL(issuer.origin).href;
  const fetchedAtMs = clock.nowMs();
  const freshUntilMs = fetchedAtMs + MINUTE;
  const evil = JSON.stringify({
    issuer: 'https://evil.example',
    token_endpoint: 'https://evil.example/token',
  });
  for (const [asked, bad] of [
    { text: '{"issuer":', fetchedAtMs, freshUntilMs },
    { text: evil, fetchedAtMs, freshUntilMs },
    { text: evil, fetchedAtMs: fetchedAtMs + 60 * MINUTE, freshUntilMs: fetchedAtMs + 120 * MINUTE },
  ].entries()) {
    const documents = documentStore();
    documents.kept.set(url, bad);

    await minting({ issuer: issuer.origin, documents, clock }).requestToken(MINT);

    expect(issuer.to(OPENID_DOCUMENT)).toHaveLength(asked + 1);
  }
});

test('documents in a file outlive the process, and a file that is damaged counts as empty', async () => {
  const issuer = await startFakeIssuer();
  const folder = temporaryFolder();
  const options = { issuer: issuer.origin, documents: createDocumentFile({ folder, random: () => 0 }) };
  await minting(options).requestToken(MINT);
  await minting({ ...options, documents: createDocumentFile({ folder, random: () => 0 }) }).requestToken(
    MINT,
  );
  expect(issuer.to(OPENID_DOCUMENT)).toHaveLength(1);
  expect(statSync(join(folder, '.discovery')).mode & 0o777).toBe(0o600);

  writeFileSync(join(folder, '.discovery'), '{"https://');
  await minting(options).requestToken(MINT);
  expect(issuer.to(OPENID_DOCUMENT)).toHaveLength(2);
  await minting({ ...options, documents: createDocumentFile({ folder, random: () => 0 }) }).requestToken(
    MINT,
  );
  expect(issuer.to(OPENID_DOCUMENT)).toHaveLength(2);
});

test('a file of documents keeps the latest 32', async () => {
  const folder = temporaryFolder();
  const documents = createDocumentFile({ folder, random: () => 0 });
  for (let each = 0; each < 40; each += 1) {
    const document = { text: '{}', fetchedAtMs: each, freshUntilMs: each };
    await documents.set(`https://issuer-${String(each)}.example/`, document);
  }

  expect(await documents.get('https://issuer-8.example/')).toBeDefined();
  expect(await documents.get('https://issuer-7.example/')).toBeUndefined();
});

test('documents that cannot be kept cost nothing but the next question', async () => {
  const issuer = await startFakeIssuer();
  const documents = {
    get: () => Promise.reject(new Error('disk')),
    set: () => Promise.reject(new Error('disk')),
  };

  const { token } = await minting({ issuer: issuer.origin, documents }).requestToken(MINT);

  expect(token.reveal()).toBe('access-1');
});
