/*
 * What Redis does as one step. A grant has three names, which share a slot: what is stored of it, its lock, and who
 * took the lock last. A holder is a number that grows with each, and a word that nobody else has:
 *
 *   km:{ID}:grant   hash   version: changes with each write; sealed: a sealed file with the two halves of the grant
 *   km:{ID}:lock    string the holder, for as long as it shows that it lives
 *   km:{ID}:last    string the holder that took the lock last: the fencing token; with `released` once it gave it back
 *
 * Each script may be run twice for one question, when the first answer was lost, and then answers the same.
 */

/** An owner that shows no life for so long is taken for dead, in milliseconds. */
export const LOCK_LIFE_MS = 4_000;

/** `held(token)`: whether nobody has taken the lock since that holder did. */
const HELD = `
local function held(lock, last, token)
  local now = redis.call('GET', lock)
  if now then return now == token end
  return redis.call('GET', last) == token
end
`;

/**
 * KEYS lock, last, grant. ARGV word, holder's description, life of the lock and of its memory in ms, version that is
 * known or '-'. Answers `{'taken', token}`, `{'held', token of another, version}` or `{'changed', '', version}`.
 */
export const TAKE = `
local now = redis.call('GET', KEYS[1])
local version = redis.call('HGET', KEYS[3], 'version') or ''
if now and string.find(now, ARGV[1], 1, true) then return {'taken', now, version} end
if ARGV[5] ~= '-' and ARGV[5] ~= version then return {'changed', '', version} end
if now then return {'held', now, version} end
local last = redis.call('GET', KEYS[2]) or ''
local number = (tonumber(string.match(last, '^%d+')) or 0) + 1
local token = string.format('%d', number) .. ' ' .. ARGV[1] .. ' ' .. ARGV[2]
redis.call('SET', KEYS[1], token, 'NX', 'PX', ARGV[3])
redis.call('SET', KEYS[2], token, 'PX', ARGV[4])
return {'taken', token, version}
`;

/** KEYS lock, last. ARGV token, life in ms. Answers whether the lock is still held, by now for another life. */
export const RENEW = `${HELD}
if not held(KEYS[1], KEYS[2], ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/**
 * KEYS lock, last. ARGV token. Frees the lock, if it is this holder's, and says so where it is remembered: a sign of life
 * that arrives later must not bring the lock back.
 */
export const RELEASE = `
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('SET', KEYS[2], ARGV[1] .. ' released', 'KEEPTTL')
end
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

/**
 * KEYS grant, lock, last. ARGV token or '', version it was made from, its own version, sealed or '' to remove, life in
 * ms or '' for ever, life of the lock in ms. Answers `stored`, `changed` where another wrote meanwhile, or `overtaken`. A
 * holder whose lock is over by then takes it again: it goes on with what it stores, and nobody else may at once.
 */
export const STORE = `${HELD}
local version = redis.call('HGET', KEYS[1], 'version') or ''
if version == ARGV[3] then return 'stored' end
if ARGV[1] ~= '' then
  if not held(KEYS[2], KEYS[3], ARGV[1]) then return 'overtaken' end
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[6])
end
if version ~= ARGV[2] then return 'changed' end
if ARGV[4] == '' then
  redis.call('DEL', KEYS[1])
  return 'stored'
end
redis.call('HSET', KEYS[1], 'version', ARGV[3], 'sealed', ARGV[4])
if ARGV[5] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
return 'stored'
`;

/**
 * KEYS hash. ARGV field, its value as it was read or '' for none, its next one or '' to remove it, field of what is kept of
 * it besides, and the value of that or '' for nothing. Changes nothing where the field has another value by now; answers
 * whether it has the next one.
 */
export const CHANGE_FIELD = `
local now = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if now == ARGV[3] then return 1 end
if now ~= ARGV[2] then return 0 end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], ARGV[4], ARGV[5]) end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
`;
