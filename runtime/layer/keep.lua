-- Renews a reader's leases and the life of what it has in flight, and takes over
-- what readers without a lease had. Times are the server's, so that the readers'
-- clocks do not matter. Each fetch has a lease as if it were a reader: its name is that of
-- its reader with a point and a number behind it.
--
-- KEYS: own in-flight key, leases. ARGV: 1 reader's id, 2 length of its lease in
-- seconds, 3 life of the in-flight key in seconds, 4 what an in-flight key is
-- called before the id, 5 '' or the time, in microseconds, after which it may not
-- read any more, 6 '1' if nobody else may read until then, 7 '1' if what is in the
-- reader's own fetches is to be brought together in its in-flight key; then the names of
-- those fetches that it knows: their leases may have been lost.
-- Returns how many messages were taken over, and how many readers with a lease
-- have in flight.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if ARGV[5] ~= '' and now * 1e6 > tonumber(ARGV[5]) then
  return redis.error_reply('LATE the commands may be read by another now')
end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
for i = 8, #ARGV do redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[i]) end

local function reclaim(reader)
  local left = ARGV[4] .. reader
  local count = redis.call('ZCARD', left)
  for at = 0, count - 1 do -- one at a time: each may be large
    local message = redis.call('ZRANGE', left, at, at, 'WITHSCORES')
    redis.call('ZADD', KEYS[1], message[2], message[1])
  end
  redis.call('DEL', left)
  redis.call('ZREM', KEYS[2], reader)
  return count
end

local own = ARGV[1] .. '.'
local reclaimed, others = 0, 0
local leases = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
for i = 1, #leases, 2 do
  local reader, ends = leases[i], tonumber(leases[i + 1])
  if string.sub(reader, 1, #own) == own then
    if ARGV[7] == '1' then
      reclaim(reader)
    elseif redis.call('EXPIRE', ARGV[4] .. reader, ARGV[3]) == 1 then
      redis.call('ZADD', KEYS[2], now + ARGV[2], reader)
    else
      redis.call('ZREM', KEYS[2], reader) -- all is done
    end
  elseif reader ~= ARGV[1] then
    if ARGV[6] == '1' or ends < now then
      reclaimed = reclaimed + reclaim(reader)
    else
      others = others + redis.call('ZCARD', ARGV[4] .. reader)
    end
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return {reclaimed, others}
