// Prints the tests that failed, with the start of what each said, from the file that vitest's JSON reporter wrote: a log is
// read from its end, and theirs is far above it.
// Usage: node scripts/ci/failed-tests.mjs FILE
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const SHOWN_LINES = 12;

function print(name, message) {
  console.log(`- ${name}`);
  const lines = message.split('\n').filter((line) => line.trim() !== '' && !line.includes('/node_modules/'));
  for (const line of lines.slice(0, SHOWN_LINES)) console.log(`    ${line}`);
}

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
for (const { name, status, message, assertionResults } of testResults) {
  const file = relative(process.cwd(), name);
  const failures = assertionResults.filter((test) => test.status === 'failed');
  for (const { fullName, failureMessages } of failures) {
    print(`${file}: ${fullName}`, failureMessages.join('\n'));
  }
  if (status === 'failed' && failures.length === 0) print(file, message);
}
