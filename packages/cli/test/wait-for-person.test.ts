import { PassThrough } from 'node:stream';
import { AuthError } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { waitForPerson } from '../src/login/wait-for-person.js';
import { contextWith } from './support/context.js';

test('a signal that comes while the person is still being told what to do gives the login up', async () => {
  const listeners: ((signal: NodeJS.Signals) => void)[] = [];
  const context = contextWith(
    { CI: 'true' },
    {
      stderr: () => new PassThrough(),
      onSignal: (listener) => {
        listeners.push(listener);
        return () => listeners.splice(0);
      },
    },
  );
  const login = waitForPerson<string>(
    {
      what: 'waiting',
      tell: () => {
        for (const listener of listeners) listener('SIGTERM');
      },
      wait: ({ signal }) =>
        signal.aborted
          ? Promise.reject(new AuthError('KM_AUTH_ABORTED', 'given up'))
          : Promise.resolve('a login'),
      giveBack: () => Promise.resolve(),
    },
    context,
  );
  await expect(login).rejects.toMatchObject({
    exitCode: 143,
    message: 'the login was given up; nothing was stored',
  });
  expect(listeners).toEqual([]);
});
