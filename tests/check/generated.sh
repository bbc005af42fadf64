#!/bin/sh
# What is written twice says the same: printed files, manual pages, help texts, and what the documents name.
# Run from the tree's top after `make`: tests/check/generated.sh [BUILD_FOLDER]
set -eu
exec python3 tests/check/generated.py "$@"
