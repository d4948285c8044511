-- Adds the deltas of one bucket under the fence of their source, in one step.
--
-- KEYS: the bucket's fences, then an entity each.
-- ARGV: the source, the expected offset, the new offset, the fence as it shall be, the life of an entity in
-- milliseconds (0: for ever); then for each entity: events counted, its first event ("" for none), and how many adds,
-- seen, set and gone follow; the adds (field, number), the seen (field, milliseconds), the set (field, value), the
-- gone (field).
--
-- Answers {0} if refused, {1, total of events of each entity} if applied, {2, totals} if it was applied before, and
-- {3, index of the key, what is wrong with it} if something there can't be what this program wrote.
--
-- Redis keeps what a script wrote before it failed. So whatever can fail comes first and is taken back when it does:
-- all increments, and all reading. (Reading every count and setting the sums would need no undoing, at twice the time.)

local refused, applied, already, broken = 0, 1, 2, 3

-- A call takes its arguments from Lua's stack, which holds some 8,000. Even, so that pairs stay together.
local most = 1000

local call, pcall = redis.call, redis.pcall
local match, byte = string.match, string.byte
local KEYS, ARGV = KEYS, ARGV
local source, expected, to, fence, life = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- Takes back the first increments, in the order in which they were made.
local function undo(increments)
  local function back(key, field, n)
    if increments == 0 then
      return
    end
    increments = increments - 1
    local minus = match(n, '^%-(.*)') or '-' .. n
    if call('HINCRBY', key, field, minus) == 0 then
      call('HDEL', key, field)
    end
  end
  local at = 6
  for k = 2, #KEYS do
    if ARGV[at] ~= '0' then
      back(KEYS[k], 'n', ARGV[at])
    end
    local adds, seen, set, gone = ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
    at = at + 6
    for i = at, at + 2 * adds - 2, 2 do
      back(KEYS[k], ARGV[i], ARGV[i + 1])
    end
    at = at + 2 * (adds + seen + set) + gone
  end
end

-- Gives the answer for an error that a command on key k gave: about the key if it is to blame, else the error.
local function blame(k, err, field)
  if match(err, '^WRONGTYPE') then
    return {broken, k, err}
  elseif match(err, 'integer') or match(err, 'overflow') then
    return {broken, k, 'field ' .. field .. ': ' .. err}
  end
  return {err = err}
end

-- Orders firsts by time, then by coordinates, byte by byte: Lua's < follows the locale of the server.
local function before(at, coordinates, other, others)
  if at ~= other then
    return at < other
  end
  for i = 1, math.min(#coordinates, #others) do
    local a, b = byte(coordinates, i), byte(others, i)
    if a ~= b then
      return a < b
    end
  end
  return #coordinates < #others
end

-- Appends to put what of an entity's first event and seen members is to be set, the seen from ARGV[at] on. Returns
-- nothing, or the answer if the key is broken.
local function compare(k, first, at, seen, put)
  local key, last = KEYS[k], at + 2 * seen - 1
  if first ~= '' then
    local held = pcall('HGET', key, 'f')
    if type(held) == 'table' then
      return blame(k, held.err, 'f')
    end
    local stands = not held
    if held then
      local ms, coordinates = match(held, '^(%-?%d+) (.*)$')
      if not ms then
        return {broken, k, 'field f holds ' .. held}
      end
      local mine, place = match(first, '^(%-?%d+) (.*)$')
      stands = before(tonumber(mine), place, tonumber(ms), coordinates)
    end
    if stands then
      put[#put + 1], put[#put + 2] = 'f', first
    end
  end
  for from = at, last, most do
    local names = {}
    for i = from, math.min(from + most - 1, last), 2 do
      names[#names + 1] = ARGV[i]
    end
    local held = pcall('HMGET', key, unpack(names))
    if held.err then
      return blame(k, held.err, names[1])
    end
    for i = 1, #names do
      local ms = ARGV[from + 2 * i - 1]
      if held[i] and not match(held[i], '^%-?%d+$') then
        return {broken, k, 'field ' .. names[i] .. ' holds ' .. held[i]}
      end
      if not held[i] or tonumber(ms) > tonumber(held[i]) then
        put[#put + 1], put[#put + 2] = names[i], ms
      end
    end
  end
end

local function each(command, key, list)
  for from = 1, #list, most do
    call(command, key, unpack(list, from, math.min(from + most - 1, #list)))
  end
end

local held = pcall('HGET', KEYS[1], source)
if type(held) == 'table' then
  return blame(1, held.err, source)
end
local offset = held and match(held, '^%S+')
if offset ~= to and offset ~= expected then
  return {refused}
end

if offset == to then
  local reply = {already}
  for k = 2, #KEYS do
    local n = pcall('HGET', KEYS[k], 'n')
    if type(n) == 'table' then
      return blame(k, n.err, 'n')
    end
    reply[k] = tonumber(n or 0)
  end
  return reply
end

local reply, puts, gones = {applied}, {}, {}
local at, increments = 6, 0
for k = 2, #KEYS do
  local key, events, first = KEYS[k], ARGV[at], ARGV[at + 1]
  local adds, seen = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local set, gone = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local put, out
  at = at + 6

  local n
  if events ~= '0' then
    n = pcall('HINCRBY', key, 'n', events)
  else
    n = pcall('HGET', key, 'n')
  end
  if type(n) == 'table' then
    undo(increments)
    return blame(k, n.err, 'n')
  end
  if events ~= '0' then
    increments = increments + 1
  end
  reply[k] = tonumber(n or 0)

  for i = at, at + 2 * adds - 2, 2 do
    n = pcall('HINCRBY', key, ARGV[i], ARGV[i + 1])
    if n == 0 then
      out = out or {}
      out[#out + 1] = ARGV[i]
    elseif type(n) == 'table' then
      undo(increments)
      return blame(k, n.err, ARGV[i])
    end
    increments = increments + 1
  end
  at = at + 2 * adds

  if seen > 0 or set > 0 or first ~= '' then
    put = {}
    local wrong = compare(k, first, at, seen, put)
    if wrong then
      undo(increments)
      return wrong
    end
    at = at + 2 * seen
    for i = at, at + 2 * set - 1 do
      put[#put + 1] = ARGV[i]
    end
    at = at + 2 * set
  end
  if gone > 0 then
    out = out or {}
    for i = at, at + gone - 1 do
      out[#out + 1] = ARGV[i]
    end
    at = at + gone
  end
  puts[k], gones[k] = put, out
end

for k = 2, #KEYS do
  if puts[k] then
    each('HSET', KEYS[k], puts[k])
  end
  if gones[k] then
    each('HDEL', KEYS[k], gones[k])
  end
  if life ~= '0' then
    call('PEXPIRE', KEYS[k], life)
  end
end
call('HSET', KEYS[1], source, fence)
return reply
