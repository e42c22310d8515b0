"""What is done in Redis in one step."""

# Renew the reader's own mark, and its leases; take those that are free and asked for. The
# keys are the mark, then leases; ARGV: reader, lease in ms, how many of the leases were held
# before (these come first), how many more may be taken. It returns how many readers there
# are, and for each lease whether it is held.
LEASES = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 10)
local before, new = tonumber(ARGV[3]), tonumber(ARGV[4])
local found = {redis.call('ZCARD', KEYS[1])}
for i = 2, #KEYS do
  local holder = redis.call('GET', KEYS[i])
  local mine = holder == ARGV[1]
  if not holder and i - 1 <= before then
    mine = true
  elseif not holder and new > 0 then
    mine, new = true, new - 1
  end
  if mine then redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2]) end
  found[i] = mine and 1 or 0
end
return found
"""

# Give leases back: those that the reader holds.
RELEASE = """
for i = 2, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
if ARGV[2] == 'leave' then redis.call('ZREM', KEYS[1], ARGV[1]) end
"""

# Read entries while the lease is held, at most so many and about so many bytes. KEYS: lease,
# stream; ARGV: reader, group, consumer, from (">" or the id after which), number, bytes. The
# first of the answer says whether the lease is held.
READ = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {0} end
local found, from, left, room = {}, ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
while left > 0 and room > 0 do
  local count = from == '>' and 1 or math.min(left, 8)
  local read = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', count, 'STREAMS', KEYS[2], from)
  local entries = read and read[1][2] or {}
  if #entries == 0 then break end
  for _, entry in ipairs(entries) do
    found[#found + 1] = entry
    for _, text in ipairs(entry[2] or {}) do room = room - #text end
    if from ~= '>' then from = entry[1] end
  end
  left = left - #entries
end
return {1, found}
"""

# Put an entry among the dead letters and acknowledge it. KEYS: info, dead, stream; ARGV:
# group, id, body, reason, handler, attempts, where from, bound in messages and in bytes. An
# entry that is gone is there already.
DEAD_LETTER = """
if #redis.call('XRANGE', KEYS[3], ARGV[2], ARGV[2]) == 0 then return 0 end
local held = redis.call('HINCRBY', KEYS[1], 'dead_end', #ARGV[3])
redis.call('XADD', KEYS[2], '*', 'v', 1, 'b', held, 'body', ARGV[3], 'reason', ARGV[4],
  'handler', ARGV[5], 'attempts', ARGV[6], 'from', ARGV[7])
redis.call('XTRIM', KEYS[2], 'MAXLEN', ARGV[8])
local count = redis.call('XLEN', KEYS[2])
while count > 1 do
  local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  local fields = {}
  for i = 1, #first[2], 2 do fields[first[2][i]] = first[2][i + 1] end
  if held - fields.b + #fields.body <= tonumber(ARGV[9]) then break end
  redis.call('XDEL', KEYS[2], first[1])
  count = count - 1
end
redis.call('XACK', KEYS[3], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[3], ARGV[2])
"""

# How many entries the streams in KEYS have, and the ages of the first ones in ms.
LAG = """
local time, found = redis.call('TIME'), {}
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i, key in ipairs(KEYS) do
  local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  local age = first and math.max(0, now - tonumber(string.match(first[1], '^%d+'))) or 0
  found[i] = {redis.call('XLEN', key), age}
end
return found
"""
