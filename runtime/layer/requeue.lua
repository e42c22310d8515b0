-- Puts the message of a dead letter back into its queue, unless somebody took
-- the letter away. A script that fails is not undone, so the letter leaves last.
--
-- KEYS: letters, messages of letters, queue. ARGV: 1 letter, 2 its ID, 3 score,
-- 4 expiry.
-- Returns 1 when it was done, else 0.
local message = redis.call('HGET', KEYS[2], ARGV[2])
if not message then return 0 end
redis.call('ZADD', KEYS[3], ARGV[3], message)
redis.call('EXPIRE', KEYS[3], ARGV[4])
redis.call('LREM', KEYS[1], 1, ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('HINCRBY', KEYS[2], 'bytes', -#message - #ARGV[1])
return 1
