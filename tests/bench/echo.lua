-- The same body under the same headers, and as much work for each answer: wrk -s echo.lua URL -- BODY SEED FOLDER
local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

function init(arguments)
   local file = io.open(arguments[1], "r")
   body = file:read("*a")
   file:close()
   seed, sent = arguments[2], 0
   answered = io.open(string.format("%s/echo-%d", arguments[3], number), "w")
end

function request()
   sent = sent + 1
   local headers = {}
   headers["Content-Type"] = "application/json"
   headers["Idempotency-Key"] = string.format("%s%02d%012d", seed, number, sent)
   return wrk.format("POST", nil, headers, body)
end

function response(status, _, answer)
   answered:write(answer:match('"theme":"([^"]+)"') or "?", "\n")
end
