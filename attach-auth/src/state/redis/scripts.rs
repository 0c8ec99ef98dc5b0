//! What Redis does in one step. KEYS: what the store is, the rows, when they are over, the last commits.

use std::sync::LazyLock;

use redis::Script;

/// ARGV: the epoch to begin with where there is nothing at all, or nothing if that may not be.
pub(super) static LOAD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'parent', 'seq', 'head', 'rows')
if not meta[1] then
  if ARGV[1] == '' or redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4]) > 0 then return {'lost'} end
  meta = {ARGV[1], '', '0', '', '0'}
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'parent', '', 'seq', 0, 'head', '', 'rows', 0)
end
if tonumber(meta[5]) ~= redis.call('HLEN', KEYS[2]) then return {'lost'} end
return {'ok', meta[1], meta[2], meta[3], meta[4], redis.call('HGETALL', KEYS[2])}",
    )
});

/// ARGV: epoch, lowest seq there must be, length of the log, new head, the commit for the log; then for each change
/// its kind, field, end, expectation and value.
///
/// What can fail comes before the first write: Redis takes nothing back. The first write is the one to the log,
/// which refuses a number that is not new.
pub(super) static COMMIT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'head')
if meta[1] ~= ARGV[1] or tonumber(meta[2]) < tonumber(ARGV[2]) then return {'lost', 0} end
local now = tonumber(redis.call('TIME')[1])
for i = 6, #ARGV, 5 do
  local expect = ARGV[i + 3]
  if expect ~= '*' then
    local there = redis.call('HGET', KEYS[2], ARGV[i + 1])
    if there then
      local colon = string.find(there, ':', 1, true)
      local ends = tonumber(string.sub(there, 1, colon - 1))
      if ends ~= 0 and ends <= now then there = false else there = string.sub(there, colon + 1) end
    end
    local met
    if expect == '-' then met = not there else met = there == string.sub(expect, 2) end
    if not met then return {'conflict', (i - 6) / 5} end
  end
end
local seq = string.format('%d', tonumber(meta[2]) + 1)
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[3], seq .. '-0', 'p', meta[3], 'h', ARGV[4], 'b', ARGV[5])
for i = 6, #ARGV, 5 do
  local field, ends = ARGV[i + 1], ARGV[i + 2]
  redis.call('ZREM', KEYS[3], field)
  if ARGV[i] == 'p' then
    redis.call('HSET', KEYS[2], field, ends .. ':' .. ARGV[i + 4])
    if ends ~= '0' then redis.call('ZADD', KEYS[3], ends, field) end
  else
    redis.call('HDEL', KEYS[2], field)
  end
end
for _, field in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('HDEL', KEYS[2], field)
  redis.call('ZREM', KEYS[3], field)
end
redis.call('HSET', KEYS[1], 'seq', seq, 'head', ARGV[4], 'rows', redis.call('HLEN', KEYS[2]))
return {'ok', tonumber(seq)}",
    )
});

/// ARGV: new epoch, the epoch it comes after, lowest seq to begin with, whether the rows are replaced; then for each
/// row its field, end and value.
pub(super) static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local seq = math.max(tonumber(redis.call('HGET', KEYS[1], 'seq') or '0'), tonumber(ARGV[3])) + 1
redis.call('DEL', KEYS[1], KEYS[4])
if ARGV[4] == '1' then redis.call('DEL', KEYS[2], KEYS[3]) end
for i = 5, #ARGV, 3 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1] .. ':' .. ARGV[i + 2])
  if ARGV[i + 1] ~= '0' then redis.call('ZADD', KEYS[3], ARGV[i + 1], ARGV[i]) end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'parent', ARGV[2], 'seq', string.format('%d', seq), 'head', ARGV[1],
  'rows', redis.call('HLEN', KEYS[2]))
return seq",
    )
});
