/** Secrets (keys, client secrets, tokens, device codes) stand here as SHA-256 only. Times are milliseconds. */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS account (
  subject TEXT PRIMARY KEY,
  tier TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS api_key (
  hash TEXT PRIMARY KEY,
  subject TEXT NOT NULL REFERENCES account (subject),
  created_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER
) STRICT;

CREATE TABLE IF NOT EXISTS client (
  client_id TEXT PRIMARY KEY,
  secret_hash TEXT NOT NULL,
  subject TEXT NOT NULL REFERENCES account (subject)
) STRICT;

CREATE TABLE IF NOT EXISTS signing_key (
  kid TEXT PRIMARY KEY,
  private_jwk TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS family (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL REFERENCES account (subject),
  scope TEXT NOT NULL,
  grant_type TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER,
  revoked_because TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS refresh_token (
  hash TEXT PRIMARY KEY,
  family_id TEXT NOT NULL REFERENCES family (id),
  expires_at_ms INTEGER NOT NULL,
  consumed_at_ms INTEGER,
  sealed_answer BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS refresh_token_family ON refresh_token (family_id);

CREATE TABLE IF NOT EXISTS access_token (
  hash TEXT PRIMARY KEY,
  family_id TEXT NOT NULL REFERENCES family (id),
  scope TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS access_token_family ON access_token (family_id);
CREATE INDEX IF NOT EXISTS access_token_expiry ON access_token (expires_at_ms);

CREATE TABLE IF NOT EXISTS device_code (
  hash TEXT PRIMARY KEY,
  user_code TEXT NOT NULL UNIQUE,
  scope TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  interval_ms INTEGER NOT NULL,
  polled_at_ms INTEGER,
  state TEXT NOT NULL,
  subject TEXT REFERENCES account (subject)
) STRICT;

CREATE TABLE IF NOT EXISTS event (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  timestamp TEXT NOT NULL,
  direction TEXT NOT NULL,
  method TEXT,
  payload BLOB NOT NULL,
  size INTEGER NOT NULL,
  correlation_id TEXT NOT NULL,
  batch_correlation_id TEXT NOT NULL,
  cli_version TEXT NOT NULL,
  subject TEXT NOT NULL,
  received_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS counter (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL,
  last_at_ms INTEGER NOT NULL
) STRICT;
`;

/** What every version has made; one that is added later is missing in older databases, and is not to be named here. */
export const TABLES = [
  'account',
  'api_key',
  'client',
  'signing_key',
  'family',
  'refresh_token',
  'access_token',
  'device_code',
  'event',
  'counter',
] as const;
