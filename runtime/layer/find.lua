-- Finds the oldest messages of a reader's in-flight key that it does not know.
--
-- KEYS: in-flight key. ARGV: 1 limit, 2 limit in bytes; then the SHA-1 of each
-- message that it knows.
-- Returns the messages, oldest first: one at least, if there is any, and no further
-- one that would exceed a limit.
local known = {}
for i = 3, #ARGV do known[ARGV[i]] = true end
local found, room = {}, tonumber(ARGV[2])
for i = 0, redis.call('ZCARD', KEYS[1]) - 1 do
  if #found >= tonumber(ARGV[1]) then break end
  local message = redis.call('ZRANGE', KEYS[1], i, i)[1]
  if not known[redis.sha1hex(message)] then
    if #found > 0 and #message > room then break end
    found[#found + 1], room = message, room - #message
  end
end
return found
