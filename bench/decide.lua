-- Decides for wrk. Arguments after "--": how users are chosen, a prefix for their ids, how many, the placement, and
-- the text that every right answer holds (empty: answers are not looked at).
--
--   pool   requests are built once and sent in turn, each for one of `count` users PREFIX-000000 and so on
--   close  as pool, and each asks for a connection of its own
--   walk   as pool for very many users PREFIX-00000000 and so on: jumps among them, nothing is built in advance
--   list   as pool, for the users that the file PREFIX names, one a line
--   fresh  every request is for a user never seen before
--   mix    nine decides for the users pool-000000 and so on, who must wait, then one for a new user, who must be
--          shown a popup; each showing is followed by an event about it, with an id of its own
--
-- One JSON line with the results goes to standard output.

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

local headers = {["Content-Type"] = "application/json"}
local find, format, match, sub = string.find, string.format, string.match, string.sub

local function body(user, placement)
  return format('{"user":"%s","placements":["%s"]}', user, placement)
end

local function choose_from_pool(prefix, count, placement)
  local requests, at = {}, (number * 7919) % count
  for n = 0, count - 1 do
    requests[n] = wrk.format("POST", "/v1/decide", headers, body(format("%s-%06d", prefix, n), placement))
  end
  return function()
    at = at + 1
    if at >= count then at = 0 end
    return requests[at]
  end
end

local function choose_from_list(path, count, placement)
  local requests, n = {}, 0
  for user in io.lines(path) do
    requests[n] = wrk.format("POST", "/v1/decide", headers, body(user, placement))
    n = n + 1
  end
  assert(n == count, "the file has another number of users")
  local at = (number * 7919) % count
  return function()
    at = at + 1
    if at >= count then at = 0 end
    return requests[at]
  end
end

-- A function of n: the whole request for the user PREFIX-n. The number has a fixed width, so the length in the header
-- stays right and only the middle changes.
local function numbered(prefix, placement)
  local mark = "00000000"
  local whole = wrk.format("POST", "/v1/decide", headers, body(prefix .. "-" .. mark, placement))
  local from, to = find(whole, mark, 1, true)
  local before, after = sub(whole, 1, from - 1), sub(whole, to + 1)
  return function(n) return before .. format("%08d", n) .. after end
end

local function choose_fresh(prefix, placement)
  local make, at = numbered(prefix .. "-" .. number, placement), 0
  return function()
    at = at + 1
    return make(at)
  end
end

-- A step that shares no divisor with a count that is a power of ten visits every user before any comes again.
local function choose_by_walking(prefix, count, placement)
  local make, at = numbered(prefix, placement), 0
  return function()
    at = (at + 7368787) % count
    return make(at)
  end
end

local function check_marker(marker)
  return function(status, _, answer)
    if status ~= 200 or not find(answer, marker, 1, true) then
      wrong = wrong + 1
      if sample == "" then sample = status .. " " .. answer end
    end
  end
end

-- Events that follow showings wait in `due`; they go out before any further decide.
local function begin_mix(prefix, count, placement)
  local waits, new = choose_from_pool("pool", count, placement), choose_fresh(prefix, placement)
  local due, first, last, turn = {}, 1, 0, 0
  local at = os.date("!%Y-%m-%dT%H:%M:%SZ")
  request = function()
    if first <= last then
      local one = due[first]
      due[first] = nil
      first = first + 1
      return one
    end
    turn = turn + 1
    if turn % 10 == 0 then return new() end
    return waits()
  end
  response = function(status, _, answer)
    if status == 202 and find(answer, '"accepted":1', 1, true) then
      events = events + 1
      return
    end
    local shown = find(answer, '"MATCH"', 1, true)
    local right = status == 200 and (shown or find(answer, '"COOLDOWN"', 1, true))
    local is_new = find(answer, '"user":"' .. prefix, 1, true)
    if not right or (shown ~= nil) ~= (is_new ~= nil) then
      wrong = wrong + 1
      if sample == "" then sample = status .. " " .. answer end
      return
    end
    if not shown then return end
    claims = claims + 1
    last = last + 1
    due[last] = wrk.format("POST", "/v1/events", headers, format(
      '{"events":[{"id":"%s-%d-%d","type":"impression","user":"%s","popup":"%s","decision_id":"%s","at":"%s"}]}',
      prefix, number, claims, match(answer, '"user":"([^"]*)"'), match(answer, '"popup":{"id":"([^"]*)"'),
      match(answer, '"decision_id":"([^"]*)"'), at))
  end
end

function init(arguments)
  local how, prefix, count, placement, marker = unpack(arguments)
  wrong, sample, claims, events = 0, "", 0, 0
  count = tonumber(count)
  if how == "mix" then
    begin_mix(prefix, count, placement)
    return
  end
  if how == "fresh" then
    request = choose_fresh(prefix, placement)
  elseif how == "list" then
    request = choose_from_list(prefix, count, placement)
  elseif how == "walk" then
    request = choose_by_walking(prefix, count, placement)
  else
    if how == "close" then headers["Connection"] = "close" end
    request = choose_from_pool(prefix, count, placement)
  end
  if marker ~= "" then response = check_marker(marker) end
end

function done(summary, latency)
  local sums, first = {wrong = 0, claims = 0, events = 0}, ""
  for _, thread in ipairs(threads) do
    for name, value in pairs(sums) do sums[name] = value + (thread:get(name) or 0) end
    local seen = thread:get("sample") or ""
    if first == "" then first = seen end
  end
  first = string.gsub(sub(first, 1, 300), '[%c"\\]', "'")
  local e = summary.errors
  io.write(format(
    '{"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,"wrong":%d,"claims":%d,"events":%d,"sample":"%s"}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9), latency.max, e.connect, e.read, e.write, e.status, e.timeout, sums.wrong, sums.claims,
    sums.events, first))
end
