-- Renews a reader's lease and the life of what it has in flight, and takes over
-- what readers without a lease had. Times are the server's, so that the readers'
-- clocks do not matter.
--
-- KEYS: own in-flight key, leases. ARGV: 1 reader's id, 2 length of its lease in
-- seconds, 3 life of the in-flight key in seconds, 4 what an in-flight key is
-- called before the id, 5 '' or the time, in microseconds, after which it may not
-- read any more, 6 '1' if nobody else may read until then.
-- Returns how many messages were taken over, and how many readers with a lease
-- have in flight.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if ARGV[5] ~= '' and now * 1e6 > tonumber(ARGV[5]) then
  return redis.error_reply('LATE the commands may be read by another now')
end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
local adopted = 0
for _, peer in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[6] == '1' and '+inf' or '(' .. now)) do
  if peer ~= ARGV[1] then
    local left = ARGV[4] .. peer
    for at = 0, redis.call('ZCARD', left) - 1 do -- one at a time: each may be large
      local message = redis.call('ZRANGE', left, at, at, 'WITHSCORES')
      redis.call('ZADD', KEYS[1], message[2], message[1])
      adopted = adopted + 1
    end
    redis.call('DEL', left)
    redis.call('ZREM', KEYS[2], peer)
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
local others = 0
for _, peer in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if peer ~= ARGV[1] then others = others + redis.call('ZCARD', ARGV[4] .. peer) end
end
return {adopted, others}
