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
      onWon: () => undefined,
    },
    context,
  );
  await expect(login).rejects.toMatchObject({
    exitCode: 143,
    message: 'the login was given up; nothing was stored',
  });
  expect(listeners).toEqual([]);
});

test('what was won is never without somebody who hears a signal', async () => {
  let listeners = 1;
  const heard: number[] = [];
  const context = contextWith(
    { CI: 'true' },
    { stderr: () => new PassThrough(), onSignal: () => () => (listeners -= 1) },
  );
  const won = await waitForPerson<string>(
    {
      what: 'waiting',
      tell: () => undefined,
      wait: () => Promise.resolve('a login'),
      giveBack: () => Promise.reject(new Error('it is not given back')),
      onWon: () => heard.push(listeners),
    },
    context,
  );
  // Whoever hears signals from then on was told while they were still heard here.
  expect([won, heard, listeners]).toEqual(['a login', [1], 0]);
});

test('what is given back is not won', async () => {
  let hear = (_signal: NodeJS.Signals): void => undefined;
  const context = contextWith(
    { CI: 'true' },
    {
      stderr: () => new PassThrough(),
      onSignal: (listener) => {
        hear = listener;
        return () => undefined;
      },
    },
  );
  const done: string[] = [];
  const login = waitForPerson<string>(
    {
      what: 'waiting',
      tell: () => undefined,
      wait: () => {
        hear('SIGINT');
        return Promise.resolve('a login');
      },
      giveBack: () => Promise.resolve(void done.push('given back')),
      onWon: () => done.push('won'),
    },
    context,
  );
  await expect(login).rejects.toMatchObject({ exitCode: 130 });
  expect(done).toEqual(['given back']);
});
