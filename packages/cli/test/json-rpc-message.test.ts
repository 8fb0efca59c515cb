import {
  assert as check,
  constantFrom,
  integer,
  jsonValue,
  oneof,
  property,
  record,
  string,
} from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readMessage } from '../src/monitor/json-rpc-message.js';
import type { Line } from '../src/monitor/line-splitter.js';

function lineOf(text: string | Buffer): Line {
  const bytes = Buffer.from(text);
  return { kind: 'whole', bytes, size: bytes.length };
}

function oversizedLineOf(text: string): Line {
  const bytes = Buffer.from(text);
  return {
    kind: 'oversized',
    head: bytes.subarray(0, 64 * 1024),
    tail: bytes.subarray(-1024),
    size: bytes.length,
    sha256: '',
  };
}

const large = 'é"\\{}[],:'.repeat(20_000);

describe('reading a message', () => {
  test('tells requests, notifications and responses apart', () => {
    expect(readMessage(lineOf('{"jsonrpc":"2.0","id":1,"method":"ping"}'))).toEqual({
      kind: 'request',
      id: 1,
      method: 'ping',
    });
    expect(readMessage(lineOf('{"jsonrpc":"2.0","method":"notifications/initialized"}'))).toEqual({
      kind: 'notification',
      method: 'notifications/initialized',
    });
    expect(readMessage(lineOf('{"jsonrpc":"2.0","id":"a","result":{}}'))).toEqual({
      kind: 'response',
      id: 'a',
    });
    expect(readMessage(lineOf('{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}'))).toEqual({
      kind: 'response',
      id: null,
      error: { code: -32700 },
    });
  });

  test.each([
    ['an error without an id, as MCP allows', { error: { code: -32700, message: 'Parse error' } }],
    ['an error of an id that is none', { id: {}, error: { code: -32600 } }],
    ['a result of an id that is too long', { id: 'x'.repeat(1_025), result: {} }],
  ])('takes for a response to nobody knows what: %s', (_, answer) => {
    const { error } = answer as { readonly error?: object };
    const expected = { kind: 'response', id: null, ...(error === undefined ? {} : { error }) };
    expect(readMessage(lineOf(JSON.stringify({ jsonrpc: '2.0', ...answer })))).toEqual(expected);
    expect(readMessage(lineOf(JSON.stringify([answer])))).toEqual({ kind: 'batch', messages: [expected] });
  });

  test('keeps the start of what an error says, without a secret that does not end there', () => {
    const secret = `eyJhbGciOiJIUzI1NiJ9.${'x'.repeat(200)}.signature`;
    const message = `${'.'.repeat(900)} ${secret} ${'.'.repeat(900)}`;
    const found = readMessage(lineOf(JSON.stringify({ id: 1, error: { code: 1, message } })));
    expect(found).toEqual({
      kind: 'response',
      id: 1,
      error: { code: 1, message: message.replace(secret, '[redacted]').slice(0, 1_024) },
    });
  });

  test('reads a line that ends in a carriage return', () => {
    expect(readMessage(lineOf('{"id":1,"method":"ping"}\r'))).toMatchObject({ method: 'ping' });
  });

  test('takes a batch as one, with the messages in it', () => {
    expect(readMessage(lineOf('[{"id":1,"method":"a"},{"method":"b"},{"id":2,"result":1}]'))).toEqual({
      kind: 'batch',
      messages: [
        { kind: 'request', id: 1, method: 'a' },
        { kind: 'notification', method: 'b' },
        { kind: 'response', id: 2 },
      ],
    });
  });

  test('does not read a batch of more than 8 MiB, nor an error in one that says more than 64 KiB', () => {
    const message = 'x'.repeat(64 * 1024 + 1);
    const batch = (count: number) =>
      JSON.stringify(Array.from({ length: count }, (_, id) => ({ id, error: { code: 1, message } })));
    expect(readMessage(lineOf(batch(1)))).toEqual({
      kind: 'batch',
      messages: [{ kind: 'response', id: 0, error: { code: 1 } }],
    });
    expect(readMessage(lineOf(batch(128)))).toEqual({ kind: 'batch', messages: [] });
  });

  test.each([
    '',
    'Server started',
    '{',
    '{}',
    '[]',
    '[1]',
    '42',
    'null',
    '"ping"',
    '{"id":1}',
    '{"result":1}',
    '{"level":"error","error":"it broke"}',
    '{"error":{"stack":"at line 1"}}',
    '\u0000{',
  ])('finds no message in %j', (text) => {
    expect(readMessage(lineOf(text))).toBeUndefined();
  });

  test.each([
    [
      'id last, as the TypeScript SDK writes',
      { method: 'tools/call', params: { large }, jsonrpc: '2.0', id: 7 },
    ],
    ['id first, as others write', { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { large } }],
    ['id in the middle', { method: 'tools/call', id: 7, params: { large }, jsonrpc: '2.0' }],
    ['a text as id', { method: 'tools/call', params: { large }, id: 'seven é' }],
    ['a large value before the method', { id: 7, method: 'tools/call', params: [large, { large }] }],
  ])('finds method and id of a large request without parsing it: %s', (_, message) => {
    const expected = { kind: 'request', id: message.id, method: 'tools/call' };
    const text = JSON.stringify(message);
    expect(readMessage(lineOf(text))).toEqual(expected);
    expect(readMessage(oversizedLineOf(text))).toEqual(expected);
  });

  test('finds the id of a large response at either end', () => {
    for (const message of [
      { result: { large }, jsonrpc: '2.0', id: 7 },
      { jsonrpc: '2.0', id: 7, result: { large } },
    ]) {
      expect(readMessage(lineOf(JSON.stringify(message)))).toEqual({ kind: 'response', id: 7 });
    }
  });

  test('is not misled by members of inner objects, or by text that looks like members', () => {
    const inner = { id: 99, method: 'wrong', text: '"id":98,"method":"wrong"}' };
    const message = { method: 'right', params: { inner, large, again: [inner] }, jsonrpc: '2.0', id: 7 };
    expect(readMessage(lineOf(JSON.stringify(message)))).toEqual({ kind: 'request', id: 7, method: 'right' });
    const last = { id: 7, method: 'right', params: { large, inner } };
    expect(readMessage(lineOf(JSON.stringify(last)))).toEqual({ kind: 'request', id: 7, method: 'right' });
  });

  test('reads a large message as parsing it would, whatever is in it', () => {
    const filler = 'x'.repeat(70_000);
    const id = oneof(integer(), string(), constantFrom(null));
    check(
      property(
        record({ method: string(), id, params: jsonValue(), other: jsonValue() }),
        constantFrom(
          ['method', 'params', 'other', 'filler', 'id'],
          ['id', 'filler', 'method', 'other', 'params'],
        ),
        (members, order) => {
          const values = { ...members, filler } as Readonly<Record<string, unknown>>;
          const text = JSON.stringify(Object.fromEntries(order.map((name) => [name, values[name]])));
          const found = readMessage(lineOf(text));
          // What lies between the ends may stay unseen, but what is seen is right.
          if (found?.kind === 'request') expect(found.id).toBe(members.id);
          if (found !== undefined && 'method' in found) expect(found.method).toBe(members.method);
        },
      ),
      { numRuns: 200 },
    );
  });
});
