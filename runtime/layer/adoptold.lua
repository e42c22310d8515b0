-- Brings back to the command channel what older workers have given to a session slot: what
-- waits in the queue of the slot, and what its readers had in flight. Nobody reads there
-- any more.
--
-- KEYS: queue of the slot, leases of its readers, queue of the command channel.
-- ARGV: 1 what an in-flight key is called before the reader's id, 2 life of the queue in
-- seconds.
-- Returns how many messages that were.
local moved = 0
local function move(from)
  for at = 0, redis.call('ZCARD', from) - 1 do -- one at a time: each may be large
    local message = redis.call('ZRANGE', from, at, at, 'WITHSCORES')
    redis.call('ZADD', KEYS[3], message[2], message[1])
    moved = moved + 1
  end
  redis.call('DEL', from)
end
for _, reader in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do move(ARGV[1] .. reader) end
redis.call('DEL', KEYS[2])
move(KEYS[1])
if moved > 0 then redis.call('EXPIRE', KEYS[3], ARGV[2]) end
return moved
