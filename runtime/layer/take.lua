-- Takes the oldest messages of a queue into the reader's in-flight key, in one
-- step, so that none is ever nowhere; and registers the reader, so that none is
-- ever in a key that nobody would look for.
--
-- KEYS: queue, in-flight key, leases. ARGV: 1 limit, 2 life of the in-flight key
-- in seconds, 3 reader's id, 4 length of its lease in seconds, 5 '' or the time, in
-- microseconds, after which it may not read any more, 6 limit in bytes.
-- Returns the messages, oldest first: one at least, if there is any, and no further
-- one that would exceed a limit; and then '+' where the bytes have ended it, else '',
-- the dates of the first and the last, and the seconds and microseconds of the server's time.
local time = redis.call('TIME')
if ARGV[5] ~= '' and time[1] * 1e6 + time[2] > tonumber(ARGV[5]) then
  return redis.error_reply('LATE the commands may be read by another now')
end
local limit, room = tonumber(ARGV[1]), tonumber(ARGV[6])
local taken, scores, largest, step, more = {}, {}, 1, 1, ''
while step > 0 do
  local some = redis.call('ZRANGE', KEYS[1], #taken, #taken + step - 1, 'WITHSCORES')
  for i = 1, #some, 2 do
    local size = #some[i]
    if #taken > 0 and size > room then
      limit, more = #taken, '+'
      break
    end
    taken[#taken + 1], scores[#scores + 1] = some[i], some[i + 1]
    room, largest = room - size, math.max(largest, size)
  end
  if #some < 2 * step then limit = #taken end
  -- As many more as fit if they are like those before: few are read in vain.
  step = math.min(limit - #taken, 64, math.max(1, math.floor(room / largest)))
end
if #taken > 0 then
  redis.call('ZPOPMIN', KEYS[1], #taken)
  for first = 1, #taken, 1000 do -- the stack has room for some thousands
    local add = {}
    for i = first, math.min(first + 999, #taken) do
      add[#add + 1], add[#add + 2] = scores[i], taken[i]
    end
    redis.call('ZADD', KEYS[2], unpack(add))
  end
  redis.call('EXPIRE', KEYS[2], ARGV[2])
  redis.call('ZADD', KEYS[3], time[1] + time[2] / 1000000 + ARGV[4], ARGV[3])
  redis.call('EXPIRE', KEYS[3], ARGV[2])
end
for _, told in ipairs({more, scores[1] or '', scores[#scores] or '', time[1], time[2]}) do taken[#taken + 1] = told end
return taken
