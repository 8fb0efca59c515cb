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
      {
        term: 'XDG_CONFIG_HOME, XDG_STATE_HOME',
        description: 'where folders of such files are; km has one named kilometers in each',
      },
      {
        term: 'XDG_RUNTIME_DIR',
        description: 'what the OS keyring gave is kept there until the session ends',
      },
      { term: 'KM_NO_TOKEN_CACHE', description: '1: tokens stay in memory' },
      { term: 'KM_CACHE_URL', description: 'the Redis that logins and tokens are kept in, for a fleet' },
      { term: 'KM_CACHE_KEY', description: 'what seals everything there: 32 bytes in base64' },
      { term: 'KM_REFRESH_AHEAD', description: 'how long before its end a token is refreshed, as in 5m' },
      { term: 'KM_RETRY_INTERVAL', description: 'the longest wait between two tries' },
      { term: 'KM_MAX_RETRIES', description: 'how many tries follow the first one' },
      { term: 'KM_CHECK_INTERVAL', description: 'how often what runs looks at its tokens' },
      {
        term: 'KM_REQUEST_TIMEOUT',
        description: 'how long a token request may take to connect, and then to be answered',
      },
      {
        term: 'KM_REFRESH_DEADLINE',
        description: 'how long a refresh is waited for where the token at hand will do',
      },
      {
        term: 'KM_QUEUE_MAX_BYTES',
        description: 'how large the queue of events may be, as in 256MiB; 0 keeps nothing on the disk',
      },
      { term: 'KM_QUEUE_MAX_AGE', description: 'how old an event in the queue may be, as in 30d' },
      { term: 'KM_NO_ANALYTICS', description: '1: nothing is recorded for km auth stats' },
      {
        term: 'KM_TOKEN, KM_TOKEN_FILE',
        description:
          'set by km auth exec for the command that it runs: the token, and with --token-file the file with the newest one',
      },
      { term: 'KM_DEBUG', description: 'true: every decision about tokens is explained' },
      { term: 'NO_COLOR', description: 'set to anything: no colours and no spinners' },
      { term: 'CI', description: 'as NO_COLOR, and nothing is asked' },
      { term: 'BROWSER', description: "the program that links are opened with, before the system's" },
      { term: 'KUBERNETES_EXEC_INFO', description: 'set by kubectl, for km auth token --format k8s' },
      { term: 'HTTPS_PROXY, ALL_PROXY, NO_PROXY', description: 'the proxy, and what is reached without it' },
      { term: 'NODE_EXTRA_CA_CERTS, SSL_CERT_FILE', description: 'certificates that are trusted besides' },
      {
        term: 'NODE_TLS_REJECT_UNAUTHORIZED',
        description: "Node's own: 0 trusts every server, which km doctor warns of",
      },
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
      { term: '130', description: 'given up with Ctrl-C' },
      {
        term: '126, 127, 128 and more',
        description: 'as the command that km monitor or km auth exec runs: 128 and the number of its signal',
      },
    ],
  },
];
