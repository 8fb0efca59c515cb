/*
 * Talks to the OS keyring on behalf of ask-keyring.ts, which starts this process, and kills it when the keyring does not
 * answer. Reads one JSON request from stdin; writes the secret in hex to stdout.
 */
import { readFileSync, writeSync } from 'node:fs';
import type * as KeyringModule from '@napi-rs/keyring';

const SERVICE = 'kilometers';

type KeyringRequest = { readonly operation: 'get' | 'set'; readonly name: string; readonly secret?: string };

const request = JSON.parse(readFileSync(0, 'utf8')) as KeyringRequest;
// Optional: where it is not installed, this fails, and the key is kept in a file.
const { Entry }: typeof KeyringModule = await import('@napi-rs/keyring');
// Without naming the store, an absent Secret Service looks like an absent entry.
const entry = new Entry(SERVICE, request.name, { linux: { store: 'secret-service' } });
if (request.operation === 'set' && request.secret !== undefined) entry.setPassword(request.secret);
writeSync(1, entry.getPassword() ?? '');
