import { expect, test } from 'vitest';
import { messageOf } from '../src/message-of.js';

const [first, second] = [
  new Error('connect ECONNREFUSED ::1:9'),
  new Error('connect ECONNREFUSED 127.0.0.1:9'),
];

test.each<[string, unknown, string]>([
  ['an error', first, first.message],
  ['a fetch that failed', new TypeError('fetch failed', { cause: first }), first.message],
  ['a host with two addresses', new AggregateError([first, second]), first.message],
  [
    'a fetch from such a host',
    new TypeError('fetch failed', { cause: new AggregateError([first, second]) }),
    first.message,
  ],
  ['a mistake of a program', new TypeError('x is not a function'), 'x is not a function'],
  ['an error that says what it is caused by', new Error('no token', { cause: first }), 'no token'],
  ['an error without words', new RangeError(), 'RangeError'],
  ['addresses that nobody tried', new AggregateError([]), 'AggregateError'],
  ['what is no error', 'gone', 'gone'],
])('%s says what happened', (_, error, said) => {
  expect(messageOf(error)).toBe(said);
});
