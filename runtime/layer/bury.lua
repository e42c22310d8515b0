-- Moves messages out of what a reader has in flight to the dead letters, of
-- which the newest are kept. What is not in flight stays where it is. A script
-- that fails is not undone, so each message leaves last.
--
-- KEYS: in-flight key, dead letters. ARGV: 1 how many to keep; then message and
-- letter of each.
for i = 2, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('LPUSH', KEYS[2], ARGV[i + 1])
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
redis.call('LTRIM', KEYS[2], 0, ARGV[1] - 1)
return 0
