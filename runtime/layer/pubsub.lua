-- Publishes messages on one channel, once: a call that is repeated, because its
-- answer was lost, publishes nothing.
--
-- KEYS: the numbers of the caller's last calls. ARGV: 1 channel, 2 number of the
-- call, 3 life of the key in seconds, 4 sequence of calls that the number belongs
-- to; then messages.
-- Returns how many subscribers got each, all together, or -1 if repeated.
local last = redis.call('HGET', KEYS[1], ARGV[4])
if last and tonumber(last) >= tonumber(ARGV[2]) then return -1 end
redis.call('HSET', KEYS[1], ARGV[4], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
local got = 0
for i = 5, #ARGV do got = got + redis.call('PUBLISH', ARGV[1], ARGV[i]) end
return got
