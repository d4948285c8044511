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
-- Redis keeps what a script wrote before it failed. So all is read, and checked, before anything is written.

local refused, applied, already, broken = 0, 1, 2, 3

-- A call takes its arguments from Lua's stack, which holds some 8,000. Even, so that pairs stay together.
local most = 1000

-- Numbers are doubles here, exact below 2^53.
local exact = 9007199254740992

local call, pcall = redis.call, redis.pcall
local match, format, byte = string.match, string.format, string.byte
local KEYS, ARGV = KEYS, ARGV
local source, expected, to, fence, life = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

-- Gives the values of fields (false where there is none), or nothing and the reason.
local function read(key, fields)
  local all
  for from = 1, #fields, most do
    local some = pcall('HMGET', key, unpack(fields, from, math.min(from + most - 1, #fields)))
    if some.err then
      return nil, some.err
    end
    if not all then
      all = some
    else
      for i = 1, #some do
        all[from + i - 1] = some[i]
      end
    end
  end
  return all
end

local function each(command, key, list)
  for from = 1, #list, most do
    call(command, key, unpack(list, from, math.min(from + most - 1, #list)))
  end
end

-- Gives a stored number, 0 for none, nothing if it is none.
local function whole(text)
  if not text then
    return 0
  end
  local n = match(text, '^%-?%d+$') and tonumber(text)
  if n and math.abs(n) < exact then
    return n
  end
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

local held = pcall('HGET', KEYS[1], source)
if type(held) == 'table' then
  return {broken, 1, held.err}
end
local offset = held and match(held, '^%S+')
if offset ~= to and offset ~= expected then
  return {refused}
end

local reply, puts, gones = {applied}, {}, {}
if offset == to then
  reply[1] = already
end
local at = 6
for k = 2, #KEYS do
  local events, first = tonumber(ARGV[at]), ARGV[at + 1]
  local adds, seen = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local set, gone = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  at = at + 6

  local fields = {'n', 'f'}
  if reply[1] == applied then
    for i = at, at + 2 * (adds + seen) - 2, 2 do
      fields[#fields + 1] = ARGV[i]
    end
  end
  local has, why = read(KEYS[k], fields)
  if not has then
    return {broken, k, why}
  end
  local total = whole(has[1])
  if not total then
    return {broken, k, 'field n holds ' .. has[1]}
  end
  reply[k] = total

  if reply[1] == applied then
    local put, out = {}, {}
    if events ~= 0 then
      reply[k] = total + events
      put[1], put[2] = 'n', format('%.0f', reply[k])
    end
    if first ~= '' then
      local stands = true
      if has[2] then
        local ms, coordinates = match(has[2], '^(%-?%d+) (.*)$')
        if not ms then
          return {broken, k, 'field f holds ' .. has[2]}
        end
        local mine, place = match(first, '^(%-?%d+) (.*)$')
        stands = before(tonumber(mine), place, tonumber(ms), coordinates)
      end
      if stands then
        put[#put + 1], put[#put + 2] = 'f', first
      end
    end
    for i = 1, adds do
      local field, stood = ARGV[at], whole(has[2 + i])
      if not stood then
        return {broken, k, 'field ' .. field .. ' holds ' .. has[2 + i]}
      end
      local n = stood + tonumber(ARGV[at + 1])
      if math.abs(n) >= exact then
        return {broken, k, 'field ' .. field .. ' would be ' .. format('%.0f', n)}
      end
      if n == 0 then
        out[#out + 1] = field
      else
        put[#put + 1], put[#put + 2] = field, format('%.0f', n)
      end
      at = at + 2
    end
    for i = 1, seen do
      local field, ms, last = ARGV[at], ARGV[at + 1], has[2 + adds + i]
      local stood = whole(last)
      if not stood then
        return {broken, k, 'field ' .. field .. ' holds ' .. last}
      end
      if not last or tonumber(ms) > stood then
        put[#put + 1], put[#put + 2] = field, ms
      end
      at = at + 2
    end
    for i = at, at + 2 * set - 1 do
      put[#put + 1] = ARGV[i]
    end
    at = at + 2 * set
    for i = at, at + gone - 1 do
      out[#out + 1] = ARGV[i]
    end
    at = at + gone
    puts[k], gones[k] = put, out
  else
    at = at + 2 * (adds + seen + set) + gone
  end
end

if reply[1] == already then
  return reply
end
for k = 2, #KEYS do
  each('HSET', KEYS[k], puts[k])
  each('HDEL', KEYS[k], gones[k])
  if life > 0 then
    call('PEXPIRE', KEYS[k], ARGV[5])
  end
end
call('HSET', KEYS[1], source, fence)
return reply
