-- Begins another life of a versioned table (see tablewrite.lua), some fields at a time: with
-- what is there of it, of which every entry counts as changed, so that whoever follows it
-- reads all again.
--
-- KEYS: table, changes, gone.
-- ARGV: 1 '' or the time, in microseconds, after which the writer may not write, 2 its
-- epoch, 3 the new life, 4 the number that it goes on from, at least, 5 '0' or what the call
-- before returned.
-- Returns what the next call is to be given, '0' if this was the last, and the number that
-- the table has then.
local HEAD = '["head"]'
local time = redis.call('TIME')
if ARGV[1] ~= '' and time[1] * 1e6 + time[2] > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the session slot may be held by another now')
end
local stands = redis.call('HGET', KEYS[1], HEAD) or ''
local format = string.match(stands, '^(%d+) ')
if format and format ~= '1' then
  return redis.error_reply('FORMAT ' .. format .. ' of what is stored is that of a newer version of the worker')
end
local life, number, floor, epoch, entries = string.match(stands, '^1 (%S+) (%d+) (%d+) (%d+) (%d+) ')
if tonumber(epoch or 0) > tonumber(ARGV[2]) then
  return redis.error_reply('OVERTAKEN by a later holder of the session slot')
end
number, entries = tonumber(number or 0), tonumber(entries or 0)
if life ~= ARGV[3] then
  number, entries = math.max(number, tonumber(ARGV[4])), 0
  floor = string.format('%.0f', number)
  redis.call('DEL', KEYS[2])
end
local some = redis.call('HSCAN', KEYS[1], ARGV[5], 'COUNT', 1000)
for i = 1, #some[2], 2 do
  local field = some[2][i]
  if field == HEAD then -- which is no entry
  elseif some[2][i + 1] == '' or redis.call('ZSCORE', KEYS[3], field) then
    redis.call('HDEL', KEYS[1], field)
  elseif not redis.call('ZSCORE', KEYS[2], field) then
    number, entries = number + 1, entries + 1
    redis.call('ZADD', KEYS[2], number, field)
  end
end
if some[1] == '0' then redis.call('DEL', KEYS[3]) end
redis.call('HSET', KEYS[1], HEAD, string.format('1 %s %.0f %s %s %.0f 0 filling', ARGV[3], number, floor, ARGV[2], entries))
return {some[1], string.format('%.0f', number)}
