// Prints `PASSED FAILED SKIPPED` from the file that vitest's JSON reporter wrote.
// Usage: node scripts/ci/count-tests.mjs FILE EXIT_CODE_OF_VITEST
import { readFileSync } from 'node:fs';

const [file, exitCode] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;
try {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  passed = report.numPassedTests;
  failed = report.numFailedTests;
  skipped = report.numPendingTests + report.numTodoTests;
  // A file that could not be loaded has no tests to count, and is a failure all the same.
  failed += report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  ).length;
} catch (error) {
  console.error(`No test report: ${error.message}`);
}
// The build broke, an error was caught outside any test, or no test was found.
if (exitCode !== '0' && failed === 0) failed = 1;
console.log(`${passed} ${failed} ${skipped}`);
