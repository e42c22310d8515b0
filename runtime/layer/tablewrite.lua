-- Changes versioned tables, whose only writer is the holder of a session slot, all of them
-- or none, and the hashes beside them that older versions of the worker read.
--
-- A table is a hash of fields and values, with what its writer says of them for those that
-- are gone; a sorted set of all fields by the number of their last change; and one of those
-- that are gone alone. Its head, the field '["head"]', is 'format life number floor epoch
-- entries bytes state': the number of the last change, the number below which changes may
-- have been forgotten, the epoch of its writer, how many entries there are, how many bytes
-- those gone have, and 'whole', or 'filling' while it is written anew.
--
-- KEYS: table, changes, gone of each table; the other hashes; known sessions.
-- ARGV: 1 '' or the time, in microseconds, after which the writer may not write, 2 its
-- epoch, 3 how many of those gone are kept in a table, 4 how many bytes of them, 5 the
-- channel to tell of a change, 6 '' or a session to note, 7 how many tables; then of each
-- its name there, the life and the number that the writer knows, '' or the state that it
-- is to have, how many fields to put, how many to remove, and these, each with its value
-- ('-' for one to remove: nobody is notified);
-- then of each other hash how many to put, how many to remove, and these.
-- Returns 1 if that was done, then the number of each table; or 0 where a table is not the
-- one that the writer knows, or has lost something: nothing is changed then.
local HEAD = '["head"]'
local time = redis.call('TIME')
if ARGV[1] ~= '' and time[1] * 1e6 + time[2] > tonumber(ARGV[1]) then
  return redis.error_reply('LATE the session slot may be held by another now')
end

-- What is to be done, and whether it may be.
local tables, at = {}, 8
for n = 1, tonumber(ARGV[7]) do
  local t = {hash = KEYS[3 * n - 2], changes = KEYS[3 * n - 1], gone = KEYS[3 * n], name = ARGV[at], becomes = ARGV[at + 3]}
  local stands = redis.call('HGET', t.hash, HEAD) or ''
  local format = string.match(stands, '^(%d+) ')
  if format and format ~= '1' then
    return redis.error_reply('FORMAT ' .. format .. ' of what is stored is that of a newer version of the worker')
  end
  local life, number, floor, epoch, entries, bytes, state = string.match(stands, '^1 (%S+) (%d+) (%d+) (%d+) (%d+) (%d+) (%a+)$')
  if not life then return {0} end
  if tonumber(epoch) > tonumber(ARGV[2]) then
    return redis.error_reply('OVERTAKEN by a later holder of the session slot')
  end
  t.life, t.number, t.floor, t.entries, t.bytes, t.state = life, tonumber(number), tonumber(floor), tonumber(entries), tonumber(bytes), state
  if life ~= ARGV[at + 1] or t.number < tonumber(ARGV[at + 2]) or redis.call('HLEN', t.hash) ~= redis.call('ZCARD', t.changes) + 1
    or redis.call('ZCARD', t.changes) ~= t.entries + redis.call('ZCARD', t.gone) then
    return {0}
  end
  t.put, t.remove = at + 6, at + 6 + 2 * tonumber(ARGV[at + 4])
  t.last = t.remove + 2 * tonumber(ARGV[at + 5]) - 1
  tables[n], at = t, t.last + 1
end

local answer = {1}
for n, t in ipairs(tables) do
  local before = t.number
  for i = t.put, t.last, 2 do
    local field, value, removes = ARGV[i], ARGV[i + 1], i >= t.remove
    local old = redis.call('HGET', t.hash, field)
    local lives = old and not redis.call('ZSCORE', t.gone, field)
    if removes and value == '-' then -- spelled as nobody spells it any more
      if old then
        redis.call('HDEL', t.hash, field)
        redis.call('ZREM', t.changes, field)
        if lives then
          t.entries = t.entries - 1
        else
          redis.call('ZREM', t.gone, field)
          t.bytes = t.bytes - #field - #old
        end
      end
    elseif lives or not removes then
      t.number = t.number + 1
      redis.call('HSET', t.hash, field, value)
      redis.call('ZADD', t.changes, t.number, field)
      if removes then
        redis.call('ZADD', t.gone, t.number, field)
        t.entries, t.bytes = t.entries - 1, t.bytes + #field + #value
      elseif not lives then
        t.entries = t.entries + 1
        if old then
          redis.call('ZREM', t.gone, field)
          t.bytes = t.bytes - #field - #old
        end
      end
    end
  end
  local surplus = redis.call('ZCARD', t.gone) - tonumber(ARGV[3])
  while surplus > 0 or t.bytes > tonumber(ARGV[4]) do
    local oldest = redis.call('ZPOPMIN', t.gone, math.max(1, surplus))
    if #oldest == 0 then break end
    for i = 1, #oldest, 2 do
      local field = oldest[i]
      t.floor, t.bytes = tonumber(oldest[i + 1]), t.bytes - #field - #redis.call('HGET', t.hash, field)
      redis.call('HDEL', t.hash, field)
      redis.call('ZREM', t.changes, field)
    end
    surplus = 0
  end
  local state = t.becomes ~= '' and t.becomes or t.state
  local number = string.format('%.0f', t.number)
  redis.call('HSET', t.hash, HEAD, string.format('1 %s %s %.0f %s %.0f %.0f %s', t.life, number, t.floor, ARGV[2], t.entries, t.bytes, state))
  if state == 'whole' and (t.number > before or state ~= t.state) then
    redis.call('PUBLISH', ARGV[5], t.name .. ' ' .. t.life .. ' ' .. number)
  end
  answer[n + 1] = number
end
for n = 3 * #tables + 1, #KEYS - 1 do
  local puts, removes = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  for i = at + 2, at + 1 + 2 * puts, 2 do redis.call('HSET', KEYS[n], ARGV[i], ARGV[i + 1]) end
  at = at + 2 + 2 * puts
  for i = at, at + removes - 1 do redis.call('HDEL', KEYS[n], ARGV[i]) end
  at = at + removes
end
if ARGV[6] ~= '' then redis.call('SADD', KEYS[#KEYS], ARGV[6]) end
return answer
