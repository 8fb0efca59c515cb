import { describe, expect, test } from 'vitest';
import { withoutObviousSecrets } from '../src/monitor/obvious-secrets.js';

const [BEGIN, END] = ['-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----'];
const LINE = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
const SHORT = 'Us8cKjM=';
const R = '[redacted]';

function redacted(text: string): string {
  return withoutObviousSecrets(text).text;
}

describe('what only stands near the first line of a key stays', () => {
  const file = '/home/user/project/certs/server';
  test.each([
    [
      'what a search found',
      {
        matches: [
          { line: BEGIN, file },
          { line: 'if (key) {', file: `${file}2`, id: '0123456789abcdef01234567' },
        ],
        nextCursor: 'b2Zmc2V0PTEwMCZsaW1pdD0xMDA',
      },
    ],
    [
      'prose',
      { text: `a PEM file begins with ${BEGIN} and then`, uri: file, model: 'averyclevermodel20260101' },
    ],
    ['prose in a list', [`a PEM file begins with ${BEGIN} and then`, 'averylongwordthatfillsitsstring']],
    ['a word that does not fill its string', [BEGIN, 'averylongwordthatisfollowedby then text']],
    ['a list of another name', { line: BEGIN, tags: ['averylongwordthatfillsitsstring'] }],
    ['the name of a property', [BEGIN, { averylongnameofsomeproperty: 1 }]],
  ])('%s', (_, value) => {
    for (const text of [JSON.stringify(value), JSON.stringify({ text: JSON.stringify(value, null, 2) })])
      // The string that it is in may have a key of any form.
      expect(redacted(text)).toBe(text.replace(BEGIN, R).replace(`${R} and then`, R));
  });
});

describe('the strings of a key go, whatever stands before its lines', () => {
  test.each([
    ['a tab', (line: string) => `\t${line}`],
    ['tabs and spaces', (line: string) => `\t\t  ${line}`],
    ['a new line', (line: string) => `\n${line}\r\n`],
    ['a number, as cat -n writes it', (line: string, n: number) => `${String(n).padStart(6)}\t${line}`],
    ['a number and a colon', (line: string, n: number) => `${n}:${line}`],
    ['a number in a column', (line: string, n: number) => ` ${n} | ${line}`.replace(' | ', '| ')],
  ])('%s', (_, before) => {
    const lines = [BEGIN, LINE, LINE, SHORT, END].map((line, index) => before(line, index + 1));
    for (const value of [lines, lines.map((text) => ({ type: 'text', text }))]) {
      for (const text of [JSON.stringify(value), JSON.stringify({ text: JSON.stringify(value, null, 2) })]) {
        const result = redacted(text);
        expect(result).not.toContain('MIIE');
        expect(result).not.toContain(SHORT);
        expect(result).not.toContain('-----');
        expect(() => JSON.parse(result) as unknown).not.toThrow();
        expect(redacted(result)).toBe(result);
      }
    }
  });

  test.each([
    ['in pieces of several lines', [`a\n${BEGIN}\n\t${LINE}\n\tMIIE`, `vQIB\n\t${LINE}\n`, `\t${LINE}`]],
    ['in pieces cut anywhere', [`${BEGIN}\nMIIE`, `vQIB${LINE}`, `${SHORT}\n${END}`]],
    [
      'encrypted, with what that says in the first piece',
      [`${BEGIN}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,01\n\n${LINE}`, LINE],
    ],
    ['as numbered properties', { 1: BEGIN, 2: LINE, 3: LINE }],
    ['as named properties', { line1: BEGIN, line2: LINE, line3: LINE }],
    ['as properties with names of their own', { first: BEGIN, body: LINE, rest: `${SHORT}\n${END}` }],
    ['on one line', [`${BEGIN} ${LINE} ${LINE}`, LINE]],
  ])('%s', (_, value) => {
    for (const text of [JSON.stringify(value), JSON.stringify({ text: JSON.stringify(value, null, 2) })])
      expect(redacted(text)).not.toMatch(/MIIE|vQIB|Us8c/);
  });

  test('as a property that a program puts together', () => {
    const text = JSON.stringify({ text: `{ "key": "${BEGIN}\\n" +\n  "${LINE}\\n" +\n  "${END}" }` });
    expect(redacted(text)).not.toContain('MIIE');
  });
});

test.each([
  ['backslashes behind it', `"${BEGIN}${'\\'.repeat(100_000)}x"`],
  ['backslashes in the next string', `["${BEGIN}","${'\\'.repeat(100_000)}x"]`],
  ['new lines in the next string', `["${BEGIN}","${'\\n'.repeat(50_000)}x y"]`],
  ['digits before an end', `["${BEGIN}","a","${'1'.repeat(50_000)}"]`],
  ['names', `"${BEGIN}",${'"a":"b"'.repeat(20_000)}`],
  ['many keys with many strings', `"${BEGIN}","a","b","c","d",`.repeat(2_000)],
])('takes time in proportion to the length: %s', (_, text) => {
  const startedAtMs = performance.now();
  withoutObviousSecrets(text);
  expect(performance.now() - startedAtMs).toBeLessThan(2_000);
});
