-- Takes messages out of what a reader has in flight, which are named by their sizes and
-- SHA-1 so that large ones need not be sent. The oldest are looked at first: it is they
-- that are done, most of the time.
--
-- KEYS: in-flight key. ARGV: size and SHA-1 of each message.
-- Returns how many were there.
local sizes, wanted, left = {}, {}, #ARGV / 2
for i = 1, #ARGV, 2 do sizes[tonumber(ARGV[i])], wanted[ARGV[i + 1]] = true, true end
local at = 0
while left > 0 do
  local message = redis.call('ZRANGE', KEYS[1], at, at)[1]
  if not message then break end
  if sizes[#message] and wanted[redis.sha1hex(message)] then
    redis.call('ZREM', KEYS[1], message)
    left = left - 1
  else
    at = at + 1
  end
end
return #ARGV / 2 - left
