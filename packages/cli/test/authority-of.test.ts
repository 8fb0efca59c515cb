import { describe, expect, test } from 'vitest';
import { authorityOf } from '../src/revocation/authority-of.js';

const provider = { issuer: 'https://id.example', clientId: 'cli' };
const apiEndpoint = 'https://api.example/v2';
const key = (credential: string, apiOrigin = 'https://id.example') => ({
  ...{ apiOrigin, profile: 'work', credential },
});

describe('who is told that a token is over', () => {
  test('is the issuer of the login that it is of', () => {
    const grant = key('login:1:abc');
    const logins = [
      { grant: { ...grant, profile: 'home' }, apiEndpoint },
      { grant, apiEndpoint, provider },
    ];
    expect(authorityOf(grant, logins)).toEqual({ apiEndpoint, oauth: { provider } });
  });

  test.each([['login:1:abc'], ['login:a:b:abc'], ['oauth:abc:client_credentials:0123']])(
    'is nobody for %s, whose login nobody remembers: a token of an issuer is not for the Kilometers API',
    (credential) => {
      const atSameOrigin = { grant: key('key:0123'), apiEndpoint: 'https://id.example' };
      expect(authorityOf(key(credential), [atSameOrigin])).toBeUndefined();
    },
  );

  test.each([['key:0123'], ['client:a:b:0123'], ['login:'], ['login:1']])(
    'is the Kilometers API for %s, also where no login is left of it',
    (credential) => {
      const grant = key(credential, 'https://api.example');
      expect(authorityOf(grant, [])).toEqual({ apiEndpoint: 'https://api.example' });
      // The endpoint that was logged in to may have a path of its own.
      expect(authorityOf(grant, [{ grant: key('key:4567'), apiEndpoint }])).toEqual({ apiEndpoint });
    },
  );
});
