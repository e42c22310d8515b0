-- Puts the message of a dead letter back into its queue, unless somebody took
-- the letter away.
--
-- KEYS: dead letters, queue. ARGV: 1 letter, 2 score, 3 message, 4 expiry.
-- Returns 1 when it was done, else 0.
redis.call('ZCARD', KEYS[2]) -- fails before anything is done if it is no queue
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1
