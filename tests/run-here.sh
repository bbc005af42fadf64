#!/bin/sh
# `make run`: start the agent on this machine's own interfaces with the defaults that stand in the program (verdicts only,
# nothing in the kernel) and show, live, who sends what. ^C ends both.
set -eu
build=$1
if [ "$(id -u)" != 0 ]; then
    exec sudo --preserve-env=NO_COLOR,POSTERN_RUN_SECONDS "$0" "$@"
fi
here=$(mktemp -d /tmp/postern-run.XXXXXX)
chmod 755 "$here"
export POSTERN_SOCKET="$here/agent.sock" POSTERN_STATE="$here/state"
agent=
finish() {
    trap - EXIT INT TERM
    [ -z "$agent" ] || kill "$agent" 2>/dev/null || true
    [ -z "$agent" ] || wait "$agent" 2>/dev/null || true
    rm -rf "$here"
}
trap finish EXIT
trap 'exit 0' INT TERM

"$build/postern-agent" run 2>"$here/log" &
agent=$!
tries=0
until "$build/postern" status >"$here/status" 2>&1; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ] || ! kill -0 $agent 2>/dev/null; then
        cat "$here/log" "$here/status" >&2
        exit 1
    fi
    sleep 0.1
done
cat "$here/status"
echo
if [ -n "${POSTERN_RUN_SECONDS:-}" ]; then
    timeout -s INT "$POSTERN_RUN_SECONDS" "$build/postern" senders --watch || true
else
    "$build/postern" senders --watch
fi
