-- Decides for wrk. Arguments after "--": how users are chosen, a prefix for their ids, how many, the placement, and
-- the text that every right answer holds (empty: answers are not looked at).
--
--   pool   requests are built once and sent in turn, each for one of `count` users
--   fresh  every request is for a user never seen before
--
-- One JSON line with the results goes to standard output.

local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

local headers = {["Content-Type"] = "application/json"}

local function body(user, placement)
  return string.format('{"user":"%s","placements":["%s"]}', user, placement)
end

local function choose_from_pool(prefix, count, placement)
  local requests, at = {}, (number * 7919) % count
  for n = 0, count - 1 do
    requests[n] = wrk.format("POST", "/v1/decide", headers, body(string.format("%s-%06d", prefix, n), placement))
  end
  request = function()
    at = at + 1
    if at >= count then at = 0 end
    return requests[at]
  end
end

local function choose_fresh(prefix, placement)
  -- The number has a fixed width, so the length in the header stays right and only the middle changes.
  local mark = "00000000"
  local user = string.format("%s-%d-%s", prefix, number, mark)
  local whole = wrk.format("POST", "/v1/decide", headers, body(user, placement))
  local from, to = string.find(whole, mark, 1, true)
  local before, after = string.sub(whole, 1, from - 1), string.sub(whole, to + 1)
  local at, format = 0, string.format
  request = function()
    at = at + 1
    return before .. format("%08d", at) .. after
  end
end

function init(arguments)
  local how, prefix, count, placement, marker = unpack(arguments)
  wrong, sample = 0, ""
  if how == "fresh" then
    choose_fresh(prefix, placement)
  else
    choose_from_pool(prefix, tonumber(count), placement)
  end
  if marker == "" then return end
  local find = string.find
  response = function(status, _, answer)
    if status ~= 200 or not find(answer, marker, 1, true) then
      wrong = wrong + 1
      if sample == "" then sample = status .. " " .. answer end
    end
  end
end

function done(summary, latency)
  local wrong_sum, first = 0, ""
  for _, thread in ipairs(threads) do
    wrong_sum = wrong_sum + (thread:get("wrong") or 0)
    local seen = thread:get("sample") or ""
    if first == "" then first = seen end
  end
  first = string.gsub(string.sub(first, 1, 300), '[%c"\\]', "'")
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,"wrong":%d,"sample":"%s"}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9), latency.max, e.connect, e.read, e.write, e.status, e.timeout, wrong_sum, first))
end
