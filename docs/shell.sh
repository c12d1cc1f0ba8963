# Three shell functions for the examples in these pages. Use them in the folder where the stack runs:
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

# Parts of a JSON answer, one a line:    … | show order_id payment.captured lines.0.ready
show() {
  python3 -c 'import json, sys
found = json.load(sys.stdin)
for path in sys.argv[1:]:
    at = found
    for key in path.split("."):
        at = at[int(key)] if isinstance(at, list) else at.get(key)
    print(path + ":", json.dumps(at) if isinstance(at, (dict, list)) else at)' "$@"
}
