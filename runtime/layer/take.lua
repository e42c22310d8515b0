-- Takes the oldest messages of a queue into an in-flight key of their own, in one step, so
-- that none is ever nowhere; and registers that key as a reader's, so that none is ever in
-- a key that nobody would look for.
--
-- KEYS: queue, in-flight key, leases. ARGV: 1 limit, 2 life of the in-flight key
-- in seconds, 3 by what name its lease is kept, 4 length of the lease in seconds, 5 '' or
-- the time, in microseconds, after which it may not read any more, 6 limit in bytes.
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
  local some = redis.call('ZRANGE', KEYS[1], n, n + step - 1)
  for _, message in ipairs(some) do
    if n > 0 and #message > room then
      limit, more = n, '+'
      break
    end
    n = n + 1
    taken[n] = message
    room, largest = room - #message, math.max(largest, #message)
  end
  if #some < step then limit = n end
  -- As many more as fit if they are like those before: few are read in vain.
  step = math.min(limit - n, math.max(1, math.floor(room / largest)))
end

-- Moves the first n of the queue, a few at a time, where it can't be renamed.
local function move()
  for at = 0, n - 1, 64 do
    local some = redis.call('ZRANGE', KEYS[1], at, math.min(at + 64, n) - 1, 'WITHSCORES')
    for i = 1, #some, 2 do some[i], some[i + 1] = some[i + 1], some[i] end
    redis.call('ZADD', KEYS[2], unpack(some))
  end
  -- ZPOPMIN would hand all of them over once more.
  if redis.call('ZCOUNT', KEYS[1], '-inf', last) == n then
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', last)
  else
    redis.call('ZPOPMIN', KEYS[1], n)
  end
end

if n > 0 then
  if redis.call('EXISTS', KEYS[2]) == 1 then -- the key would hold more than is returned
    return redis.error_reply('TAKEN messages were taken into this key before')
  end
  first, last = redis.call('ZSCORE', KEYS[1], taken[1]), redis.call('ZSCORE', KEYS[1], taken[n])
  -- First, since a script that fails is not undone.
  redis.call('ZADD', KEYS[3], time[1] + time[2] / 1000000 + ARGV[4], ARGV[3])
  redis.call('EXPIRE', KEYS[3], ARGV[2])
  -- A whole queue becomes the in-flight key, whatever it holds. Not every user may rename.
  local whole = redis.call('ZCARD', KEYS[1]) == n
  if not whole or redis.pcall('RENAME', KEYS[1], KEYS[2]).err then move() end
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end
for i, told in ipairs({more, first, last, time[1], time[2]}) do taken[n + i] = told end
return taken
