-- Gives the lease on the commands up, and leaves behind those that were not
-- carried out.
--
-- KEYS: lease, what is left. ARGV: 1 reader's id, 2 life of what is left in
-- seconds, 3 channel of the marks; then commands, oldest first.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
for i = 4, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
if #ARGV > 3 then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
redis.call('PUBLISH', ARGV[3], '*')
return 0
