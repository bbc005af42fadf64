#!/bin/sh
# Run every fuzz target for the given seconds, as many at once as there are processors. What is found is kept below
# build/fuzz/found; the growing corpus in build/fuzz/corpus. Closes with "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 2
seconds=${1:-60}
jobs=$(nproc)
passed=0 failed=0
mkdir -p build/fuzz/found build/fuzz/log

one() {
    name=$1
    mkdir -p "build/fuzz/corpus/$name"
    seeds=tests/fuzz/seeds/$name
    [ -d "$seeds" ] || seeds=
    # shellcheck disable=SC2086
    if "build/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/found/$name-" "build/fuzz/corpus/$name" $seeds \
        >"build/fuzz/log/$name.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/log/$name.log")
        echo "ok    $name: ${runs:-?} runs in $seconds s"
    else
        echo "FAIL  $name: see build/fuzz/log/$name.log"
        tail -n 20 "build/fuzz/log/$name.log" | sed 's/^/      | /'
        return 1
    fi
}

set -- build/fuzz/*_fuzz
while [ $# -gt 0 ]; do
    pids=
    n=0
    while [ $# -gt 0 ] && [ $n -lt "$jobs" ]; do
        target=$(basename "$1" _fuzz)
        shift
        one "$target" &
        pids="$pids $!"
        n=$((n + 1))
    done
    for pid in $pids; do
        if wait "$pid"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
