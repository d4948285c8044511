-- Puts the entities of one bucket as they are to be, under the fence of their source, in one step.
--
-- KEYS: the bucket's fences, then an entity each.
-- ARGV: the source, the expected offset, the new offset, the fence as it shall be, the life of an entity in
-- milliseconds (0: for ever); then for each entity the version that it should have, empty for one that should not be
-- there, and what it shall be, empty for one that shall be gone. An entity begins with its version, six bytes, and the
-- total of its events.
--
-- Answers {0} if refused, {1} if done, {2, the beginning of each entity} if it was done before, {3, index of the key, what
-- is wrong with it} if something there can't be what this program wrote, and {4, then for each entity 1 if it has that
-- version, else all of it, empty for none} if some were made for other ones: whoever made them adds up what both hold and
-- comes again.
--
-- Redis keeps what a script wrote before it failed. So nothing is written before every key was read.

local refused, done, already, broken, differs = 0, 1, 2, 3, 4

-- A call takes its arguments from Lua's stack, which holds some 8,000.
local most = 1000

local call, pcall = redis.call, redis.pcall
local sub, match = string.sub, string.match
local KEYS, ARGV = KEYS, ARGV
local keys, source, expected, to, fence, life = #KEYS, ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

-- Gives the answer for an error that a command on key k gave: about the key if it is to blame, else the error.
local function blame(k, err)
  if match(err, '^WRONGTYPE') then
    return {broken, k, err}
  end
  return {err = err}
end

local stands = pcall('HGET', KEYS[1], source)
if type(stands) == 'table' then
  return blame(1, stands.err)
end
local offset = stands and match(stands, '^%S+')
if offset ~= to and offset ~= expected then
  return {refused}
end

-- All entities as they are, false for none; and the keys that none was found at.
local entities, none = {}, {}
for from = 2, keys, most do
  local found = call('MGET', unpack(KEYS, from, math.min(from + most - 1, keys)))
  for i = 1, #found do
    entities[from + i - 1] = found[i]
    if not found[i] then
      none[#none + 1] = KEYS[from + i - 1]
    end
  end
end
for from = 1, #none, most do
  if call('EXISTS', unpack(none, from, math.min(from + most - 1, #none))) > 0 then -- but no entities
    for k = 2, keys do
      local entity = pcall('GET', KEYS[k])
      if type(entity) == 'table' then
        return blame(k, entity.err)
      end
    end
  end
end

if offset == to then
  local reply = {already}
  for k = 2, keys do
    reply[k] = entities[k] and sub(entities[k], 1, 16) or ''
  end
  return reply
end

local other, reply = false, {differs}
for k = 2, keys do
  local entity = entities[k]
  if (entity and sub(entity, 1, 6) or '') == ARGV[2 * k + 2] then
    reply[k] = 1
  else
    reply[k], other = entity or '', true
  end
end
if other then
  return reply
end

for k = 2, keys do
  local entity = ARGV[2 * k + 3]
  if entity == '' then
    call('DEL', KEYS[k])
  elseif life == '0' then
    call('SET', KEYS[k], entity)
  else
    call('SET', KEYS[k], entity, 'PX', life)
  end
end
call('HSET', KEYS[1], source, fence)
return {done}
