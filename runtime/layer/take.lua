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
local taken, n, largest, step, more, first, last = {}, 0, 1, 1, '', '', ''
while step > 0 do
  local some = redis.call('ZRANGE', KEYS[1], n, n + step - 1, 'WITHSCORES')
  local add = {}
  for i = 1, #some, 2 do
    local message, size = some[i], #some[i]
    if n > 0 and size > room then
      limit, more = n, '+'
      break
    end
    n, last = n + 1, some[i + 1]
    taken[n], add[i], add[i + 1] = message, last, message
    room, largest = room - size, math.max(largest, size)
  end
  if add[1] then
    if first == '' then first = add[1] end
    redis.call('ZADD', KEYS[2], unpack(add))
  end
  if #some < 2 * step then limit = n end
  -- As many more as fit if they are like those before: few are read in vain.
  step = math.min(limit - n, 64, math.max(1, math.floor(room / largest)))
end
if n > 0 then
  -- ZPOPMIN would hand all of them over once more.
  if redis.call('ZCOUNT', KEYS[1], '-inf', last) == n then
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', last)
  else
    redis.call('ZPOPMIN', KEYS[1], n)
  end
  redis.call('EXPIRE', KEYS[2], ARGV[2])
  redis.call('ZADD', KEYS[3], time[1] + time[2] / 1000000 + ARGV[4], ARGV[3])
  redis.call('EXPIRE', KEYS[3], ARGV[2])
end
for i, told in ipairs({more, first, last, time[1], time[2]}) do taken[n + i] = told end
return taken
