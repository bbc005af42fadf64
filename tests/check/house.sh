#!/bin/sh
# The rules of the house, held against the tree. Run from its top after `make`: tests/check/house.sh [BUILD_FOLDER]
set -eu
exec python3 tests/check/house.py "$@"
