-- Takes or renews the lease on the commands, and says so to all who wait for it,
-- between the commands.
--
-- KEYS: lease. ARGV: 1 reader's id, 2 length of the lease in milliseconds,
-- 3 channel of the marks. Returns 1 if the lease is the reader's.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[3], '+' .. ARGV[1])
return 1
