#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Mail servers that cannot be installed side by side, unpacked side by side:
# Debian's packages of Exim and OpenSMTPD, into FOLDER/exim and
# FOLDER/opensmtpd. net/peers.py lays one of them over /usr in a mount namespace
# of its own. What is there already is checked file by file, and made anew
# when something is missing or was changed. Quiet when nothing is to be done.
#
# usage: mta-fetch.sh [--check] [FOLDER]
#
# --check only tells (status 1) what is missing. FOLDER is
# /var/cache/postern-selftests/mta unless given, or $POSTERN_MTA_CACHE.
set -eu

check=
[ "${1:-}" != --check ] || { check=1; shift; }
[ $# -le 1 ] || { echo "usage: $0 [--check] [FOLDER]" >&2; exit 2; }
cache=${1:-${POSTERN_MTA_CACHE:-/var/cache/postern-selftests/mta}}

die()
{
	echo "mta-fetch.sh: $*" >&2
	exit 1
}

whole()		# NAME: as it was when it was unpacked
{
	[ -s "$cache/$1/SUMS" ] && (cd "$cache/$1" && sha256sum --quiet -c SUMS) >/dev/null 2>&1
}

download()	# PACKAGE: into the current folder
{
	apt-get -q download "$1" >apt.log 2>&1 && return
	# The lists of packages may be older than the mirror.
	apt-get -q -o DPkg::Lock::Timeout=300 update >>apt.log 2>&1 &&
		apt-get -q download "$1" >>apt.log 2>&1 && return
	tail -n 5 apt.log >&2
	return 1
}

# Everything that the package brings must find its libraries on this machine.
libraries()	# FOLDER PACKAGE
{
	missing=$(find "$1/usr/sbin" "$1/usr/bin" "$1/usr/libexec" -type f -perm -100 \
		-exec ldd {} + 2>/dev/null | awk '/not found/ { print $1 }' | sort -u)
	[ -z "$missing" ] || die "$2 wants libraries that are not installed: $missing" \
		"(deps.sh installs them)"
}

fetch()		# NAME PACKAGE
{
	echo "mta-fetch.sh: unpacking $2 in $cache/$1" >&2
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.new.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	chmod 755 "$work"
	mkdir "$work/deb" "$work/root"
	(cd "$work/deb" && download "$2") ||
		die "cannot download the package $2; is a Debian mirror within reach?"
	dpkg -x "$work"/deb/*.deb "$work/root" || die "the package $2 cannot be unpacked"
	chmod 755 "$work/root"
	libraries "$work/root" "$2"
	(cd "$work/root" && find usr -type f -exec sha256sum {} + >SUMS)
	rm -rf "${cache:?}/$1"
	# Two runs side by side: whichever comes second finds the first one's.
	mv -T "$work/root" "$cache/$1" 2>/dev/null || whole "$1" ||
		die "cannot put $2 into $cache/$1"
	rm -rf "$work"
	trap - EXIT HUP INT TERM
}

want()		# NAME PACKAGE
{
	! whole "$1" || return 0
	[ -z "$check" ] || die "$cache/$1 is missing or damaged; run $0"
	fetch "$1" "$2"
}

command -v dpkg >/dev/null && command -v apt-get >/dev/null ||
	die "this is no Debian-like system: no dpkg or apt-get"
want exim exim4-daemon-light
want opensmtpd opensmtpd
