-- Grants, renews and takes back the leases of session slots, by the server's clock.
--
-- KEYS: the leases, a hash: 'worker:<id>' to 'end flags seq name', 'slot:<n>' to
-- 'holder epoch end', 'layout' to 'sessions before', 'giving' and 'lost' to their
-- ends.
-- ARGV: 1 worker, 2 length of a lease in ms, 3 configured sessions, 4 '1' to have as
-- many, 5 '1' if the broker is out of reach, 6 '1' if the worker takes nothing new, 7 its
-- name, 8 life of the hash in seconds, 9 when it asked, in ms, or '0' if it does not know,
-- 10 the number of the request, 11 how many slots it believes to hold, then number and epoch
-- of each; then how many it gives up, and their numbers; so those that it does not want for
-- now, a list for older scripts, and those held whose leases are over; then '1', the sessions
-- that the first slot knows of, and how many slots it needs, or '0'.
-- Returns: time, end of what is held, slot to give, sessions, before, live workers, then
-- number, holder, epoch, end and holder's name of each slot.
local key, me, lease = KEYS[1], ARGV[1], tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- The number before the point in a worker's id, or 1, is that of what it stores. Older
-- workers come first: as long as one is there the newer ones take nothing, and give up what
-- they hold where one of them holds anything. To older scripts they look as if they left.
local function format(id) return tonumber(string.match(id, '^(%d+)%.') or 1) end

local function list(at, step)
  local items, n = {}, tonumber(ARGV[at])
  for i = at + 1, at + n * step, step do items[ARGV[i]] = step > 1 and ARGV[i + 1] or true end
  return items, at + 1 + n * step
end
local held, at = list(11, 2)
local release, cooling, doubtful, said, _
release, at = list(at, 1)
cooling, at = list(at, 1)
_, at = list(at, 1)
doubtful, at = list(at, 1)
said = list(at, 2)

-- What is there. What cannot be read counts as not being there.
local workers, slots, layout, giving, lost = {}, {}, nil, 0, 0
local alive, gone, elder, reigns, empty = 0, 0, false, false, true
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  local field, value = all[i], all[i + 1]
  local kind, name = string.match(field, '^(%a+):(.+)$')
  if kind == 'worker' then
    local till, down, seq, people = string.match(value, '^(%d+) ([01][01]) (%d+) (.*)$')
    if till and tonumber(till) > now then
      if name == me and tonumber(seq) > tonumber(ARGV[10]) then
        return redis.error_reply('OVERTAKEN by a later question of the same worker')
      end
      workers[name] = {down = string.sub(down, 1, 1) == '1', leaving = string.sub(down, 2, 2) == '1', name = people, count = 0, older = format(name) < format(me)}
      elder = elder or workers[name].older and not workers[name].leaving
      alive = alive + 1
    else
      redis.call('HDEL', key, field)
      if name ~= me then gone = gone + 1 end
    end
  elseif kind == 'slot' then
    local holder, epoch, till = string.match(value, '^(%S+) (%d+) (%d+)$')
    if holder then slots[name] = {holder = holder, epoch = tonumber(epoch), till = tonumber(till)} end
    if holder == me then empty = false end
    reigns = reigns or holder and holder ~= '-' and tonumber(till) > now and format(holder) < format(me)
  elseif field == 'layout' then
    local sessions, before = string.match(value, '^(%d+) (%d+)$')
    if sessions then layout = {tonumber(sessions), tonumber(before)} end
  elseif field == 'giving' then
    giving = tonumber(value) or 0
  elseif field == 'lost' then
    lost = tonumber(value) or 0
  end
end
local yields = reigns or elder and empty
workers[me] = {down = ARGV[5] == '1', leaving = ARGV[6] == '1' or yields, name = ARGV[7], count = 0}
redis.call('HSET', key, 'worker:' .. me, string.format('%.0f %s%s %s %s', now + lease, ARGV[5], yields and '1' or ARGV[6], ARGV[10], ARGV[7]))

-- Where all was lost that a worker remembers, or nobody could ask for longer than a lease,
-- those who hold something have the time of a lease to say so. A question that was long on
-- its way says what was, not what is.
local sent = tonumber(ARGV[9])
if sent > 0 and (not layout or alive == 0 and gone > 0) then
  lost = now + lease
  redis.call('HSET', key, 'lost', string.format('%.0f', lost))
end
local late = sent > 0 and now - sent > lease / 2
local unsure = lost > now

-- The layout. The holder of the first slot says how many slots there must be until all have
-- left what is not their own. Where all was lost it says the layout too: the others know
-- only what they are configured with, and propose that when it is known again.
local wish = tonumber(ARGV[3])
if not layout then layout = {wish, 0} end
local first = slots['0'] or {holder = '-'}
local claims = first.holder == me or first.holder == '-' and tonumber(held['0'] or -1) > 0 and not doubtful['0'] and not release['0']
if unsure and claims and not late then
  for sessions, needed in pairs(said) do layout = {tonumber(sessions), tonumber(needed)} end
elseif ARGV[4] == '1' and layout[1] ~= wish and not unsure and not elder and not reigns then
  layout = {wish, math.max(layout[1], layout[2])}
end
local needed = said[tostring(layout[1])]
if needed and slots['0'] and slots['0'].holder == me then layout[2] = tonumber(needed) end
for name in pairs(slots) do
  if (tonumber(name) or math.huge) >= math.max(layout[1], layout[2]) then
    redis.call('HDEL', key, 'slot:' .. name)
    slots[name] = nil
  end
end
redis.call('HSET', key, 'layout', layout[1] .. ' ' .. layout[2])
local count = math.max(layout[1], layout[2])

-- The workers that slots are for: those which reach the broker, or all if none does.
local able, fit = 0, 0
for _, w in pairs(workers) do
  if not w.leaving and not w.older then
    able = able + 1
    if not w.down then fit = fit + 1 end
  end
end
local function takes(w) return not w.leaving and not w.older and (not w.down or fit == 0) end
local share = fit > 0 and fit or able

-- What is ours is ours as long as nobody else has taken it.
local free = {}
for n = 0, count - 1 do
  local name = tostring(n)
  local slot = slots[name] or {holder = '-', epoch = 0, till = 0}
  slots[name] = slot
  local unheld = slot.holder == '-' or slot.till <= now and slot.holder ~= me
  local claim = tonumber(held[name] or -1)
  if late or unsure and doubtful[name] then claim = -1 end
  if slot.holder == me and release[name] then
    slot.holder, slot.till, unheld = '-', 0, true
    giving = 0
  elseif slot.holder == me or slot.holder == '-' and claim >= slot.epoch and not release[name] and claim > 0 then
    slot.holder, slot.epoch, slot.till, unheld = me, math.max(slot.epoch, claim), now + lease, false
  end
  if unheld then free[#free + 1] = name end
  if workers[slot.holder] and not unheld then workers[slot.holder].count = workers[slot.holder].count + 1 end
end

-- Free slots go to those who have less than their share.
local mine, left = workers[me], #free
if takes(mine) and not elder and not late and not unsure then
  local most = math.ceil(count / math.max(share, 1))
  for _, name in ipairs(free) do
    local slot = slots[name]
    if mine.count < most and not cooling[name] and not release[name] then
      slot.holder, slot.till = me, now + lease
      slot.epoch = math.max(slot.epoch + 1, now)
      mine.count = mine.count + 1
      left = left - 1
    end
  end
end
for n = 0, count - 1 do
  local slot = slots[tostring(n)]
  redis.call('HSET', key, 'slot:' .. n, string.format('%s %.0f %.0f', slot.holder, slot.epoch, slot.till))
end

-- One slot at a time is handed over to somebody who has fewer, or can do with it what we
-- cannot; not before what is free has been taken. While filters move slots stay where they
-- are, if they can: what comes for a filter between two holders of its old slot would be
-- overtaken by what comes in the new one. To an older worker the first slot goes first:
-- its holder waits for what the others say of their filters, and an older one says nothing.
local give = -1
if giving <= now and left == 0 and mine.count > 0 and (reigns or not mine.leaving and (layout[2] == 0 or not takes(mine))) then
  local poor = reigns
  for id, w in pairs(workers) do
    if id ~= me and takes(w) and (not takes(mine) or w.count + 1 < mine.count) then poor = true end
  end
  if poor then
    for n = 0, count - 1 do
      if slots[tostring(n)].holder == me and (give < 0 or not reigns) then give = n end
    end
    giving = now + 4 * lease
  end
end
if ARGV[6] == '1' and mine.count == 0 then redis.call('HDEL', key, 'worker:' .. me) end
redis.call('HSET', key, 'giving', string.format('%.0f', giving))
redis.call('EXPIRE', key, ARGV[8])

local live = 0
for _ in pairs(workers) do live = live + 1 end
local answer = {now, now + lease, give, layout[1], layout[2], live}
for n = 0, count - 1 do
  local slot = slots[tostring(n)]
  local w = workers[slot.holder]
  for _, v in ipairs({n, slot.holder, string.format('%.0f', slot.epoch), slot.till, w and w.name or ''}) do answer[#answer + 1] = v end
end
return answer
