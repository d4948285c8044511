-- Reads entities of one bucket and the fence of a source there, as they are at one moment.
--
-- KEYS: the bucket's fences, then an entity each. ARGV: the source.
-- Answers {fence ("" for none), fields and values of each entity}, or {0, index of the key, what is wrong with it}.

local reply = {}
for k = 2, #KEYS do
  local entity = redis.pcall('HGETALL', KEYS[k])
  if entity.err then
    return {0, k, entity.err}
  end
  reply[k] = entity
end
local fence = redis.pcall('HGET', KEYS[1], ARGV[1])
if type(fence) == 'table' then
  return {0, 1, fence.err}
end
reply[1] = fence or ''
return reply
