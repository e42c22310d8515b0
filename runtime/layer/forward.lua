-- Moves messages out of what a reader has in flight into the queue of another, in
-- one step, so that none is ever nowhere. What is not in flight stays where it is.
--
-- KEYS: in-flight key, queue. ARGV: 1 life of the queue in seconds; then messages.
for i = 2, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score then
    redis.call('ZADD', KEYS[2], score, ARGV[i])
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
redis.call('EXPIRE', KEYS[2], ARGV[1])
return 0
