//! What Redis does in one step. The first key is always that of the nodes, which tells the prefix of all others: they
//! have one hash tag, so that they are in one slot of a cluster. Nothing here is newer than Redis 6.0.
//!
//! | key after the prefix | what it holds | until |
//! |---|---|---|
//! | `nodes` | the nodes, by when they count as dead | 32 days |
//! | `n:NODE` | a node's open reservations: what would go back. `x` for one that must not be booked any more | 32 days |
//! | `s:NODE` | the number of the node's last parcel of settlements | 32 days |
//! | `r:DIGEST` | a rate: when it is full again (TAT), in microseconds since 2023-11-14T22:13:20Z | it is full |
//! | `b:DIGEST:END` | a budget: what is used of the period that ends then | its end |
//! | `l:DIGEST` | a level: how many places are taken | 31 days |
//!
//! Lua counts in doubles. Amounts are whole and below 2^53, so they are exact; a TAT is below 2^48 for a few years to
//! come and each booking is rounded to the nearest 1/32 of a microsecond.

use std::sync::LazyLock;

use redis::Script;

const TIME: &str = r"
local T = redis.call('TIME')
local second, now = tonumber(T[1]), (T[1] - 1700000000) * 1e6 + T[2]
local prefix = string.sub(KEYS[1], 1, -6)
local KEEP, LEVEL = '2764800000', '2678400000'
";

/// Buckets by name, written once at the end.
const BOOKS: &str = r"
local values = {}
local function book(name, amount, after)
  if values[name] == nil then values[name] = tonumber(redis.call('GET', prefix .. name)) or false end
  local value = values[name]
  if string.sub(name, 1, 1) == 'r' then
    local floor = after and now + after
    value = value and value + amount or floor or false
    values[name] = value and floor and math.max(value, floor) or value
  else
    values[name] = (value or 0) + amount
  end
end
local function give_back(record, rates)
  for name, amount in string.gmatch(record, '(%S+) (%S+)') do
    if rates or string.sub(name, 1, 1) ~= 'r' then book(name, -tonumber(amount)) end
  end
end
local function keep()
  for name, value in pairs(values) do
    local kind, left, text = string.sub(name, 1, 1), 0, ''
    if value and kind == 'r' and value > now then
      value = math.min(value, now + 2^50)
      left, text = math.ceil((value - now) / 1000) + 1, string.format('%.17g', value)
    elseif value and kind ~= 'r' and value > 0 then
      left, text = tonumber(LEVEL), string.format('%.0f', math.min(value, 2^53))
      if kind == 'b' then left = (tonumber(string.match(name, ':(%d+)$')) - second) * 1000 end
    end
    if left > 0 then redis.call('SET', prefix .. name, text, 'PX', string.format('%.0f', left))
    else redis.call('DEL', prefix .. name) end
  end
end
";

/// KEYS: nodes, the node's reservations, the buckets. ARGV: `look` or `book`, the node, the reservation, when the node
/// counts as dead (ms from now); then for each bucket its kind (a capital one can deny), amount and three figures.
const RESERVE_BODY: &str = r"
local booking = ARGV[1] == 'book'
if booking and redis.call('HEXISTS', KEYS[2], ARGV[3]) == 1 then return {2, second, T[2] + 0, 0} end
local had, value, after, waits, full = redis.call('MGET', unpack(KEYS, 3)), {}, {}, {}, false
for i = 3, #KEYS do value[KEYS[i]] = tonumber(had[i - 2]) end
for i = 1, #KEYS - 2 do
  local key, at = KEYS[i + 2], 5 * i
  local kind, n = ARGV[at], tonumber(ARGV[at + 1])
  local x, y, z = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local v, wait, class = after[key] or value[key], -1, string.upper(kind)
  if class == 'R' then
    v = math.max(v or now, now) + n * x / y
    local over = v - now - z
    if over > 0.5 then wait = math.ceil(over) end
  else
    if class == 'B' and (second < y or second >= z) then return {3, second, T[2] + 0, 0} end
    v = (v or 0) + n
    if v > x then wait = class == 'B' and math.max((z - second) * 1e6 - T[2], 1e6) or 1e6 end
  end
  waits[i] = wait
  if wait < 0 then after[key] = v elseif kind == class then full = true end
end
local joined, record = 0, {}
booking = booking and not full
if booking then
  joined = redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', now + ARGV[4] * 1000), ARGV[2])
  if joined == 1 then redis.call('PEXPIRE', KEYS[1], KEEP) end
  for i = 1, #KEYS - 2 do
    local at, amount = 5 * i, tonumber(ARGV[5 * i + 1])
    if string.upper(ARGV[at]) == 'R' then amount = amount * ARGV[at + 2] / ARGV[at + 3] end
    if waits[i] < 0 then
      record[#record + 1] = string.sub(KEYS[i + 2], #prefix + 1) .. ' ' .. string.format('%.17g', amount)
    end
  end
  redis.call('HSET', KEYS[2], ARGV[3], table.concat(record, ' '))
  redis.call('PEXPIRE', KEYS[2], KEEP)
end
local out = {full and 1 or 0, second, T[2] + 0, joined}
for i = 1, #KEYS - 2 do
  local key, at = KEYS[i + 2], 5 * i
  local class, x, y, z = string.upper(ARGV[at]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local v, left, ends, px = booking and after[key] or value[key], 0, 0, LEVEL
  if class == 'R' then
    v = math.max(v or now, now)
    left, ends = math.floor((z - (v - now)) * y / x + 0.001), math.ceil(v - now)
    px = math.ceil(ends / 1000) + 1
  else
    left = x - (v or 0)
    if class == 'B' then ends, px = (z - second) * 1e6 - T[2], (z - second) * 1000 end
  end
  if booking and waits[i] < 0 then
    redis.call('SET', key, string.format(class == 'R' and '%.17g' or '%.0f', v), 'PX', string.format('%.0f', px))
  end
  out[#out + 1], out[#out + 2], out[#out + 3] = math.max(left, 0), ends, waits[i]
end
return out
";

/// KEYS: nodes, the node's reservations, the number of its last parcel. ARGV: the parcel.
///
/// A reservation that is not there any more was given back with its node, or went with the store: what it held is
/// booked again before what changed.
const SETTLE_BODY: &str = r"
if tonumber(redis.call('GET', KEYS[3]) or 0) >= tonumber(ARGV[1]) then return {0} end
redis.call('SET', KEYS[3], ARGV[1], 'PX', KEEP)
local at = 1
local function take() at = at + 1 return ARGV[at] end
local function number() return tonumber(take()) end
for _ = 1, number() do
  local id = take()
  local record = redis.call('HGET', KEYS[2], id)
  if record then give_back(record, true) end
  redis.call('HSET', KEYS[2], id, 'x')
end
for _ = 1, number() do book(take(), number(), number()) end
for _ = 1, number() do
  local id, record = take(), take()
  local known = redis.call('HEXISTS', KEYS[2], id) == 1
  for _ = 1, number() do
    local name, held = take(), number()
    if not known then book(name, held) end
  end
  for _ = 1, number() do book(take(), number(), number()) end
  if record ~= '' then redis.call('HSET', KEYS[2], id, record)
  elseif known then redis.call('HDEL', KEYS[2], id) end
end
keep()
redis.call('PEXPIRE', KEYS[2], KEEP)
return {1}
";

/// KEYS: as for a parcel. ARGV: the node, when it counts as dead (ms from now).
///
/// Who was itself silent does not judge others: after an outage of the store all nodes seem dead.
const BEAT_BODY: &str = r"
local silent = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0) <= now
local joined = redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2] * 1000), ARGV[1])
local dead = {}
if not silent then
  dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, 4)
end
for _, dead in ipairs(dead) do
  local held = redis.call('HGETALL', prefix .. 'n:' .. dead)
  for i = 2, #held, 2 do give_back(held[i], false) end
  redis.call('DEL', prefix .. 'n:' .. dead)
  redis.call('ZREM', KEYS[1], dead)
end
keep()
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], KEEP) end
return {second, T[2] + 0, joined, redis.call('ZCARD', KEYS[1])}
";

/// KEYS: nodes. ARGV: `look` or `raise`; then for each bucket of a budget its name, the end of its period and what a log
/// says was used.
///
/// What running calls hold is not in a log yet, and what ended calls came to is in both: so the log's sum and what is held
/// is what should be counted, and nothing is ever lowered.
const RAISE_BODY: &str = r"
local held = {}
for _, node in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  for _, record in ipairs(redis.call('HVALS', prefix .. 'n:' .. node)) do
    for name, amount in string.gmatch(record, '(%S+) (%S+)') do held[name] = (held[name] or 0) + tonumber(amount) end
  end
end
local out = {}
for at = 2, #ARGV, 3 do
  local name, ends, used = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local had, has = -1, -1
  if ends > second then
    had = tonumber(redis.call('GET', prefix .. name) or 0)
    has = math.max(had, math.min(used + (held[name] or 0), 2^53))
    if ARGV[1] == 'raise' and has > had then
      redis.call('SET', prefix .. name, string.format('%.0f', has), 'PX', string.format('%.0f', (ends - second) * 1000))
    end
  end
  out[#out + 1], out[#out + 2] = had, has
end
return out
";

pub(super) static RESERVE: LazyLock<Script> = LazyLock::new(|| Script::new(&[TIME, RESERVE_BODY].concat()));

pub(super) static SETTLE: LazyLock<Script> =
    LazyLock::new(|| Script::new(&[TIME, BOOKS, SETTLE_BODY].concat()));

pub(super) static BEAT: LazyLock<Script> = LazyLock::new(|| Script::new(&[TIME, BOOKS, BEAT_BODY].concat()));

pub(super) static RAISE: LazyLock<Script> = LazyLock::new(|| Script::new(&[TIME, RAISE_BODY].concat()));
