-- Adds the deltas of one bucket under the fence of their source, in one step.
--
-- KEYS: the bucket's fences, then an entity each.
-- ARGV: the source, the expected offset, the new offset, the fence as it shall be, the life of an entity in
-- milliseconds (0: for ever); then for each entity its shape, its pairs, and the fields that are gone. A shape is five
-- numbers: how many sums, firsts, seen and set pairs follow in this order, and how many gone. Pairs are a field and
-- what becomes of it: a number to add (the first sum is that of events, which may be 0, others may not), an event
-- that may be the first, milliseconds of which the later stand, a value.
--
-- Answers {0} if refused, {1, total of events of each entity} if applied, {2, totals} if it was applied before, and
-- {3, index of the key, what is wrong with it} if something there can't be what this program wrote.
--
-- Redis keeps what a script wrote before it failed. So all that can fail comes first: nothing is written before every
-- key was read, and all is known that will be written.

local refused, applied, already, broken = 0, 1, 2, 3

-- A call takes its arguments from Lua's stack, which holds some 8,000. Even, so that pairs stay together.
local most = 1000

local call, pcall = redis.call, redis.pcall
local match, find, byte, sub, format = string.match, string.find, string.byte, string.sub, string.format
local floor, abs, min = math.floor, math.abs, math.min
local tonumber, type, unpack = tonumber, type, unpack
local KEYS, ARGV = KEYS, ARGV
local source, expected, to, fence, life = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- Calls a command with what stands in list from one place to another.
local function each(command, key, list, from, last)
  while last - from >= most do
    call(command, key, unpack(list, from, from + most - 1))
    from = from + most
  end
  if from <= last then
    call(command, key, unpack(list, from, last))
  end
end

-- Gives the answer for an error that a command on key k gave: about the key if it is to blame, else the error.
local function blame(k, err)
  if match(err, '^WRONGTYPE') then
    return {broken, k, err}
  end
  return {err = err}
end

local function wrong(k, field, held)
  return {broken, k, 'field ' .. field .. ' holds ' .. held}
end

-- Numbers by their texts, once they were found to be whole ones: most counts are small, and so the same.
local numbers = {}

-- Gives the number that a text is, rounded if it has more than 15 digits; nil if it is no whole number.
local function whole(text)
  local n = find(text, '^%-?%d+$') and tonumber(text)
  numbers[text] = n
  return n
end

-- The other way round, for up to 15 digits. Only small ones are noted: some Lua keeps a list up to the highest.
local texts = {}
local function text(n)
  local t = format('%d', n)
  if n > 0 and n < 256 then
    texts[n] = t
  end
  return t
end

-- Splits a number into what comes before its last nine digits and these, both with its sign.
local function split(text)
  local minus, digits = match(text, '^(%-?)(%d+)$')
  local high, low = tonumber(sub(digits, 1, -10)) or 0, tonumber(sub(digits, -9))
  if minus == '' then
    return high, low
  end
  return -high, -low
end

-- Adds whole numbers of any size that Redis counts with, as texts; nil if their sum is none. Lua's own numbers are
-- exact to 15 digits.
local function sum(a, b)
  local high, low = split(a)
  local high2, low2 = split(b)
  high, low = high + high2, low + low2
  local carry = floor(low / 1e9)
  high, low = high + carry, low - carry * 1e9
  if high < 0 and low > 0 then -- the sign is that of both
    high, low = high + 1, low - 1e9
  end
  local last = low < 0 and 854775808 or 854775807
  if abs(high) > 9223372036 or abs(high) == 9223372036 and abs(low) > last then
    return nil
  elseif high == 0 then
    return format('%d', low)
  end
  return format('%d%09d', high, abs(low))
end

-- Reports whether an event is before another, by time, then by coordinates, byte by byte: Lua's < follows the locale
-- of the server. Nil if the other is no event.
local function before(event, other)
  local ms, others = match(other, '^(%-?%d+) (.*)$')
  if not ms then
    return nil
  end
  local mine, coordinates = match(event, '^(%-?%d+) (.*)$')
  if tonumber(mine) ~= tonumber(ms) then
    return tonumber(mine) < tonumber(ms)
  end
  for i = 1, min(#coordinates, #others) do
    local a, b = byte(coordinates, i), byte(others, i)
    if a ~= b then
      return a < b
    end
  end
  return #coordinates < #others
end

-- Reads the fields of n pairs from ARGV[at] on. Returns their values, false for none; or nil and the error.
local names = {}
local function read(key, at, n)
  for i = 1, n do
    names[i] = ARGV[at + 2 * i - 2]
  end
  local held = pcall('HMGET', key, unpack(names, 1, n < most and n or most))
  if held.err then
    return nil, held.err
  end
  for from = most + 1, n, most do
    local more = call('HMGET', key, unpack(names, from, min(from + most - 1, n)))
    for i = 1, #more do
      held[from + i - 1] = more[i]
    end
  end
  return held
end

-- The numbers of a shape, and how many arguments an entity of it has.
local shapes = {}
local function shape(text)
  local s = {}
  for n in string.gmatch(text, '%d+') do
    s[#s + 1] = tonumber(n)
  end
  s[6] = 1 + 2 * (s[1] + s[2] + s[3] + s[4]) + s[5]
  shapes[text] = s
  return s
end

-- Adds up what is held and what comes. Returns the text of the sum, '0' for none; or nil and what is wrong.
local function add(old, value)
  local n, m = numbers[old] or whole(old), numbers[value] or whole(value)
  if not n then
    return nil, ' holds ' .. old
  elseif #old < 16 and #value < 16 then
    return texts[n + m] or text(n + m)
  end
  local both = sum(old, value)
  if not both then
    return nil, ' would overflow from ' .. old
  end
  return both
end

-- Finds out what is to be written of an entity that is there, held being its values of the pairs from ARGV[at] on.
-- Returns the pairs, the fields that became 0, and the total of events; or nil and the answer if the key is broken.
local function merge(k, s, at, held)
  local put, out, p, events = {}, nil, 0, ARGV[at + 1]
  local firsts = s[1] + 1
  local seen = firsts + s[2]
  for i = 1, s[1] do
    local field, value, old = ARGV[at], ARGV[at + 1], held[i]
    at = at + 2
    if old then
      local why
      value, why = add(old, value)
      if why then
        return nil, {broken, k, 'field ' .. field .. why}
      end
    end
    if i == 1 then
      events = value
    end
    if value ~= '0' then
      put[p + 1], put[p + 2] = field, value
      p = p + 2
    elseif old then
      out = out or {}
      out[#out + 1] = field
    end
  end
  for i = firsts, seen - 1 do
    local field, event, old = ARGV[at], ARGV[at + 1], held[i]
    at = at + 2
    local stands = not old
    if old then
      stands = before(event, old)
      if stands == nil then
        return nil, wrong(k, field, old)
      end
    end
    if stands then
      put[p + 1], put[p + 2] = field, event
      p = p + 2
    end
  end
  for i = seen, seen + s[3] - 1 do
    local field, ms, old = ARGV[at], ARGV[at + 1], held[i]
    at = at + 2
    if old and not find(old, '^%-?%d+$') then
      return nil, wrong(k, field, old)
    end
    if not old or tonumber(ms) > tonumber(old) then
      put[p + 1], put[p + 2] = field, ms
      p = p + 2
    end
  end
  for i = at, at + 2 * s[4] - 1 do
    p = p + 1
    put[p] = ARGV[i]
  end
  return put, out, events
end

local held = pcall('HGET', KEYS[1], source)
if type(held) == 'table' then
  return blame(1, held.err)
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
      return blame(k, n.err)
    end
    if n and not whole(n) then
      return wrong(k, 'n', n)
    end
    reply[k] = tonumber(n or 0)
  end
  return reply
end

-- Says which of the entities whose first event is said to be here are new indeed, by their keys.
local function fresh()
  local new, keys, n, at = {}, {}, 0, 6
  for k = 2, #KEYS do
    local s = shapes[ARGV[at]] or shape(ARGV[at])
    if s[2] > 0 and ARGV[at + 2] ~= '0' then
      n = n + 1
      keys[n] = KEYS[k]
    end
    at = at + s[6]
  end
  for from = 1, n, most do
    local last = min(from + most - 1, n)
    local none = call('EXISTS', unpack(keys, from, last)) == 0
    for i = from, last do
      new[keys[i]] = none or call('EXISTS', keys[i]) == 0
    end
  end
  return new
end

local reply, new, puts, outs = {applied}, fresh(), {}, {}
local at = 6
for k = 2, #KEYS do
  local s, key = shapes[ARGV[at]], KEYS[k]
  if new[key] then
    reply[k] = tonumber(ARGV[at + 2])
  else
    local held, err = read(key, at + 1, s[1] + s[2] + s[3])
    if err then
      return blame(k, err)
    end
    local put, out, total = merge(k, s, at + 1, held)
    if not put then
      return out
    end
    puts[k], outs[k], reply[k] = put, out, tonumber(total)
  end
  at = at + s[6]
end

at = 6
for k = 2, #KEYS do
  local s, key, put, out = shapes[ARGV[at]], KEYS[k], puts[k], outs[k]
  local gone, last = at + s[6] - s[5], at + s[6] - 1
  if put then
    each('HSET', key, put, 1, #put)
  else
    each('HSET', key, ARGV, at + 1, gone - 1)
  end
  if out then
    each('HDEL', key, out, 1, #out)
  end
  each('HDEL', key, ARGV, gone, last)
  if life ~= '0' then
    call('PEXPIRE', key, life)
  end
  at = last + 1
end
call('HSET', KEYS[1], source, fence)
return reply
