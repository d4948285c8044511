-- Reads entities of one bucket and the fence of a source there, as they are at one moment.
--
-- KEYS: the bucket's fences, then an entity each. ARGV: the source.
-- Answers {fence ("" for none), fields and values of each entity, nil or none if it is not there}, or {0, index of the key, what is wrong with it}.

-- Gives the answer for an error that a command on key k gave: about the key if it is to blame, else the error.
local function blame(k, answer)
  if string.match(answer.err, '^WRONGTYPE') then
    return {0, k, answer.err}
  end
  return answer
end

-- A call takes its arguments from Lua's stack, which holds some 8,000.
local most = 1000

local reply = {}
for from = 2, #KEYS, most do
  local last = math.min(from + most - 1, #KEYS)
  local none = redis.call('EXISTS', unpack(KEYS, from, last)) == 0
  for k = from, last do
    local entity = false
    if not none then
      entity = redis.pcall('HGETALL', KEYS[k])
      if entity.err then
        return blame(k, entity)
      end
    end
    reply[k] = entity
  end
end
local fence = redis.pcall('HGET', KEYS[1], ARGV[1])
if type(fence) == 'table' then
  return blame(1, fence)
end
reply[1] = fence or ''
return reply
