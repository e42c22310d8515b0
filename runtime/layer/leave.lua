-- Says to all that the holder of the lease acts on nothing more.
--
-- KEYS: lease. ARGV: 1 reader's id, 2 channel of the marks. Returns 1 if the
-- reader is the holder.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PUBLISH', ARGV[2], '-' .. ARGV[1])
return 1
