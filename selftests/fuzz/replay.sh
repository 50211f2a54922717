#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Play each fuzzer's corpus (selftests/fuzz/corpus/NAME) and, with SECONDS,
# look for more. What is found besides stays in build/fuzz/NAME.found; an
# input that fails is kept there as crash-*.
#
# usage: replay.sh [SECONDS]	(default 0; in nightly runs 600)
set -uo pipefail

cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
seconds=${1:-${POSTERN_NIGHTLY:+600}}
seconds=${seconds:-0}
bad=0

case "$seconds" in
*[!0-9]*) echo "usage: $0 [SECONDS], not '$seconds'" >&2; exit 2 ;;
esac

replay()	# FUZZER: 0 if nothing fails
{
	local name=$1 corpus=selftests/fuzz/corpus/${1%_fuzz}
	local found=$BUILD/fuzz/$name.found dict=selftests/fuzz/steps.dict
	local more=(-runs=0)

	[ -d "$corpus" ] || { echo "no corpus $corpus"; return 1; }
	mkdir -p "$found"
	[ "$seconds" = 0 ] || more=(-max_total_time="$seconds" -max_len=2048)
	more+=("-dict=$dict")
	"$BUILD/fuzz/$name" "${more[@]}" -artifact_prefix="$found/" "$found" "$corpus" 2>&1
}

for fuzzer in "$BUILD"/fuzz/*_fuzz; do
	name=$(basename "$fuzzer")
	if [ ! -x "$fuzzer" ]; then
		echo "not ok fuzz: no fuzzer was built - make tests builds them"
		exit 1
	fi
	if output=$(replay "$name"); then
		echo "ok fuzz: $name"
	else
		echo "$output" | tail -n 30
		echo "not ok fuzz: $name - see above, and $BUILD/fuzz/$name.found"
		bad=1
	fi
done
exit "$bad"
