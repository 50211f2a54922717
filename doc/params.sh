#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The manual's tables of parameters, printed from the rows that the program is
# built from (include/tbl/params.h), so that the two cannot differ.
#
# usage: params.sh            print all tables as reStructuredText
#        params.sh --update   put them into postern.conf.5.rst, between its marks
#        params.sh --check    fail when postern.conf.5.rst is not up to date
set -eu

here=$(cd "$(dirname "$0")" && pwd)
manual=$here/postern.conf.5.rst

# One row a line: section, name, kind, default, low, high, unit, text; between tabs.
rows()
{
	{
		for section in GLOBAL INTERFACE CLASS POOL DESTINATION RULE; do
			echo "#define PARAM_$section(name, kind, def, low, high, unit, text)" \
			     "ROW $section \$ #name \$ #kind \$ def \$ low \$ high \$ unit" \
			     "\$ text"
		done
		echo '#include "tbl/params.h"'
	} | ${CC:-cc} -E -P -I"$here/../include" -x c - |
		sed -n 's/^ROW *//p' | sed -e 's/" *"//g' -e 's/ *\$ */\t/g' -e 's/"//g'
}

tables()
{
	rows | awk -F '\t' '
	function title(section) {
		if (section == "GLOBAL")
			return "Outside of sections"
		return "In ``" tolower(section) "`` sections"
	}
	function values(kind, low, high, unit) {
		if (kind == "FLAG")
			return "true or false"
		if (kind == "SPAN")
			return low "s to " high "s"
		if (kind == "TEXT")
			return low " to " high " octets"
		if (kind == "WORD") {
			gsub(/\|/, ", ", unit)
			return unit
		}
		return low " to " high (unit == "" ? "" : " " unit)
	}
	$1 != section {
		section = $1
		heading = title(section)
		printf "\n%s\n", heading
		gsub(/./, "-", heading)
		printf "%s\n", heading
	}
	{
		printf "\n``%s``\n", $2
		printf "    %s%s.\n", toupper(substr($8, 1, 1)), substr($8, 2)
		printf "    Values: %s. Default: %s.\n", values($3, $5, $6, $7),
			$4 == "" ? "empty" : "``" $4 "``"
	}'
	echo
}

begin='.. begin of params.sh'
end='.. end of params.sh'

# The manual with its tables made anew.
updated()
{
	sed "/^$begin\$/q" "$manual"
	tables
	sed -n "/^$end\$/,\$p" "$manual"
}

case ${1:-} in
'')
	tables
	;;
--update)
	updated >"$manual.new"
	mv "$manual.new" "$manual"
	;;
--check)
	updated | cmp -s - "$manual" || {
		echo "params.sh: $manual does not match include/tbl/params.h;" \
			"run doc/params.sh --update" >&2
		exit 1
	}
	;;
*)
	echo "usage: params.sh [--update | --check]" >&2
	exit 2
	;;
esac
