import { describe, expect, test } from 'vitest';
import { startApi, storedEvents, textOf } from './support/api.js';
import { accountAt } from './support/km.js';
import { closeOnceStored, connectToEverything, type McpSession } from './support/mcp-session.js';
import { until } from './support/until.js';

/** All kinds of things that a client asks, and what it hears on the side. */
async function tour({ client }: McpSession) {
  // The client forgets whom to tell as soon as the answer is there, so what is told is not compared.
  const onprogress = () => undefined;
  const tools = await client.listTools();
  return [
    client.getServerVersion(),
    client.getServerCapabilities(),
    client.getInstructions(),
    tools,
    await client.callTool({ name: 'echo', arguments: { message: 'as it was: é \u2028 \\u0000' } }),
    await client.callTool({ name: 'get-sum', arguments: { a: 2, b: 40 } }),
    await client.callTool({ name: 'get-tiny-image', arguments: {} }),
    await client.callTool({ name: 'get-structured-content', arguments: { location: 'Chicago' } }),
    await client.callTool({ name: 'get-sum', arguments: { a: 'not a number' } }),
    await client.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'hello', maxTokens: 5 } }),
    await client.callTool({ name: 'get-roots-list', arguments: {} }),
    await client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 4 } },
      undefined,
      { onprogress },
    ),
    await client.listResources(),
    await client.listResourceTemplates(),
    await client.readResource({ uri: 'demo://resource/static/document/architecture.md' }),
    await client.listPrompts(),
    await client.getPrompt({ name: 'args-prompt', arguments: { city: 'Chicago' } }),
    await client.ping(),
    await client.readResource({ uri: 'demo://resource/none' }).catch((error: unknown) => String(error)),
    await Promise.all(
      Array.from({ length: 40 }, (_, a) => client.callTool({ name: 'get-sum', arguments: { a, b: 1 } })),
    ),
  ];
}

describe('a real client and a real server', () => {
  test('hear through km exactly what they hear without it', async () => {
    const api = await startApi();
    const direct = await tour(await connectToEverything());
    const session = await connectToEverything(accountAt(api.url));
    const through = await tour(session);
    expect(through).toEqual(direct);
    const steps = session.messages.filter(
      ({ message }) => 'method' in message && message.method === 'notifications/progress',
    );
    expect(steps).toHaveLength(4);
    await closeOnceStored(session, api);
    expect(session.stderr()).not.toContain('km:');
  });

  test('leave every message at the API: once, in order, with its bytes, direction and method', async () => {
    const api = await startApi();
    const session = await connectToEverything(accountAt(api.url));
    await tour(session);
    await closeOnceStored(session, api);

    const events = storedEvents(api);
    expect(events).toHaveLength(session.messages.length);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(new Set(events.map(({ correlationId }) => correlationId)).size).toBe(1);
    for (const direction of ['outbound', 'inbound'] as const) {
      const stored = events.filter((event) => event.direction === direction);
      const seen = session.messages.filter((each) => each.direction === direction);
      expect(stored.map((event) => JSON.parse(textOf(event)) as unknown)).toEqual(
        seen.map(({ message }) => message),
      );
      expect(stored.every((event) => event.size === event.payload.length)).toBe(true);
    }
    const requests = session.messages.filter(({ message }) => 'method' in message);
    const methodsAsked = new Set(requests.map(({ message }) => 'method' in message && message.method));
    expect(new Set(events.map(({ method }) => method))).toEqual(methodsAsked);
    for (const event of events) {
      const message = JSON.parse(textOf(event)) as { readonly id?: number; readonly method?: string };
      if (message.method !== undefined) expect(event.method).toBe(message.method);
    }
  });

  test('go on for several lifetimes of a token, and nobody ever sees a 401', async () => {
    // A token is not sent in the last tenth of its life: on a busy machine a request may take that long to get there.
    const api = await startApi({ tokenTtlMs: 5_000 });
    const session = await connectToEverything(accountAt(api.url));
    await until('three refreshes', async () => {
      await session.client.ping();
      return api.store.counters.read().refreshed >= 3;
    });
    await closeOnceStored(session, api);
    expect(storedEvents(api)).toHaveLength(session.messages.length);
    expect(api.store.counters.read()).toMatchObject({ accessRefused: 0, refused: 0, reuseDetected: 0 });
    expect(api.store.counters.read().issued.api_key).toBe(1);
  });
});
