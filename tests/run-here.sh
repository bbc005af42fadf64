#!/bin/sh
# `make run`: start a collector and, beside it, the agent on this machine's own interfaces, both with the defaults that
# stand in the programs (verdicts only, nothing in the kernel), and show, live, who sends what. Nothing is left behind: all
# that they write is in a directory of its own. ^C ends both.
set -eu
build=$1
if [ "$(id -u)" != 0 ]; then
    exec sudo --preserve-env=NO_COLOR,POSTERN_RUN_SECONDS "$0" "$@"
fi
unset POSTERN_CONFIG POSTERN_COLLECTOR POSTERN_KEY POSTERN_LISTEN POSTERN_STATE
here=$(mktemp -d /tmp/postern-run.XXXXXX)
chmod 755 "$here"
agent=
collector=
finish() {
    trap - EXIT INT TERM
    for process in $agent $collector; do # the agent first: what it has to say is still taken
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$here"
}
trap finish EXIT
trap 'exit 0' INT TERM

# await PROCESS LOG COMMAND...: until the command succeeds, ten seconds at most.
await() {
    process=$1 log=$2
    shift 2
    tries=0
    until "$@" >"$here/said" 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 100 ] || ! kill -0 "$process" 2>/dev/null; then
            cat "$log" "$here/said" >&2
            exit 1
        fi
        sleep 0.1
    done
}

start_collector() {
    mkdir -m 700 "$here/centre"
    # Port 0: one that is free.
    printf '[collector]\nlisten = 127.0.0.1:0\nstate = %s\n' "$here/centre" >"$here/collector.conf"
    "$build/postern-collector" run --config "$here/collector.conf" 2>"$here/collector.log" &
    collector=$!
    await $collector "$here/collector.log" grep -q 'port [0-9]' "$here/collector.log"
    POSTERN_COLLECTOR=http://127.0.0.1:$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$here/collector.log" | head -n 1)
    (umask 077 && "$build/postern-collector" person --config "$here/collector.conf" --may read,order,admin you >"$here/key")
}

start_agent() {
    token=$("$build/postern-collector" token --config "$here/collector.conf" --name "$(uname -n)")
    export POSTERN_SOCKET="$here/agent.sock" POSTERN_STATE="$here/state" # only now: the collector would read it as well
    (umask 077 && printf '[collector]\nurls = %s\ntoken = %s\n' "$POSTERN_COLLECTOR" "$token" >"$here/agent.conf")
    "$build/postern-agent" run --config "$here/agent.conf" 2>"$here/log" &
    agent=$!
    await $agent "$here/log" timeout 5 "$build/postern" status
    await $agent "$here/log" timeout 5 sh -c "'$build/postern' status | grep -q 'connected since'"
}

centre="$build/postern --collector"
start_collector
start_agent
centre="$centre $POSTERN_COLLECTOR --key $here/key"
cat <<END

The agent watches this machine's mail; verdicts only.

$("$build/postern" status)

The collector, which has one node so far: this machine.

$($centre nodes)

While this runs, ask from another terminal, as $(id -un):

  export POSTERN_SOCKET=$POSTERN_SOCKET
  $build/postern explain SENDER                 why a sender has the score that it has
  $build/postern events --follow                what happens on this node

  export POSTERN_COLLECTOR=$POSTERN_COLLECTOR POSTERN_KEY=\$(cat $here/key)
  $build/postern senders                        over all nodes
  $build/postern allow SENDER --for 1h --reason "a test" --everywhere

Who sends, as it happens; ^C ends all of it.

END
if [ -n "${POSTERN_RUN_SECONDS:-}" ]; then
    timeout -s INT "$POSTERN_RUN_SECONDS" "$build/postern" senders --watch || true
else
    "$build/postern" senders --watch
fi
