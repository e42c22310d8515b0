-- Takes the oldest messages of a queue into the reader's in-flight key, in one
-- step, so that none is ever nowhere; and registers the reader, so that none is
-- ever in a key that nobody would look for.
--
-- KEYS: queue, in-flight key, leases. ARGV: 1 limit, 2 life of the in-flight key
-- in seconds, 3 reader's id, 4 length of its lease in seconds, 5 '' or the time, in
-- microseconds, after which it may not read any more.
-- Returns the messages, oldest first.
local time = redis.call('TIME')
if ARGV[5] ~= '' and time[1] * 1e6 + time[2] > tonumber(ARGV[5]) then
  return redis.error_reply('LATE the commands may be read by another now')
end
local popped = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
local taken, add, n = {}, {}, 0
local function flush()
  if n > 0 then redis.call('ZADD', KEYS[2], unpack(add)) end
  add, n = {}, 0
end
for i = 1, #popped, 2 do
  add[n + 1], add[n + 2] = popped[i + 1], popped[i]
  n = n + 2
  if n == 1000 then flush() end -- the stack has room for some thousands
  taken[#taken + 1] = popped[i]
end
flush()
if #taken > 0 then
  redis.call('EXPIRE', KEYS[2], ARGV[2])
  redis.call('ZADD', KEYS[3], time[1] + time[2] / 1000000 + ARGV[4], ARGV[3])
  redis.call('EXPIRE', KEYS[3], ARGV[2])
end
return taken
