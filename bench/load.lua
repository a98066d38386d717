-- wrk: one POST after the other, each with its own number in body and idempotency key. In the template `@` stands for the
-- number of the request, `#` for its last digit.
local template, token, run, paths = "", "", "", {}
local number = 0

function init(args)
  local file = assert(io.open(args[1]))
  template = file:read("*a")
  file:close()
  token, run = args[2], args[3]
  for path in io.lines(args[4]) do paths[#paths + 1] = path end
end

function request()
  number = number + 1
  local body = template:gsub("[@#]", { ["@"] = run .. "-" .. number, ["#"] = tostring(number % 10) })
  return wrk.format("POST", paths[number % #paths + 1], {
    ["Authorization"] = "Bearer " .. token,
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = run .. "-" .. number,
  }, body)
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format('RESULT {"requests":%d,"failed":%d,"ms":%f,"p50Ms":%f,"p99Ms":%f}\n', summary.requests,
    failed, summary.duration / 1000, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
