-- Puts messages among the dead letters, which are kept within bounds: the oldest
-- are forgotten. Letters are a list, the newest first; their messages are a hash,
-- with the bytes of both together in the field "bytes", which is no ID. A script
-- that fails is not undone, so each message leaves its queue last.
--
-- KEYS: letters, messages of letters, and the in-flight keys of a core layer. What
-- is not in flight there stays where it is.
-- ARGV: 1 how many to keep, 2 bytes of all together, 3 bytes of one message, 4 time
-- before which letters are too old, 5 how long one is kept in seconds; then
-- message, ID and letter of each.
if redis.call('LLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) end
redis.call('HLEN', KEYS[2]) -- fails before anything is done if it is no hash
local function key_of(message)
  for i = 3, #KEYS do
    if redis.call('ZSCORE', KEYS[i], message) then return KEYS[i] end
  end
end
for i = 6, #ARGV, 3 do
  local message, id, letter = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local from = key_of(message)
  if from or not KEYS[3] then
    local kept = string.sub(message, 1, tonumber(ARGV[3]))
    redis.call('LPUSH', KEYS[1], letter)
    redis.call('HSET', KEYS[2], id, kept)
    redis.call('HINCRBY', KEYS[2], 'bytes', #letter + #kept)
    if from then redis.call('ZREM', from, message) end
  end
end
while true do
  local oldest = redis.call('LINDEX', KEYS[1], -1)
  if not oldest then break end
  local time = string.match(oldest, '"time":"([^"]*)"')
  local bytes = tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0)
  if redis.call('LLEN', KEYS[1]) <= tonumber(ARGV[1]) and bytes <= tonumber(ARGV[2])
    and time and string.sub(time, 1, 19) >= ARGV[4] then break end
  redis.call('RPOP', KEYS[1])
  local id = string.match(oldest, '"id":"([^"]*)"') or ''
  local size = redis.call('HSTRLEN', KEYS[2], id)
  if redis.call('HDEL', KEYS[2], id) == 1 then
    redis.call('HINCRBY', KEYS[2], 'bytes', -size - #oldest)
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 0
