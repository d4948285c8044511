-- Keeps the artefacts of days, and the contributions to the next one.
--
-- KEYS: the days (a hash: day, name of its artefact), the artefacts (a hash: name, bytes), the contributions (a list,
-- the oldest first), the state (a hash: version, which is another one after each change of days; gone, how many
-- contributions have left the list).
-- ARGV: what to do, then what that needs:
--   contribute, how many are kept at most, the contribution
--   view
--   fetch, version, 1 for contributions or 0 for none, names of artefacts
--   commit, version, the version after it, the number of contributions that ever came up to the last one that was
--     used, how many days, artefacts, old days and old artefacts follow; the days (day, name), the artefacts (name,
--     bytes), the days to drop, the names of artefacts to drop
--
-- Answers {0} if the version is another one: nothing is done; {3, index of the key, what is wrong with it} if
-- something there can't be what this program wrote; otherwise {1, ...} with: contribute and commit nothing, view the
-- version and the days, fetch how many contributions have left, the artefacts (nil for one that is not there) and the
-- contributions.
--
-- Redis keeps what a script wrote before it failed, so whatever can fail comes first: once a key of each has been
-- read, nothing fails.

local changed, done, broken = 0, 1, 3
local call = redis.call
local days, artefacts, contributions, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

for k, command in ipairs({'HLEN', 'HLEN', 'LLEN', 'HLEN'}) do
  local answer = redis.pcall(command, KEYS[k])
  if type(answer) == 'table' then
    if string.match(answer.err, '^WRONGTYPE') then
      return {broken, k, answer.err}
    end
    return answer
  end
end
local version = call('HGET', state, 'version') or ''
local gone = call('HGET', state, 'gone') or '0'
if not string.match(gone, '^%d+$') then
  return {broken, 4, 'field gone holds ' .. gone}
end
gone = tonumber(gone)

-- Drops the n oldest contributions.
local function drop(n)
  if n > 0 then
    call('LTRIM', contributions, string.format('%d', n), -1)
    call('HSET', state, 'gone', string.format('%d', gone + n))
  end
end

if ARGV[1] == 'contribute' then
  drop(call('RPUSH', contributions, ARGV[3]) - tonumber(ARGV[2]))
  return {done}
elseif ARGV[1] == 'view' then
  return {done, version, call('HGETALL', days)}
end

if version ~= ARGV[2] then
  return {changed}
end

if ARGV[1] == 'fetch' then
  local found, list = {}, {}
  for i = 4, #ARGV do
    found[#found + 1] = call('HGET', artefacts, ARGV[i])
  end
  if ARGV[3] == '1' then
    list = call('LRANGE', contributions, 0, -1)
  end
  return {done, gone, found, list}
end

local at = 9
for _ = 1, tonumber(ARGV[5]) do
  call('HSET', days, ARGV[at], ARGV[at + 1])
  at = at + 2
end
for _ = 1, tonumber(ARGV[6]) do
  call('HSET', artefacts, ARGV[at], ARGV[at + 1])
  at = at + 2
end
for _ = 1, tonumber(ARGV[7]) do
  call('HDEL', days, ARGV[at])
  at = at + 1
end
for _ = 1, tonumber(ARGV[8]) do
  call('HDEL', artefacts, ARGV[at])
  at = at + 1
end
drop(tonumber(ARGV[4]) - gone)
call('HSET', state, 'version', ARGV[3])
return {done}
