#!/bin/sh
# Word error rate of the recognizer over a line that loses 3 % of its packets, delays them by 40 ms more or less and reorders 1 %, against
# the same calls over a clean line. Needs the models and Debian's pocketsphinx-testdata. usage: bench/lossy.sh [ROUNDS]
set -eu
cd "$(dirname "$0")/.."
PARLEY_LOSSY_SEEDS="${1:-5}" go test ./internal/providers/local -run TestWordsSurviveALossyLine -count 1 -v -timeout 30m | grep -E 'word error rate|ok|FAIL'
