import type { ManSection } from './man-page.js';

/** What the man page says besides commands: what they share. */
export const MAN_SECTIONS: readonly ManSection[] = [
  {
    title: 'ENVIRONMENT',
    entries: [
      { term: 'KILOMETERS_API_KEY', description: 'an API key; goes before a login' },
      { term: 'KILOMETERS_API_ENDPOINT', description: 'the API to talk to' },
      { term: 'KM_PROFILE', description: 'the account to use' },
      { term: 'KM_CONFIG_DIR', description: 'where km keeps its files' },
      { term: 'KM_NO_TOKEN_CACHE', description: '1: tokens stay in memory' },
      { term: 'KM_REFRESH_AHEAD', description: 'how long before its end a token is refreshed, as in 5m' },
      { term: 'KM_RETRY_INTERVAL', description: 'the longest wait between two tries' },
      { term: 'KM_MAX_RETRIES', description: 'how many tries follow the first one' },
      { term: 'KM_CHECK_INTERVAL', description: 'how often what runs looks at its tokens' },
      { term: 'KM_DEBUG', description: 'true: every decision about tokens is explained' },
      { term: 'NO_COLOR', description: 'set to anything: no colours and no spinners' },
      { term: 'HTTPS_PROXY, NO_PROXY', description: 'the proxy, and what is reached without it' },
      { term: 'NODE_EXTRA_CA_CERTS, SSL_CERT_FILE', description: 'certificates that are trusted besides' },
    ],
  },
  {
    title: 'FILES',
    entries: [
      { term: '~/.config/kilometers/config.json', description: 'settings of each profile; no secret' },
      { term: '~/.config/kilometers/.credentials', description: 'logins, encrypted' },
      {
        term: '~/.config/kilometers/.auth_cache',
        description: 'tokens, encrypted; may be removed at any moment',
      },
      { term: '~/.local/state/kilometers', description: 'events that wait, encrypted, and token statistics' },
    ],
  },
  {
    title: '"EXIT STATUS"',
    entries: [
      { term: '0', description: 'done' },
      { term: '1', description: 'failed; the message says what and what to do' },
      { term: '2', description: 'wrong usage' },
      { term: '4', description: 'log in first' },
      { term: '75', description: 'try again later: the service cannot be reached' },
      {
        term: '126, 127, 128 and more',
        description: 'as the command that km monitor or km auth exec runs: 128 and the number of its signal',
      },
    ],
  },
];
