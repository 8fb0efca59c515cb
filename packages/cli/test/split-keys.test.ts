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
  const farAway = (characters: number) => ({ numbers: Array.from({ length: characters / 2 }, () => 1) });
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
    [
      'what a search found in other files',
      [BEGIN, 'src/my-server.ts:12:  if (isThere) return theKeyThatWasReadBefore', 'src/my-server.ts-13-}'],
    ],
    [
      'a list in prose',
      [BEGIN, '- averylongwordthatbegins an item', '> averylongwordthatbegins a quotation'],
    ],
    ['what stands far from it and has another name', { text: BEGIN, a: 1, ...farAway(300), b: LINE }],
    ['what stands far from it and has the same name', [{ text: BEGIN, ...farAway(2_000) }, { text: LINE }]],
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
    ['a number and an arrow', (line: string, n: number) => `${String(n).padStart(6)}→${line}`],
    [
      'a number and the bytes of an arrow',
      (line: string, n: number) => `${n}${Buffer.from('→').toString('latin1')}${line}`,
    ],
    ['a number, as grep -n -A writes it', (line: string, n: number) => `${n}${n === 1 ? ':' : '-'}${line}`],
    [
      'a file and a number, as grep -n -A writes them',
      (line: string, n: number) => ['./my-keys/id_rsa', n, line].join(n === 1 ? ':' : '-'),
    ],
    ['a mark of a quotation', (line: string) => `> ${line}`],
    ['a mark of a list', (line: string) => `- ${line}`],
    ['marks of a change', (line: string, n: number) => `${n % 2 === 0 ? '+' : '-'}${line}`],
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

  test.each([
    ['in the middle of the end', `-----END PRIV`, `ATE KEY-----\n`],
    ['in the first word of the end', '-----EN', 'D PRIVATE KEY-----\n'],
    ['in the dashes', '--', '---END PRIVATE KEY-----\n'],
    ['before the last dash', '-----END PRIVATE KEY----', '-\n'],
  ])('in pieces cut %s', (_, begun, rest) => {
    for (const last of [`${LINE}\n${SHORT}\n${begun}`, `${SHORT}\n${begun}`]) {
      const pieces = [`${BEGIN}\n${LINE}\n`, last, rest];
      for (const value of [pieces, pieces.map((text, index) => ({ type: 'delta', index, text }))])
        expect(redacted(JSON.stringify(value))).not.toMatch(/MIIE|Us8c/);
    }
  });

  const file = '/home/user/project/secrets/id_rsa.pem';
  test.each([
    [
      'as a search tells its lines as JSON',
      (line: string, n: number) => {
        const match = { match: { text: line.slice(0, 10) }, start: 0, end: 10 };
        const at = { line_number: n, absolute_offset: n * 65, submatches: [match] };
        return { type: 'match', data: { path: { text: file }, lines: { text: `${line}\n` }, ...at } };
      },
    ],
    [
      'as a search tells its lines with much about each',
      (line: string, n: number) => {
        const context = { before: null, after: null };
        return { file, lineNumber: n, column: 1, content: line, context };
      },
    ],
  ])('%s', (_, found) => {
    const lines = [BEGIN, LINE, LINE, SHORT, END].map((line, index) => found(line, index + 1));
    for (const text of [
      JSON.stringify({ text: lines.map((line) => JSON.stringify(line)).join('\n') }),
      JSON.stringify({ content: [{ type: 'text', text: JSON.stringify({ lines }, null, 2) }] }),
    ]) {
      const result = redacted(text);
      expect(result).not.toMatch(/DANBgkqh|Us8cKjM/);
      expect(result).toContain(file);
      expect(() => JSON.parse(result) as unknown).not.toThrow();
    }
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
  ['marks and numbers before a line', `["${BEGIN}","${'a-1-'.repeat(50_000)}"]`],
  ['words with marks and numbers', `["${BEGIN}","${`${'a-1'.repeat(60)} `.repeat(1_000)}"]`],
  ['dashes between', `["${BEGIN}",${'-'.repeat(100_000)}"a"]`],
  ['dashes at the end of a string', `["${BEGIN}","${LINE}\\n${'-'.repeat(100_000)}"]`],
  ['beginnings of an end', `["${BEGIN}",${`"${LINE}\\n-----END A","a",`.repeat(5_000)}"b"]`],
  ['keys far from all', `"text":"${BEGIN}",${'1,'.repeat(600)}`.repeat(500)],
  ['many keys with many strings', `"${BEGIN}","a","b","c","d",`.repeat(2_000)],
])('takes time in proportion to the length: %s', (_, text) => {
  const before = process.cpuUsage();
  withoutObviousSecrets(text);
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
});
