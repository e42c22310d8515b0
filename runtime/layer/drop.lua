-- Forgets a dead letter.
--
-- KEYS: letters, messages of letters. ARGV: 1 letter, 2 its ID.
-- Returns 1 when it was done, 0 if somebody took the letter away.
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
local size = redis.call('HSTRLEN', KEYS[2], ARGV[2])
if redis.call('HDEL', KEYS[2], ARGV[2]) == 1 then
  redis.call('HINCRBY', KEYS[2], 'bytes', -size - #ARGV[1])
end
return 1
