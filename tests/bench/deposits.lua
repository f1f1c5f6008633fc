-- Deposits under distinct keys; each acknowledged contribution id goes to a file of its thread: wrk -s deposits.lua URL -- BODY SEED FOLDER
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
   acknowledged = io.open(string.format("%s/%d", arguments[3], number), "w")
   others = 0
end

function request()
   sent = sent + 1
   local headers = {}
   headers["Content-Type"] = "application/json"
   headers["Idempotency-Key"] = string.format("%s%02d%012d", seed, number, sent)
   return wrk.format("POST", nil, headers, body)
end

function response(status, _, answer)
   if status == 201 then
      acknowledged:write(answer:match('"contribution":"([^"]+)"') or "?", "\n")
   else
      others = others + 1
   end
end
