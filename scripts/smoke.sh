#!/bin/sh
# After a deploy: does the service at BASE_URL do its work? Needs nothing but curl.
#
#   scripts/smoke.sh BASE_URL [KEY]
#
# KEY is a key of the role "service" or "admin". Without it, KNEO_SERV_API_KEY is taken, which other users of this
# machine cannot see. Two runs are made, with the tag "smoke"; they stay, and ask no model. SMOKE_SECONDS (60) bounds the
# whole. Exit status: 0 all is well, 1 something failed, 2 wrong usage.
set -u

usage() {
    printf '%s\n' 'usage: smoke.sh BASE_URL [KEY]   (or KEY in KNEO_SERV_API_KEY; SMOKE_SECONDS bounds the whole, 60)' >&2
    exit 2
}
[ $# -eq 1 ] || [ $# -eq 2 ] || usage
base=${1%/}
key=${2:-${KNEO_SERV_API_KEY:-}}
limit=${SMOKE_SECONDS:-60}
case $base in http://* | https://*) ;; *) usage ;; esac
case $limit in '' | *[!0-9]*) usage ;; esac

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
answer=$folder/answer
complaint=$folder/complaint
ends_at=$(($(date +%s) + limit))
tried=0
failed=0
reason=
run=
question_run=

seconds_left() {
    left=$((ends_at - $(date +%s)))
    [ "$left" -gt 1 ] || left=1
    printf '%s' "$left"
}

# Neither the command line of curl nor a file ever has the key.
credentials() {
    [ -z "$key" ] || printf 'Authorization: Bearer %s\n' "$key"
}

# field NAME: the first value of that name in the answer.
field() {
    tr ',{' '[\n*]' <"$answer" | sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\"}]*\).*/\1/p" | sed 1q
}

message() {
    sed -n 's/.*"message": *"\([^"]*\)".*/\1/p' "$answer" | sed 1q
}

# request METHOD PATH [JSON]: leaves the answer in $answer, and why it is none in $reason.
request() {
    method=$1
    path=$2
    shift 2
    [ $# -eq 0 ] || set -- --header 'Content-Type: application/json' --data-raw "$1"
    : >"$answer"
    if ! status=$(credentials | curl -q --silent --show-error --globoff --max-time "$(seconds_left)" \
        --request "$method" --header @- --output "$answer" --write-out '%{http_code}' "$@" "$base$path" 2>"$complaint"); then
        reason="no answer: $(sed 1q "$complaint")"
        return 1
    fi
    case $status in 2??) return 0 ;; esac
    told=$(message)
    [ -n "$told" ] || told=$(head -c 300 "$answer")
    reason="$method $path was answered with $status: $(printf '%s' "$told" | tr -d '[:cntrl:]')"
    return 1
}

# says TEXT SENTENCE: whether the answer has TEXT in it; otherwise SENTENCE is why it will not do.
says() {
    grep -qF -e "$1" "$answer" && return 0
    reason=$2
    return 1
}

# order SPEC: has a run of SPEC made, which ends by itself should nobody else end it.
order() {
    request POST /v1/runs "{\"spec\":$1,\"input\":\"smoke\",\"tags\":[\"smoke\"],\"async_mode\":true,\"timeout_seconds\":900}"
}

# comes_to RUN STATUS: waits until the run has it.
comes_to() {
    while request GET "/v1/runs/$1"; do
        is=$(field status)
        [ "$is" != "$2" ] || return 0
        case $is in completed | failed | cancelled | timed_out | expired)
            reason="run $1 is $is, not $2: $(message)"
            return 1
            ;;
        esac
        if [ "$(date +%s)" -ge "$ends_at" ]; then
            reason="run $1 is still $is after $limit s. $(why_still)"
            return 1
        fi
        sleep 1
    done
    return 1
}

why_still() {
    if grep -q '"started_at": *null' "$answer"; then
        printf '%s' 'No worker took it: is one up, on the same database and broker?'
    else
        printf '%s' 'A worker began it and nothing woke it: is a beat up, and still a worker?'
    fi
}

# tell STATUS NAME: one line about the check that has ended with STATUS; the same status.
tell() {
    tried=$((tried + 1))
    if [ "$1" -eq 0 ]; then
        printf 'ok      %s\n' "$2"
        return 0
    fi
    failed=$((failed + 1))
    printf 'failed  %s: %s\n' "$2" "$reason"
    return 1
}

end() {
    if [ "$failed" -eq 0 ]; then
        printf 'All is well: %s checks.\n' "$tried"
        exit 0
    fi
    printf '%s of %s checks failed.%s\n' "$failed" "$tried" "${1:-}"
    exit 1
}

validates() {
    request POST /v1/specs/validate '{"spec":{"version":"v1","agent":{"name":"smoke"}}}' &&
        says '"valid":true' 'a good spec is not valid'
}

accepts() {
    order '{"version":"v1","agent":{"name":"smoke"},"workflow":{"type":"sequential","steps":[{"id":"pause","kind":"wait","ref":"moment"}]},"components":{"waits":{"moment":{"seconds":1}}}}' || return 1
    run=$(field run_id)
    order '{"version":"v1","agent":{"name":"smoke"},"workflow":{"type":"sequential","steps":[{"id":"ask","kind":"human","ref":"smoker"}]},"components":{"humans":{"smoker":{"description":"This is a smoke test. It answers itself."}}}}' || return 1
    question_run=$(field run_id)
    [ -n "$run" ] && [ -n "$question_run" ] && return 0
    reason='the answer names no run'
    return 1
}

is_listed() {
    request GET '/v1/runs?tag=smoke&limit=100' && says "$run" "run $run is not in the list"
}

is_audited() {
    request GET "/v1/audit-events?run_id=$run" && says '"run.created"' "nothing says who made run $run"
}

asks() {
    comes_to "$question_run" blocked && request GET "/v1/human-tasks?run_id=$question_run" || return 1
    says '"pending_human_request_id"' "run $question_run waits for a person, and no question is open"
}

# After `asks`, whose answer is the question.
takes_an_answer() {
    task=$(field id)
    asked=$(field pending_human_request_id)
    request POST "/v1/human-tasks/$task/resume" "{\"request_id\":\"$asked\",\"decision\":\"approved\"}" &&
        comes_to "$question_run" completed
}

measures() {
    if ! request GET /metrics; then
        [ "$status" = 404 ] # they are switched off
        return
    fi
    grep -q '^kneo_worker_count [1-9]' "$answer" && return 0
    reason='they count no worker'
    return 1
}

request GET /livez
tell $? 'the service answers' || end ' The rest was not tried.'
request GET /readyz
tell $? 'it is ready'
validates
tell $? 'the key is taken, and a spec is valid' || end ' The rest was not tried.'
accepts
tell $? 'two runs are accepted' || end ' The rest was not tried.'
comes_to "$run" completed
tell $? 'a run that waits a second completes'
is_listed
tell $? 'it is in the list of runs'
is_audited
tell $? 'it is in the audit log'
if asks; tell $? 'a run asks a person'; then
    takes_an_answer
    tell $? 'the answer is taken, and the run completes'
fi
measures
tell $? 'the metrics count a worker'
end
