#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run every test and count. Tests are found by name; each suite prints lines
# "ok NAME", "not ok NAME - why", "skip NAME - why" (or TAP) and its exit
# status tells the same. The last line is "N passed, N failed, N skipped".
#
# usage: run.sh check|nightly [PART-OF-SUITE-NAME...]
#
# nightly runs the same tests in their full sizes (POSTERN_NIGHTLY=1).
# Logs are kept in build/test-logs.PID when something failed.
set -uo pipefail

cd "$(dirname "$0")/.."
export BUILD=${BUILD:-build}
jobs_at_once=2
logs=$PWD/$BUILD/test-logs.$$
limit=1200

usage()
{
	echo "usage: $0 check|nightly [PART-OF-SUITE-NAME...]" >&2
	exit 2
}

case "${1:-}" in
check)	unset POSTERN_NIGHTLY ;;
nightly) export POSTERN_NIGHTLY=1; limit=3600 ;;
*)	usage ;;
esac
shift
wanted=("$@")

[ "$(id -u)" = 0 ] || { echo "run.sh: must be root: network namespaces are made" >&2; exit 2; }
mkdir -p "$logs"

is_wanted()	# NAME
{
	local part
	[ ${#wanted[@]} -gt 0 ] || return 0
	for part in "${wanted[@]}"; do
		[[ $1 != *"$part"* ]] || return 0
	done
	return 1
}

run_suite()	# NAME COMMAND...: its output into a log, a line when it ends
{
	local name=$1 begun=$SECONDS status
	shift
	timeout --kill-after=20 "$limit" "$@" >"$logs/$name.log" 2>&1 </dev/null
	status=$?
	echo "$status" >"$logs/$name.status"
	printf '%-28s %3d passed, %d failed, %d skipped, %d s\n' "$name" \
		"$(count "$name" passed)" "$(count "$name" failed)" \
		"$(count "$name" skipped)" $((SECONDS - begun))
}

# Criterion's TAP marks a skipped test "ok ... # SKIP"; ours say "skip".
results()	# NAME KIND: the lines of one kind
{
	local log=$logs/$1.log
	case "$2" in
	passed)	 grep -E '^ok\b' "$log" | grep -viE '# *skip' ;;
	failed)	 grep -E '^not ok\b' "$log" ;;
	skipped) grep -E '^skip\b|^ok\b.*# *[Ss][Kk][Ii][Pp]' "$log" ;;
	esac
}

# A suite that ended badly without naming a failed test counts as one, and so
# does one in which nothing ran at all.
count()		# NAME KIND
{
	local n
	n=$(results "$1" "$2" | wc -l)
	if [ "$2" = failed ] && [ "$n" = 0 ] && bad_or_empty "$1"; then
		n=1
	fi
	echo "$n"
}

bad_or_empty()	# NAME
{
	[ "$(cat "$logs/$1.status")" != 0 ] ||
		! grep -qE '^(ok|skip)\b' "$logs/$1.log"
}

# Timing-sensitive suites say so in a line "# alone" near their top.
wants_to_be_alone()	# FILE
{
	head -n 20 "$1" | grep -q '^# alone'
}

suites_at_once=()
suites_alone=()
declare -A command_of

add_suite()	# NAME COMMAND...
{
	local name=$1
	shift
	is_wanted "$name" || return 0
	command_of[$name]=$*
	if [ -f "$1" ] && wants_to_be_alone "$1"; then
		suites_alone+=("$name")
	else
		suites_at_once+=("$name")
	fi
}

find_suites()
{
	local file name
	add_suite style selftests/style.sh
	add_suite style-self-test selftests/style.sh --self-test
	[ ! -x "$BUILD/unit" ] || add_suite unit "$BUILD/unit" --tap=- -j2
	[ ! -x "$BUILD/prog" ] || add_suite prog "$BUILD/prog" --tap=- -j2
	for file in selftests/{net/{up,cli,test}_,content/test_,fuzz/replay,scenario/run}*; do
		[ -x "$file" ] && [ -f "$file" ] || continue
		name=$(basename "${file%.*}")
		[ "$name" != run ] || name=$(basename "$(dirname "$file")")
		add_suite "$name" "$file"
	done
	if [ ${#command_of[@]} = 0 ]; then
		echo "run.sh: no suite of that name" >&2
		exit 2
	fi
}

run_all()
{
	local name
	for name in "${suites_at_once[@]}"; do
		while [ "$(jobs -rp | wc -l)" -ge "$jobs_at_once" ]; do
			wait -n
		done
		# shellcheck disable=SC2086
		run_suite "$name" ${command_of[$name]} &
	done
	wait
	for name in "${suites_alone[@]}"; do
		# shellcheck disable=SC2086
		run_suite "$name" ${command_of[$name]}
	done
}

report()
{
	local name kind n passed=0 failed=0 skipped=0
	for name in "${suites_at_once[@]}" "${suites_alone[@]}"; do
		for kind in passed failed skipped; do
			n=$(count "$name" "$kind")
			printf -v "$kind" %d $((${!kind} + n))
		done
		results "$name" skipped
		if [ "$(count "$name" failed)" != 0 ]; then
			echo "--- $name failed (exit $(cat "$logs/$name.status")); log:"
			tail -n 200 "$logs/$name.log"
		fi
	done
	if [ "$failed" = 0 ]; then
		rm -rf "$logs"
	else
		echo "logs: $logs"
	fi
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}

find_suites
run_all
report
