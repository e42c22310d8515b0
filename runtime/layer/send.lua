-- Writes messages into queues, as channels_redis 4.3 does: drop what is older
-- than the expiry, add while there is room, renew the key's life. Into each queue
-- go the first so many as there is room for, never a later one without those
-- before it.
--
-- ARGV: 1 kind ('group', 'queue', or 'members', which writes nothing), 2 prefix,
-- 3 capacity, 4 expiry, 5 oldest score of a message, 6 oldest score of a
-- membership, 7 '' or the time, in microseconds, after which nobody waits for
-- this call, 8 '' or, when this is a repeated attempt, a score below those of the
-- first one, 9 number of messages, 10 and 11 first and last byte of what tells
-- members apart, whomever they name; then score and body of each message; then
-- names of queues to leave alone.
-- KEYS: the group's key, or the queue's.
-- Returns how many (message, queue) pairs are stored, how many old messages were
-- dropped unread, how many bytes the lists of members took that were stored with the
-- messages, and for each queue that did not take all: its name, how
-- many it took, and its members (of a group). Of kind 'members': the group's.
local kind, prefix, capacity, expiry, stale = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local again, count, from, to = ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local answer, skip = {0, 0, 0}, {}
for i = 12 + 2 * count, #ARGV do skip[ARGV[i]] = true end

-- A call that the server comes to late would write again what a later attempt
-- wrote and somebody read, or would date it back, so that it expires too early.
if ARGV[7] ~= '' then
  local now = redis.call('TIME')
  if now[1] * 1e6 + now[2] > tonumber(ARGV[7]) then
    return redis.error_reply('LATE nobody waits for this call any more')
  end
end

-- How many messages a queue holds when the old ones are dropped; nil: it is a key
-- of another type, which can never be a queue: nothing fits, and nobody else is
-- held up by it.
local function length(key)
  local reply = redis.pcall('ZCARD', key)
  if type(reply) == 'table' and reply.err then
    if string.find(reply.err, 'WRONGTYPE', 1, true) then return nil end
    error(reply.err)
  end
  if reply == 0 then return 0 end
  local old = redis.call('ZREMRANGEBYSCORE', key, 0, stale)
  answer[2] = answer[2] + old
  return reply - old
end

-- What an earlier attempt wrote and nobody read: message number to member, and
-- the highest number. All up to that was written, and read where it is missing.
local function earlier(key)
  local there, highest = {}, 0
  if again == '' then return there, highest end
  local members = {}
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, again, '+inf')) do
    members[string.sub(member, from, to)] = member
  end
  for i = 1, count do
    there[i] = members[string.sub(ARGV[11 + 2 * i], from, to)]
    if there[i] then highest = i end
  end
  return there, highest
end

-- Puts the messages, each with the tail behind it, into one queue, and returns
-- how many it took. What is there already moves up, to stay in order with the
-- rest. A ZADD has at most 32 messages, or 32 KiB and one more, which stay in the
-- processor's cache.
local add = {}
local function put(key, tail)
  local held = length(key)
  if not held then return 0 end
  local there, written = earlier(key)
  local taken = math.max(written, math.min(count, written + capacity - held))
  local n, size, wrote = 0, 0, false
  for i = 1, taken do
    local member = there[i] or i > written and ARGV[11 + 2 * i] .. tail
    if member then
      add[n + 1], add[n + 2] = ARGV[10 + 2 * i], member
      n, size = n + 2, size + #member
    end
    if n == 64 or size > 32768 or i == taken and n > 0 then
      redis.call('ZADD', key, unpack(add, 1, n))
      n, size, wrote = 0, 0, true
    end
  end
  if wrote then redis.call('EXPIRE', key, expiry) end
  return taken
end

-- Whether a name may stand in msgpack as text. Members are read as they are
-- found, and one that is not UTF-8 would make its reader fail. Nearly all are plain
-- ASCII, for which there is a test that takes a third of a pattern's time.
local byte, max = string.byte, math.max
local function utf8(name)
  local n = #name
  if n > 0 and n < 256 and max(byte(name, 1, n)) < 128 then return true end
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

-- The list of the names that share one queue, as msgpack. Redis has that built in,
-- not every server that takes its scripts.
local list = rawget(_G, 'cmsgpack') and cmsgpack.pack or function(names)
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
  local parts = {head}
  for i, name in ipairs(names) do parts[i + 1] = packed(name) end
  return table.concat(parts)
end

-- Serves one queue and notes what became of it.
local function serve(queue, names, tail)
  local taken = 0
  if not skip[queue] then
    local list = tail(names)
    taken = put(prefix .. queue, list)
    answer[1], answer[3] = answer[1] + taken, answer[3] + taken * #list
  end
  if taken < count then
    local n = #answer
    answer[n + 1], answer[n + 2], answer[n + 3] = queue, taken, names
  end
end

if kind == 'queue' then
  serve(string.sub(KEYS[1], #prefix + 1), {}, function() return '' end)
  return answer
end

redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, ARGV[6])
if kind == 'members' then return redis.call('ZRANGE', KEYS[1], 0, -1) end

-- Neighbours often share a queue: of a name that begins like the one before it only
-- the rest is looked at, which halves the time.
local find, sub = string.find, string.sub
local queues, order, before, width, names = {}, {}, nil, nil, nil
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if before and #name < 256 and sub(name, 1, width) == before and max(byte(name, width, -1)) < 128 then
    names[#names + 1] = name
  elseif #name < 65536 and utf8(name) then
    width = find(name, '!', 1, true)
    before = width and sub(name, 1, width)
    local queue = before or name
    names = queues[queue]
    if not names then
      names = {}
      queues[queue], order[#order + 1] = names, queue
    end
    names[#names + 1] = name
  end
end
for _, queue in ipairs(order) do serve(queue, queues[queue], list) end
return answer
