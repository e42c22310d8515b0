-- Writes events into queues, as channels_redis 4.3 does: drop what is older than
-- the expiry, add while there is room, renew the key's life.
--
-- ARGV: 1 kind ('group' or 'queue'), 2 prefix, 3 capacity, 4 expiry, 5 oldest
-- score of a message, 6 oldest score of a membership, 7 '1' when this is a
-- repeated attempt; then score and body of each event.
-- KEYS: the group's key, or the queue's.
-- Returns how many (event, queue) pairs were stored and how many found no room.
local kind, prefix, capacity, expiry, stale = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local again = ARGV[7] == '1'
local events = (#ARGV - 7) / 2
local stored, full = 0, 0

-- A key of another type can never be a queue: nothing fits, and nobody else is
-- held up by it.
local function trimmed(key)
  local answer = redis.pcall('ZREMRANGEBYSCORE', key, 0, stale)
  if type(answer) ~= 'table' or not answer.err then return true end
  if string.find(answer.err, 'WRONGTYPE', 1, true) then return false end
  error(answer.err)
end

-- Puts all events, each with the tail behind it, into one queue.
local function put(key, tail)
  if not trimmed(key) then
    full = full + events
    return
  end
  local room = capacity - redis.call('ZCARD', key)
  local add, n = {}, 0
  for i = 8, #ARGV, 2 do
    local member = ARGV[i + 1] .. tail
    local there = again and redis.call('ZSCORE', key, member)
    if there or room > 0 then
      if not there then room = room - 1 end
      add[n + 1], add[n + 2] = ARGV[i], member
      n = n + 2
    else
      full = full + 1
    end
  end
  if n > 0 then
    redis.call('ZADD', key, unpack(add))
    redis.call('EXPIRE', key, expiry)
    stored = stored + n / 2
  end
end

-- Whether a name may stand in msgpack as text. Members are read as they are
-- found, and one that is not UTF-8 would make its reader fail.
local function utf8(name)
  if not string.find(name, '[\128-\255]') then return true end
  for _, sequence in ipairs({
    '[\194-\223][\128-\191]', '\224[\160-\191][\128-\191]', '\237[\128-\159][\128-\191]',
    '[\225-\236\238\239][\128-\191][\128-\191]', '\240[\144-\191][\128-\191][\128-\191]',
    '[\241-\243][\128-\191][\128-\191][\128-\191]', '\244[\128-\143][\128-\191][\128-\191]',
  }) do
    name = string.gsub(name, sequence, '?')
  end
  return not string.find(name, '[\128-\255]')
end

local function bytes16(n) return math.floor(n / 256), n % 256 end

local function packed(name)
  local n = #name
  if n < 32 then return string.char(160 + n) .. name end
  if n < 256 then return string.char(217, n) .. name end
  return string.char(218, bytes16(n)) .. name
end

-- The list of the names that share one queue, as msgpack.
local function list(names)
  local n = #names
  local head
  if n < 16 then
    head = string.char(144 + n)
  elseif n < 65536 then
    head = string.char(220, bytes16(n))
  else
    local high = math.floor(n / 65536)
    head = string.char(221, math.floor(high / 256), high % 256, bytes16(n % 65536))
  end
  return head .. table.concat(names)
end

if kind == 'queue' then
  put(KEYS[1], '')
  return {stored, full}
end

redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, ARGV[6])
local queues, order = {}, {}
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if #name < 65536 and utf8(name) then
    local mark = string.find(name, '!', 1, true)
    local queue = mark and string.sub(name, 1, mark) or name
    if not queues[queue] then
      queues[queue] = {}
      order[#order + 1] = queue
    end
    table.insert(queues[queue], packed(name))
  end
end
for _, queue in ipairs(order) do
  put(prefix .. queue, list(queues[queue]))
end
return {stored, full}
