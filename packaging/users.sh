#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Make the users of posternd that are missing. For systems and containers
# without systemd-sysusers; says nothing when nothing is to be done.
#
# usage: users.sh [USER...]
set -eu

[ $# -gt 0 ] || set -- postern postern-inspector postern-clerk

for user in "$@"; do
	getent passwd "$user" >/dev/null && continue
	useradd --system --user-group --no-create-home --home-dir /nonexistent \
		--shell /usr/sbin/nologin "$user"
	echo "users.sh: made user $user"
done
