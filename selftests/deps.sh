#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Install the Debian 12 packages that building and testing Postern need and
# that are missing, make the three system users, and unpack the mail servers
# that cannot be installed (mta-fetch.sh). Quiet when nothing is to be done. No
# daemon is started: the tests run their own in namespaces.
#
# usage: deps.sh [--list]
set -eu

BUILD="gcc clang llvm bpftool make pkg-config linux-libc-dev libc6-dev libbpf-dev
libelf-dev libmnl-dev libconfuse-dev libsqlite3-dev libvectorscan-dev libjansson-dev
libseccomp-dev libsystemd-dev libcap-dev"

TESTS="libcriterion-dev libclang-rt-dev iproute2 nftables iptables tshark strace swaks
libio-socket-inet6-perl libnet-ssleay-perl postfix postfix-pcre python3 python3-scapy
openssl netcat-openbsd procps util-linux iputils-ping passwd xz-utils valgrind
msmtp libevent-2.1-7 libgnutls-dane0 libidn12 libidn2-0 libnsl2 libpcre2-8-0 libdb5.3
libpam0g"

POLICY=/usr/sbin/policy-rc.d
top=$(cd "$(dirname "$0")/.." && pwd)

die()
{
	echo "deps.sh: $*" >&2
	exit 1
}

installed()
{
	dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'
}

missing_packages()
{
	for package in $BUILD $TESTS; do
		installed "$package" || printf '%s ' "$package"
	done
}

# Packages that bring a daemon would start it; the policy forbids that while
# we install, and is put back as it was.
forbid_daemons()
{
	policy_copy=$(mktemp)
	policy_was=none
	if [ -e "$POLICY" ]; then
		cp -p "$POLICY" "$policy_copy"
		policy_was=there
	fi
	trap restore_daemons EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$POLICY"
	chmod 755 "$POLICY"
}

restore_daemons()
{
	if [ "$policy_was" = there ]; then
		cp -p "$policy_copy" "$POLICY"
	else
		rm -f "$POLICY"
	fi
	rm -f "$policy_copy"
}

preseed()
{
	debconf-set-selections <<-SEED
	postfix postfix/main_mailer_type select No configuration
	postfix postfix/mailname string localhost
	wireshark-common wireshark-common/install-setuid boolean false
	iperf3 iperf3/start_daemon boolean false
	SEED
}

apt()
{
	log=$(mktemp)
	if ! DEBIAN_FRONTEND=noninteractive apt-get -q -y \
			-o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

install_packages()
{
	echo "deps.sh: installing $*" >&2
	forbid_daemons
	preseed
	apt update || die "apt-get update failed; is a Debian mirror within reach?"
	apt install --no-install-recommends "$@" ||
		die "apt-get install failed for: $*"
}

# Postfix's tools refuse to run at all without a main.cf in /etc/postfix, even
# when an instance with a folder of its own is meant.
postfix_main_cf()
{
	[ -d /etc/postfix ] || return 0
	[ -e /etc/postfix/main.cf ] || cat >/etc/postfix/main.cf <<-CF
	# Written by Postern's selftests/deps.sh: listens nowhere, delivers nothing.
	compatibility_level = 3.6
	inet_interfaces = loopback-only
	mydestination =
	default_transport = error: this machine sends no mail
	CF
}

make_users()
{
	if [ -x "$top/packaging/users.sh" ]; then
		"$top/packaging/users.sh"
		return
	fi
	for user in postern postern-inspector postern-clerk; do
		getent passwd "$user" >/dev/null ||
			useradd --system --user-group --no-create-home \
				--home-dir /nonexistent --shell /usr/sbin/nologin "$user"
	done
}

case "${1:-}" in
--list)
	echo $BUILD $TESTS
	exit 0 ;;
'')	;;
*)
	die "unknown argument '$1', expected --list or nothing" ;;
esac

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
	die "this is no Debian-like system (no apt-get); install by hand: $BUILD $TESTS"

want=$(missing_packages)
if [ -z "$want" ] && [ -e /etc/postfix/main.cf ] &&
   getent passwd postern postern-inspector postern-clerk >/dev/null &&
   "$top/selftests/mta-fetch.sh" --check 2>/dev/null; then
	exit 0
fi
[ "$(id -u)" = 0 ] || die "must be root to install: ${want:-users, main.cf, mail servers}"

# shellcheck disable=SC2086
[ -z "$want" ] || install_packages $want
postfix_main_cf
make_users
"$top/selftests/mta-fetch.sh"
