-- Reads entities of one bucket and the fence of a source there, as they are at one moment.
--
-- KEYS: the bucket's fences, then an entity each. ARGV: the source.
-- Answers {fence, the entities}, empty for none, or {0, index of the key, what is wrong with it}.

-- Gives the answer for an error that a command on key k gave: about the key if it is to blame, else the error.
local function blame(k, answer)
  if string.match(answer.err, '^WRONGTYPE') then
    return {0, k, answer.err}
  end
  return answer
end

local reply = {}
for k = 2, #KEYS do
  local entity = redis.pcall('GET', KEYS[k])
  if type(entity) == 'table' then
    return blame(k, entity)
  end
  reply[k] = entity or ''
end
local fence = redis.pcall('HGET', KEYS[1], ARGV[1])
if type(fence) == 'table' then
  return blame(1, fence)
end
reply[1] = fence or ''
return reply
