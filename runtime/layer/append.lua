-- Appends events to a stream, in their order, as far as it has room. Each goes to the
-- partition of its topic, in the newest generation. What its readers have not deleted
-- counts, of all generations.
--
-- KEYS: 1 what is known of the stream, which begins the keys of its partitions, 2 the
-- names of all streams, 3 the dead letters of its readers.
-- ARGV: 1 '' or the time, in microseconds, after which nobody waits for this call, 2 name
-- of the stream, 3 version of the format, 4 number of partitions, 5 most messages, 6 most
-- bytes, 7 and 8 the same of the dead letters, 9 name of the batch, which it keeps when
-- it is sent again, or '' where it is not; then of each event: hash of the topic, what is to be done where there
-- is no room ('wait', 'drop', or the id of the dead letter that it comes from, for which
-- there is always room), and body.
-- Returns how many were written, how many were dropped, and how many of the batch are
-- done, those of earlier attempts included.
local info, letters = KEYS[1], KEYS[3]
if ARGV[1] ~= '' then
  local now = redis.call('TIME')
  if now[1] * 1e6 + now[2] > tonumber(ARGV[1]) then
    return redis.error_reply('LATE nobody waits for this call any more')
  end
end
local known = redis.call('HMGET', info, 'format', 'generations', 'bytes', 'last', 'bounds')
if known[1] and known[1] ~= ARGV[3] then
  return redis.error_reply('ERR the stream has format ' .. known[1] .. ', which this version does not know')
end

local function text(n) return string.format('%.0f', n) end
local function partition(g, k) return info .. ':' .. g.number .. ':' .. k end

-- What is left of a generation. A key of another type fails here, before anything is done.
local function length(g)
  local n = 0
  for k = 0, g.partitions - 1 do n = n + redis.call('XLEN', partition(g, k)) end
  return n
end

-- The generations, without older ones that are read to the end.
local generations, messages = {}, 0
for number, partitions in string.gmatch(known[2] or '', '(%d+):(%d+)') do
  if tonumber(partitions) > 10000 then
    return redis.error_reply('ERR the generations of the stream are not as a worker writes them')
  end
  table.insert(generations, {number = tonumber(number), partitions = tonumber(partitions)})
end
local newest = generations[#generations]
if not newest or newest.partitions ~= tonumber(ARGV[4]) then
  newest = {number = newest and newest.number + 1 or 1, partitions = tonumber(ARGV[4])}
  table.insert(generations, newest)
end
local list, drained = {}, {}
for _, g in ipairs(generations) do
  local n = length(g)
  messages = messages + n
  if n == 0 and messages == 0 and g ~= newest then
    table.insert(drained, g)
  else
    table.insert(list, g.number .. ':' .. g.partitions)
  end
end
list = table.concat(list, ' ')

-- The bytes that are there, by the running counts: 'end' of a partition, less that of its
-- first entry. Nobody has to subtract what he deletes.
local function count()
  local bytes = 0
  for _, g in ipairs(generations) do
    for k = 0, g.partitions - 1 do
      local first = redis.call('XRANGE', partition(g, k), '-', '+', 'COUNT', 1)[1]
      if first then
        local at, size = 0, 0
        for i = 1, #first[2], 2 do
          if first[2][i] == 'b' then at = tonumber(first[2][i + 1]) or 0 end
          if first[2][i] == 'body' then size = #first[2][i + 1] end
        end
        local last = tonumber(redis.call('HGET', info, 'end:' .. g.number .. ':' .. k) or 0) or 0
        bytes = bytes + math.max(size, last - at + size)
      end
    end
  end
  return bytes
end

-- What is noted is too much when some was deleted, and never too little.
local bytes, counted = tonumber(known[3] or 0) or 0, false
local function fits(size)
  if messages == 0 then return true end
  if messages >= tonumber(ARGV[5]) then return false end
  if bytes + size > tonumber(ARGV[6]) and not counted then
    bytes, counted = count(), true
  end
  return bytes + size <= tonumber(ARGV[6])
end

local done = 0
local batch, of = string.match(known[4] or '', '^(%S+) (%d+)$')
if batch and batch == ARGV[9] then done = tonumber(of) end

local bounds = table.concat({ARGV[5], ARGV[6], ARGV[7], ARGV[8]}, ' ')
if known[2] ~= list or known[5] ~= bounds then
  redis.call('HSET', info, 'format', ARGV[3], 'generations', list, 'bounds', bounds,
    'max_messages', ARGV[5], 'max_bytes', ARGV[6], 'dead_messages', ARGV[7], 'dead_bytes', ARGV[8])
  redis.call('SADD', KEYS[2], ARGV[2])
  for _, g in ipairs(drained) do
    for k = 0, g.partitions - 1 do
      redis.call('DEL', partition(g, k))
      redis.call('HDEL', info, 'end:' .. g.number .. ':' .. k)
    end
  end
end

local written, dropped, ends, changed = 0, 0, {}, false
local function append(hash, body)
  local k = tonumber(hash) % newest.partitions
  local key = partition(newest, k)
  if not ends[k] then
    ends[k] = tonumber(redis.call('HGET', info, 'end:' .. newest.number .. ':' .. k) or 0) or 0
    if redis.call('EXISTS', key) == 0 then
      redis.call('XGROUP', 'CREATE', key, 'handlers', '0', 'MKSTREAM')
    end
  end
  ends[k] = ends[k] + #body
  redis.call('XADD', key, '*', 'v', '1', 'b', text(ends[k]), 'body', body)
  messages, bytes, written = messages + 1, bytes + #body, written + 1
end
for i = 10 + 3 * done, #ARGV, 3 do
  local hash, otherwise, body = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if otherwise ~= 'wait' and otherwise ~= 'drop' then
    if #redis.call('XRANGE', letters, otherwise, otherwise) > 0 then
      append(hash, body)
      redis.call('XDEL', letters, otherwise)
    end
  elseif fits(#body) then
    append(hash, body)
  elseif otherwise == 'drop' then
    dropped = dropped + 1
  else
    break
  end
  done, changed = done + 1, true
end
if changed or counted then
  local fields = {'bytes', text(bytes)}
  if ARGV[9] ~= '' then
    table.insert(fields, 'last')
    table.insert(fields, ARGV[9] .. ' ' .. done)
  end
  for k, n in pairs(ends) do
    table.insert(fields, 'end:' .. newest.number .. ':' .. k)
    table.insert(fields, text(n))
  end
  redis.call('HSET', info, unpack(fields))
end
return {written, dropped, done}
