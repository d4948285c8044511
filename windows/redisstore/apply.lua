-- Puts the entities of buckets as they are to be, under the fences of their source, each bucket in one step. In a cluster all
-- keys of a call are in one slot, so it has one bucket.
--
-- KEYS: for each bucket its fences, then its entities: those that should be there, then new ones.
-- ARGV: the source, the life of an entity in milliseconds (0: for ever); then for each bucket the number of its entities,
-- the fence as it should be, the fence as it shall be, the versions, six bytes each, of the entities that should be there, or
-- '?' to be told what is there; and what each entity shall be, empty for one that shall be gone. An entity begins with its
-- version and the total of its events.
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

-- Tells whether there is anything at one of these keys.
local function any(names)
  local found = 0
  for from = 1, #names, most do
    found = found + call('EXISTS', unpack(names, from, min(from + most - 1, #names)))
  end
  return found > 0
end

-- Where each bucket stands, and which entities should not be there. These are asked after, not read: it costs half, and most
-- are as they should be.
local new, at, k = {}, 3, 1
while k <= #KEYS do
  local b, n, versions = #buckets + 1, tonumber(ARGV[at]), ARGV[at + 3]
  local bucket, stands = {key = k, size = n, known = #versions / 6, at = at + 3}, pcall('HGET', KEYS[k], source)
  buckets[b] = bucket
  if type(stands) == 'table' then
    replies[b] = blame(1, stands.err)
    if replies[b].err then
      return replies[b]
    end
  else
    if stands == ARGV[at + 2] then
      bucket.all = already
    elseif stands ~= ARGV[at + 1] then
      replies[b] = {refused}
    elseif versions == '?' then
      bucket.all = differs
    else
      for i = k + 1 + bucket.known, k + n do
        new[#new + 1] = KEYS[i]
      end
    end
  end
  k, at = k + n + 1, at + 4 + n
end
local met = any(new)

-- The other entities by the numbers of their keys, false for none; and those that none was found of.
local entities, none, names, wanted = {}, {}, {}, {}
for b = 1, #buckets do
  local bucket = buckets[b]
  for i = 1, replies[b] and 0 or (met or bucket.all) and bucket.size or bucket.known do
    wanted[#wanted + 1] = bucket.key + i
    names[#names + 1] = KEYS[bucket.key + i]
  end
end
for from = 1, #names, most do
  local found = call('MGET', unpack(names, from, min(from + most - 1, #names)))
  for i = 1, #found do
    entities[wanted[from + i - 1]] = found[i]
    if not found[i] then
      none[#none + 1] = names[from + i - 1]
    end
  end
end
local others = any(none) -- something is at such a key and is no entity

for b = 1, #buckets do
  local bucket = buckets[b]
  local first, n, at = bucket.key, bucket.size, bucket.at
  for i = 1, others and not replies[b] and n or 0 do
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
  elseif bucket.all == already then
    local reply = {already}
    for i = 1, n do
      local entity = entities[first + i]
      reply[1 + i] = entity and sub(entity, 1, 16) or ''
    end
    replies[b] = reply
  else
    local reply, versions = nil, ARGV[at]
    for i = 1, (met or bucket.all) and n or bucket.known do
      local entity = entities[first + i] or ''
      if bucket.all or sub(entity, 1, 6) ~= sub(versions, 6 * i - 5, 6 * i) then
        reply = reply or {differs}
        reply[1 + i] = entity
      end
    end
    if reply then
      for i = 1, n do
        reply[1 + i] = reply[1 + i] or 1
      end
    else
      for i = 1, n do
        local key, entity = KEYS[first + i], ARGV[at + i]
        if entity == '' then
          call('DEL', key)
        elseif life == '0' then
          call('SET', key, entity)
        else
          call('SET', key, entity, 'PX', life)
        end
      end
      call('HSET', KEYS[first], source, ARGV[at - 1])
      reply = {done}
    end
    replies[b] = reply
  end
end
return replies
