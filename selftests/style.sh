#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The rules of the house that a script can check: include directions, sizes of
# functions and files, line lengths, licence lines, marks of unfinished work.
# Each check is one line "ok NAME" or "not ok NAME - ..."; what was found
# stands above it. --self-test plants a fault of each kind and sees it found.
set -uo pipefail

self=$(realpath "$0")
cd "${STYLE_TOP:-$(dirname "$self")/..}"
bad=0

# Folder of userspace/ -> folders it may include besides itself and base.
middle="smtp subscriber verdict steering state radius abuse"
declare -A may_include=([base]="" [session]="$middle" [control]="$middle")
for folder in $middle; do
	may_include[$folder]=""
done

files()		# PATTERN...: our own files, also ones that git does not know yet
{
	if [ -d .git ] || [ -f .git ]; then
		git ls-files --cached --others --exclude-standard -- "$@"
	else
		local names=()
		for pattern in "$@"; do
			names+=(-o -path "./$pattern")
		done
		find . -path ./build -prune -o -type f \( -false "${names[@]}" \) -print |
			sed 's|^\./||'
	fi | while read -r file; do [ ! -e "$file" ] || echo "$file"; done | sort -u
}

verdict()	# NAME FINDINGS: one line of result, findings above it
{
	if [ -z "$2" ]; then
		echo "ok style: $1"
		return
	fi
	echo "$2"
	echo "not ok style: $1 - $(wc -l <<<"$2") found, first: $(head -n 1 <<<"$2")"
	bad=1
}

code()
{
	files '*.c' '*.h'
}

sources()
{
	files '*.c' '*.h' '*.sh' '*.py' 'Makefile' '.ci/run'
}

include_directions()
{
	local file folder target
	code | grep -E '^(userspace|bpf|include)/' | while read -r file; do
		folder=$(cut -d/ -f2 <<<"$file")
		case "$file" in
		bpf/*)		folder=bpf ;;
		include/*)	folder=include ;;
		userspace/*/*)	;;
		*)		continue ;;	# userspace/main.c may include anything
		esac
		includes "$file" | while read -r target; do
			allowed "$folder" "$target" ||
				echo "$file: must not include \"$target\""
		done
	done
}

includes()	# FILE: what it includes in quotation marks
{
	sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]+)".*/\1/p' "$1"
}

allowed()	# FOLDER TARGET
{
	case "$2" in
	postern/*|tbl/*) return 0 ;;
	*.skel.h)	[ "$1" = steering ]; return ;;
	*/*)	;;
	*)		return 0 ;;	# beside the file itself
	esac
	local to=${2%%/*}
	[ "$1" != include ] && [ "$1" != bpf ] || return 1
	if [ -z "${may_include[$1]+known}" ]; then
		echo "userspace/$1: folder without a rule in style.sh"
		return 0
	fi
	[[ " base $1 ${may_include[$1]} " == *" $to "* ]]
}

# The two engines take bytes and time as arguments.
pure_engines()
{
	local headers='sys/socket|netinet|arpa|netdb|sys/epoll|fcntl|sys/time'
	local calls='clock_gettime|gettimeofday|time\(NULL\)'
	code | grep -E '^userspace/(smtp|verdict)/' |
		xargs -r grep -nE "#include <($headers)[./]|\\b($calls)" /dev/null
}

licence_lines()
{
	local file want
	sources | while read -r file; do
		[ -s "$file" ] || continue
		case "$file" in
		*.c) want='^// SPDX' ;;
		*.h) want='^/\* SPDX' ;;
		*)   want='SPDX' ;;
		esac
		head -n 2 "$file" | grep -q "$want-License-Identifier: GPL-2.0" ||
			echo "$file: no line '$want-License-Identifier: GPL-2.0' at the top"
	done
}

# A body runs from a "{" to a "}" in the first column, at a function only.
function_lengths()	# MORE-THAN
{
	code | xargs -r awk -v most="$1" '
		FNR == 1 { inside = 0 }
		/^[a-zA-Z_].*[(]/ { name = $0 }
		/^\{/ && last ~ /[),]$|__attribute__/ { inside = 1; start = FNR }
		/^\}/ && inside {
			inside = 0
			if (FNR - start - 1 > most) {
				sub(/\(.*/, "", name)
				printf "%s:%d: %s is %d lines\n", FILENAME, start, name,
					FNR - start - 1
			}
		}
		{ last = $0 }'
}

file_lengths()		# MORE-THAN
{
	local file
	sources | while read -r file; do
		[ "$(wc -l <"$file")" -le "$1" ] || echo "$file: $(wc -l <"$file") lines"
	done
}

# In the tables of facts a row is a line, whatever its text takes.
line_lengths()
{
	local file
	sources | grep -v '^include/tbl/' | while read -r file; do
		expand -t 8 "$file" | awk -v f="$file" \
			'length($0) > 100 { printf "%s:%d: %d columns\n", f, NR, length($0) }'
	done
}

unfinished_marks()
{
	sources | grep -v '^selftests/style.sh$' |
		xargs -r grep -nwE 'TODO|FIXME|XXX|HACK|placeholder|stub' /dev/null
}

typedefs()
{
	code | xargs -r grep -nE '^typedef (struct|enum|union)\b' /dev/null
}

white_space()
{
	sources | xargs -r grep -nE '[[:space:]]+$' /dev/null
	code | xargs -r grep -nE '^ {8}' /dev/null
}

run_checks()
{
	verdict "include directions" "$(include_directions)"
	verdict "smtp/ and verdict/ know no socket and no clock" "$(pure_engines)"
	verdict "licence lines" "$(licence_lines)"
	verdict "functions up to 80 lines" "$(function_lengths 80)"
	verdict "files up to 700 lines" "$(file_lengths 700)"
	verdict "lines up to 100 columns" "$(line_lengths)"
	verdict "no marks of unfinished work" "$(unfinished_marks)"
	verdict "no typedef of a struct, enum or union" "$(typedefs)"
	verdict "no blanks at line ends, tabs for indents" "$(white_space)"
	function_lengths 40 | sed 's/^/# question: /'
	file_lengths 400 | sed 's/^/# question: /'
}

# --- the checks checked -----------------------------------------------------

plant()		# FILE LINE...: a file with a licence line and these lines
{
	mkdir -p "$STYLE_TOP/$(dirname "$1")"
	case "$1" in
	*.h) echo '/* SPDX-License-Identifier: GPL-2.0 */' ;;
	*) echo '// SPDX-License-Identifier: GPL-2.0' ;;
	esac >"$STYLE_TOP/$1"
	printf '%b\n' "${@:2}" >>"$STYLE_TOP/$1"
}

found()		# CHECK: it is the one that fails
{
	if grep -q "^not ok style: $1" <<<"$("$self")"; then
		echo "ok style self-test: $1"
	else
		echo "not ok style self-test: $1 - the planted fault was not found"
		bad=1
	fi
	rm -rf "${STYLE_TOP:?}"/*
}

self_test()
{
	local long
	STYLE_TOP=$(mktemp -d)
	export STYLE_TOP
	trap 'rm -rf "$STYLE_TOP"' EXIT
	long=$(printf '\\tx++;\\n%.0s' $(seq 81))
	plant userspace/smtp/a.c '#include "verdict/verdict.h"'
	found "include directions"
	plant bpf/a.bpf.c '#include "base/conf.h"'
	found "include directions"
	plant userspace/session/a.c '#include "control/control.h"'
	found "include directions"
	plant userspace/verdict/a.c 'int x = time(NULL);'
	found "smtp/ and verdict/ know"
	plant userspace/base/a.c; echo 'int x;' >"$STYLE_TOP/userspace/base/a.c"
	found "licence lines"
	plant tools/a.c 'int a(int x)' '{' "$long" '}'
	found "functions up to 80"
	plant tools/a.c "$(seq 700)"
	found "files up to 700"
	plant tools/a.c "$(printf '\\t%.0s' $(seq 12))123456789"
	found "lines up to 100"
	plant tools/a.c '/* TO''DO later */'
	found "no marks"
	plant tools/a.c 'typedef struct x y;'
	found "no typedef"
	plant tools/a.c 'int x; '
	found "no blanks"
	plant tools/a.c '#include "smtp/smtp.h"' 'int a;'
	if grep -q '^not ok' <<<"$("$self")"; then
		echo "not ok style self-test: a clean tree - a fault was found in it"
		bad=1
	else
		echo "ok style self-test: a clean tree"
	fi
}

case "${1:-}" in
--self-test) self_test ;;
'')	run_checks ;;
*)	echo "usage: $0 [--self-test]" >&2; exit 2 ;;
esac
exit $bad
