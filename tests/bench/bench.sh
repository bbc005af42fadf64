#!/bin/sh
# Everything that is measured, one part after the other. Needs what `make bench` has built; parts that need rights or
# programs that are not here say so and are left out.
set -u
cd "$(dirname "$0")/../.." || exit 2
status=0
for part in tests/bench/*_bench.py; do
    [ -x "$part" ] || continue
    echo "== $(basename "$part" _bench.py)"
    "$part" "$@" || status=1
    echo
done
exit $status
