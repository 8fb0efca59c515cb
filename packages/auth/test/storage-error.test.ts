import { expect, test } from 'vitest';
import { errnoOf, newerVersion, refuse, storageError } from '../src/caches/file/storage-error.js';

test.each([
  ['ENOSPC', 'the disk is full: free some space'],
  ['EDQUOT', 'the disk quota is used up: free some space'],
  ['EROFS', 'the file system is read-only: set KM_CONFIG_DIR to a folder that can be written'],
  ['EACCES', 'permission is missing: give the folder back to its user with mode 700, or set KM_CONFIG_DIR'],
  ['EPERM', 'permission is missing: give the folder back to its user with mode 700, or set KM_CONFIG_DIR'],
  ['ENOTDIR', 'a part of the path is not a folder: set KM_CONFIG_DIR to one'],
  ['EIO', 'what the system said'],
  [undefined, 'what the system said'],
])('trouble with the disk, %s, is said so that its reader can mend it', (code, said) => {
  const cause = Object.assign(new Error('what the system said'), code !== undefined && { code });

  expect(storageError('written', '/x', cause)).toMatchObject({
    code: 'KM_AUTH_CACHE',
    message: `/x cannot be written: ${said}`,
    cause,
  });
});

test('what is no error of the file system has no code, and is said as it is', () => {
  const odd = [Object.assign(new Error('odd'), { code: 7 }), new Error('odd'), { code: 'EIO' }, 'odd'];

  expect(odd.map(errnoOf)).toEqual([undefined, undefined, undefined, undefined]);
  expect(storageError('read', '/x', 'odd').message).toBe('/x cannot be read: odd');
});

test('what is not used is an error of the cache that says why', () => {
  expect(refuse('/x', 'is a link')).toMatchObject({
    code: 'KM_AUTH_CACHE',
    message: '/x is a link; it is not used: remove it, or give it back to its user',
  });
  expect(newerVersion('/x', 2)).toMatchObject({
    code: 'KM_AUTH_CACHE',
    message: expect.stringMatching(/^\/x was written by a newer version \(format 2\)/) as string,
  });
});
