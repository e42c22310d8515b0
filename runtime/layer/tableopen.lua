-- Begins another life of a versioned table (see tablewrite.lua): with what is there of it,
-- of which every entry counts as changed, so that whoever follows it reads all again.
--
-- KEYS: table, changes, gone.
-- ARGV: 1 '' or the time, in microseconds, after which the writer may not write, 2 its
-- epoch, 3 the new life, 4 the number that it goes on from, at least.
-- Returns the number that it has then.
local head = '["head"]'
local time = redis.call('TIME')
if ARGV[1] ~= '' and time[1] * 1e6 + time[2] > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the session slot may be held by another now')
end
local stands = redis.call('HGET', KEYS[1], head) or ''
local format, _, number, _, epoch = string.match(stands, '^(%d+) (%S+) (%d+) (%d+) (%d+) ')
format = format or string.match(stands, '^(%d+) ')
if format and format ~= '1' then
  return redis.error_reply('FORMAT ' .. format .. ' of what is stored is that of a newer version of the worker')
end
if tonumber(epoch or 0) > tonumber(ARGV[2]) then
  return redis.error_reply('OVERTAKEN by a later holder of the session slot')
end
number = math.max(tonumber(number or 0), tonumber(ARGV[4]))
local floor, entries, fields, cursor = number, 0, {}, '0'
repeat
  local some = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 1000)
  cursor = some[1]
  for i = 1, #some[2], 2 do
    local field = some[2][i]
    if field ~= head then fields[field] = some[2][i + 1] == '' or redis.call('ZSCORE', KEYS[3], field) or 'lives' end
  end
until cursor == '0'
for field, lives in pairs(fields) do
  if lives ~= 'lives' then
    redis.call('HDEL', KEYS[1], field)
    fields[field] = nil
  end
end
redis.call('DEL', KEYS[2], KEYS[3])
for field in pairs(fields) do
  number, entries = number + 1, entries + 1
  redis.call('ZADD', KEYS[2], number, field)
end
redis.call('HSET', KEYS[1], head, string.format('1 %s %.0f %.0f %s %.0f 0 filling', ARGV[3], number, floor, ARGV[2], entries))
return string.format('%.0f', number)
