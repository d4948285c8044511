-- Puts the entities of buckets as they are to be, under the fences of their source, each bucket in one step. In a cluster all
-- keys of a call are in one slot, so it has one bucket.
--
-- KEYS: for each bucket its fences, then its entities.
-- ARGV: the source, the life of an entity in milliseconds (0: for ever); then for each bucket the number of its entities,
-- the expected offset, the new offset, the fence as it shall be, and for each entity the version that it should have, empty
-- for one that should not be there, and what it shall be, empty for one that shall be gone. An entity begins with its
-- version, six bytes, and the total of its events.
--
-- Answers for each bucket {0} if refused, {1} if done, {2, the beginning of each entity} if it was done before, {3, index of
-- the bucket's key, what is wrong with it} if something there can't be what this program wrote, and {4, then for each entity 1
-- if it has that version, else all of it, empty for none} if some were made for other ones: whoever made them adds up what both
-- hold and comes again.
--
-- Redis keeps what a script wrote before it failed. So nothing of a bucket is written before all of it was read.

local refused, done, already, broken, differs = 0, 1, 2, 3, 4

-- A call takes its arguments from Lua's stack, which holds some 8,000.
local most = 1000

local call, pcall = redis.call, redis.pcall
local sub, match, min = string.sub, string.match, math.min
local tonumber, type, unpack = tonumber, type, unpack
local KEYS, ARGV = KEYS, ARGV
local source, life = ARGV[1], ARGV[2]

local replies, buckets = {}, {}

-- Gives a bucket's answer for an error that a command on its key k gave: about the key if it is to blame, else the error.
local function blame(k, err)
  if match(err, '^WRONGTYPE') then
    return {broken, k, err}
  end
  return {err = err}
end

-- Where each bucket stands, and the entities that are to be read.
local wanted, at, k = {}, 3, 1
while k <= #KEYS do
  local n = tonumber(ARGV[at])
  local stands, bucket = pcall('HGET', KEYS[k], source), {key = k, size = n, at = at}
  buckets[#buckets + 1] = bucket
  if type(stands) == 'table' then
    replies[#buckets] = blame(1, stands.err)
    if replies[#buckets].err then
      return replies[#buckets]
    end
  else
    local offset = stands and match(stands, '^%S+')
    if offset == ARGV[at + 2] then
      bucket.already = true
    elseif offset ~= ARGV[at + 1] then
      replies[#buckets] = {refused}
    end
  end
  if not replies[#buckets] then
    for i = k + 1, k + n do
      wanted[#wanted + 1] = i
    end
  end
  k, at = k + n + 1, at + 4 + 2 * n
end

-- All these entities by the numbers of their keys, false for none; and those that none was found of.
local entities, none, names = {}, {}, {}
for i = 1, #wanted do
  names[i] = KEYS[wanted[i]]
end
for from = 1, #names, most do
  local found = call('MGET', unpack(names, from, min(from + most - 1, #names)))
  for i = 1, #found do
    local n = wanted[from + i - 1]
    entities[n] = found[i]
    if not found[i] then
      none[#none + 1] = KEYS[n]
    end
  end
end
local others = 0 -- what is at such a key and is no entity
for from = 1, #none, most do
  others = others + call('EXISTS', unpack(none, from, min(from + most - 1, #none)))
end

for b = 1, #buckets do
  local bucket = buckets[b]
  local first, n, at = bucket.key, bucket.size, bucket.at
  for i = 1, others > 0 and not replies[b] and n or 0 do
    local entity = pcall('GET', KEYS[first + i])
    if type(entity) == 'table' then
      replies[b] = blame(1 + i, entity.err)
      if replies[b].err then
        return replies[b]
      end
      break
    end
  end
  if replies[b] then
    -- It is answered.
  elseif bucket.already then
    local reply = {already}
    for i = 1, n do
      local entity = entities[first + i]
      reply[1 + i] = entity and sub(entity, 1, 16) or ''
    end
    replies[b] = reply
  else
    local reply, other = {differs}, false
    for i = 1, n do
      local entity = entities[first + i]
      if (entity and sub(entity, 1, 6) or '') == ARGV[at + 2 + 2 * i] then
        reply[1 + i] = 1
      else
        reply[1 + i], other = entity or '', true
      end
    end
    if not other then
      for i = 1, n do
        local key, entity = KEYS[first + i], ARGV[at + 3 + 2 * i]
        if entity == '' then
          call('DEL', key)
        elseif life == '0' then
          call('SET', key, entity)
        else
          call('SET', key, entity, 'PX', life)
        end
      end
      call('HSET', KEYS[first], source, ARGV[at + 3])
      reply = {done}
    end
    replies[b] = reply
  end
end
return replies
