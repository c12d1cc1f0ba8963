# Shell functions for the examples in these pages. Use them in the folder where the stack runs:
#
#   . docs/shell.sh

# An address or a key from stack.json:    stack api    stack keys.stores.S001
stack() {
  python3 -c 'import functools, json, sys
print(functools.reduce(dict.get, sys.argv[1].split("."), json.load(open(".throughline/stack.json"))))' "$1"
}

# A call with somebody's key:    call web GET /v1/orders    call stores.S001 POST /v1/pickups/…/1/accept '{}'
call() {
  curl -s -X "$2" "$(stack api)$3" -H "Authorization: Bearer $(stack "keys.$1")" \
    -H "Idempotency-Key: $(date +%s)-$RANDOM-$RANDOM" -H "Content-Type: application/json" ${4:+-d "$4"}
}

# Parts of a JSON answer; the value alone when one is asked for:    … | show order_id    … | show status payment.due
show() {
  python3 -c 'import json, sys
found = json.load(sys.stdin)
for path in sys.argv[1:]:
    at = found
    for key in path.split("."):
        at = at[int(key)] if isinstance(at, list) else at.get(key)
    value = at if isinstance(at, str) else json.dumps(at)
    print(value if len(sys.argv) == 2 else f"{path}: {value}")' "$@"
}

# A sample order of one line, and its id:    place web S001 SHOE-42 2 4999 [card token] [customer ref]
place() {
  local number="D-$RANDOM-$RANDOM" total=$(($4 * $5))
  call "$1" POST /v1/orders '{
    "channel": "'"$1"'", "external_id": "'$number'", "placed_at": "'"$(date -u +%FT%TZ)"'", "currency": "EUR",
    "customer": {"ref": "'"${7:-C-$number}"'", "name": "Test Customer", "email": "'"$number"'@example.org"},
    "lines": [{"line_id": "1", "sku": "'"$3"'", "quantity": '"$4"', "unit_price": '"$5"', "fulfilment": "f1"}],
    "fulfilments": [{"id": "f1", "method": "pickup", "store_id": "'"$2"'", "mode": "counter"}],
    "total": '$total', "tenders": [{"type": "card", "token": "'"${6:-tok_ok}"'", "amount": '$total'}]}' | show order_id
}

# A sample order of one line that is shipped to Berlin, and its id:    ship web SHOE-42 2 4999
ship() {
  local number="D-$RANDOM-$RANDOM" total=$(($3 * $4))
  call "$1" POST /v1/orders '{
    "channel": "'"$1"'", "external_id": "'$number'", "placed_at": "'"$(date -u +%FT%TZ)"'", "currency": "EUR",
    "customer": {"ref": "C-'$number'", "name": "Test Customer", "email": "'"$number"'@example.org"},
    "lines": [{"line_id": "1", "sku": "'"$2"'", "quantity": '"$3"', "unit_price": '"$4"', "fulfilment": "f1"}],
    "fulfilments": [{"id": "f1", "method": "ship", "address": {"name": "Test Customer", "line1": "Example Street 1",
                     "postal_code": "10115", "city": "Berlin", "country": "DE"}}],
    "total": '$total', "tenders": [{"type": "card", "token": "tok_ok", "amount": '$total'}]}' | show order_id
}

# The newest hand-over code that was mailed for an order, once it is there:    code $ORDER
code() {
  local number found=""
  number=$(call web GET "/v1/orders/$1" | show external_id)
  until [ "$found" ]; do
    found=$(curl -s "$(stack mail)/messages?to=$number@example.org" | python3 -c 'import json, re, sys
texts = [mail["text"] for mail in json.load(sys.stdin)["items"]]
print((re.findall(r"^Code: (\d{8})$", "\n".join(texts), re.M) or [""])[-1])')
    [ "$found" ] || sleep 0.2
  done
  echo "$found"
}
