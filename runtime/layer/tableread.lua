-- Reads what has changed in a versioned table (see tablewrite.lua), oldest change first.
--
-- KEYS: table, changes.
-- ARGV: 1 the life that the reader knows, 2 the number up to which it has read, 3 the
-- number that the table had as it began to read from the start, or that of 2, 4 how many
-- entries it takes, 5 how many bytes of them, 6 '1' if it reads also what is being filled,
-- 7 '' or a field of which it wants to know each time.
-- Returns nothing where the table is not there, or is being filled; else its life, its
-- number, '1' if the reader has to forget all that it knows, since it is told all anew,
-- the number up to which it is told, '1' if there is more, '1' if the table is whole, the
-- epoch of its writer, the value of the field of 7; then each field, its value and the
-- number of its last change.
local stands = redis.call('HGET', KEYS[1], '["head"]') or ''
local format = string.match(stands, '^(%d+) ')
if format and format ~= '1' then
  return redis.error_reply('FORMAT ' .. format .. ' of what is stored is that of a newer version of the worker')
end
local life, number, floor, epoch, state = string.match(stands, '^1 (%S+) (%d+) (%d+) (%d+) %d+ %d+ (%a+)$')
if not life or state ~= 'whole' and ARGV[6] ~= '1' then return {} end
number, floor = tonumber(number), tonumber(floor)
local after, since, reset = tonumber(ARGV[2]), tonumber(ARGV[3]), ''
if life ~= ARGV[1] or since < floor or since > number then after, reset = 0, '1' end
local answer = {life, string.format('%.0f', number), reset, '', '', state == 'whole' and '1' or '', epoch,
  ARGV[7] ~= '' and redis.call('HGET', KEYS[1], ARGV[7]) or ''}
local limit, room = tonumber(ARGV[4]), tonumber(ARGV[5])
local list = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. string.format('%.0f', after), '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
local told = 0
for i = 1, #list, 2 do
  local field = list[i]
  local value = redis.call('HGET', KEYS[1], field)
  room = room - #field - #(value or '')
  if told > 0 and room < 0 then break end
  told, after = told + 1, tonumber(list[i + 1])
  local n = #answer
  answer[n + 1], answer[n + 2], answer[n + 3] = field, value or '', list[i + 1]
end
local more = told < #list / 2 or told == limit
if not more then after = number end
answer[4], answer[5] = string.format('%.0f', after), more and '1' or ''
return answer
