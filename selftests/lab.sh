#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A provider, a subscriber and a mail exchanger made of network namespaces.
#
#   N-sub                    N-rtr                        N-mx
#   eth0 10.64.0.2 .. .254 --- sub0          mx0 --- eth0 198.51.100.25 .. .28
#        2001:db8:64:1::2      10.64.0.1     198.51.100.1 2001:db8:25::25 .. ::28
#        .. 2001:db8:64:20::2  2001:db8:64::1  2001:db8:25::1
#        192.0.2.2, 2001:db8:2::2 (static,   mgmt0 --- eth0 of N-mgmt
#        in no pool)                         192.168.64.1     192.168.64.2
#
# usage: lab.sh up   [--name N] [--conf FILE] [--no-daemon] [--no-mx]
#        lab.sh run  [--name N] sub|rtr|mx|mgmt -- COMMAND...
#        lab.sh down [--name N]
#
# N is "pn" unless given. Everything of a lab is in /run/postern-lab/N:
# postern.conf, daemon.log, sink/ (what the exchanger recorded), *.pid.
# With --conf the file is taken as it is, except that run_dir, state_dir and
# event_log point into the lab. Commands see POSTERN_CONF, LAB and build/ in
# PATH, and share the host's mounts, so that all see the same pins.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath -m "${BUILD:-$top/build}")
name=pn
conf=
with_daemon=1
with_mx=1

die()
{
	echo "lab.sh: $*" >&2
	exit 1
}

usage()
{
	sed -n 's/^# usage: /usage: /p; s/^#        lab/       lab/p' "$0" >&2
	exit 2
}

inside()	# HOST COMMAND...: run in the namespace of sub, rtr, mx or mgmt
{
	local host=$1
	shift
	nsenter --net="/run/netns/$name-$host" -- "$@"
}

# Wait until COMMAND succeeds; what it is that we wait for is for the error.
wait_for()	# SECONDS WHAT COMMAND...
{
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || { echo "lab.sh: no $what" >&2; return 1; }
		sleep 0.05
	done
}

# --- the network -----------------------------------------------------------

make_namespaces()
{
	local host
	for host in sub rtr mx mgmt; do
		ip netns add "$name-$host"
		inside "$host" sysctl -q -w net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.accept_ra=0 \
			net.ipv6.conf.default.router_solicitations=0
		ip -n "$name-$host" link set lo up
	done
}

wire()		# HOST INTERFACE-OF-ROUTER: a cable from the router to HOST's eth0
{
	ip link add "$2" netns "$name-rtr" type veth peer name eth0 netns "$name-$1"
	ip -n "$name-rtr" link set "$2" up
	ip -n "$name-$1" link set eth0 up
}

sub_addresses()
{
	local i
	for i in $(seq 2 254); do
		echo "address add 10.64.0.$i/16 dev eth0"
	done
	# 1 .. 20 stand in the address as they are, without a turn to hexadecimal.
	for i in $(seq 1 20); do
		echo "address add 2001:db8:64:$i::2/64 dev eth0 nodad"
	done
	cat <<-STATIC
	address add 192.0.2.2/24 dev eth0
	address add 2001:db8:2::2/64 dev eth0 nodad
	route add default via 10.64.0.1
	route add 2001:db8:64::1/128 dev eth0
	route add default via 2001:db8:64::1
	STATIC
}

rtr_addresses()
{
	cat <<-ROUTER
	address add 10.64.0.1/16 dev sub0
	address add 192.0.2.1/24 dev sub0
	address add 2001:db8:64::1/48 dev sub0 nodad
	address add 2001:db8:2::1/64 dev sub0 nodad
	address add 198.51.100.1/24 dev mx0
	address add 2001:db8:25::1/64 dev mx0 nodad
	address add 192.168.64.1/24 dev mgmt0
	address add 2001:db8:99::1/64 dev mgmt0 nodad
	ROUTER
}

mx_addresses()
{
	local i
	for i in 25 26 27 28; do
		echo "address add 198.51.100.$i/24 dev eth0"
		echo "address add 2001:db8:25::$i/64 dev eth0 nodad"
	done
	echo "route add default via 198.51.100.1"
	echo "route add default via 2001:db8:25::1"
}

mgmt_addresses()
{
	cat <<-MGMT
	address add 192.168.64.2/24 dev eth0
	address add 2001:db8:99::2/64 dev eth0 nodad
	route add default via 192.168.64.1
	route add default via 2001:db8:99::1
	MGMT
}

make_network()
{
	local host
	make_namespaces
	inside rtr sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	wire sub sub0
	wire mx mx0
	wire mgmt mgmt0
	inside rtr sysctl -q -w net.ipv4.conf.sub0.rp_filter=1
	for host in rtr sub mx mgmt; do
		"${host}_addresses" | ip -n "$name-$host" -batch -
	done
	# Neighbours and routes work before anything is measured.
	wait_for 5 "path to the exchanger over IPv4" \
		inside sub ping -q -c 1 -W 1 198.51.100.25
	wait_for 5 "path to the exchanger over IPv6" \
		inside sub ping -q -c 1 -W 1 2001:db8:25::25
}

# --- the programs ----------------------------------------------------------

default_conf()
{
	cat <<-CONF
	hostname = "rtr.postern.test"
	workers = 2
	interface "sub0" { side = "subscriber" }
	interface "mx0" { side = "upstream" }
	class "residential" {
	    fail = "open"
	    help_url = "https://help.postern.test/port25"
	}
	pool "10.64.0.0/16" { class = "residential" }
	pool "2001:db8:64::/48" { class = "residential" line = 64 }
	CONF
}

write_conf()
{
	{
		echo "run_dir = \"$dir/run\""
		echo "state_dir = \"$dir/state\""
		echo "event_log = \"$dir/log/events.json\""
		if [ -n "$conf" ]; then
			sed -E '/^[[:space:]]*(run_dir|state_dir|event_log)[[:space:]]*=/d' "$conf"
		else
			default_conf
		fi
	} >"$dir/postern.conf"
}

spawn()		# HOST NAME COMMAND...: in the background, with NAME.pid and NAME.log
{
	local host=$1 what=$2
	shift 2
	(exec setsid nsenter --net="/run/netns/$name-$host" -- "$@") \
		</dev/null >>"$dir/$what.log" 2>&1 &
	echo $! >"$dir/$what.pid"
}

start_sink()
{
	spawn mx sink /usr/bin/python3 -B "$top/selftests/net/sink.py" --dir "$dir/sink"
	wait_for 10 "exchanger; see $dir/sink.log" test -e "$dir/sink/ready"
}

daemon_ready()
{
	running "$(cat "$dir/daemon.pid")" || return 1
	inside rtr env POSTERN_CONF="$dir/postern.conf" "$build/postern" status --json \
		>"$dir/status.json" 2>/dev/null
	grep -Eq '"ready": *true' "$dir/status.json"
}

start_daemon()
{
	inside rtr env POSTERN_CONF="$dir/postern.conf" "$build/postern" up \
		>"$dir/up.log" 2>&1 || { cat "$dir/up.log" >&2; return 1; }
	spawn rtr daemon env POSTERN_CONF="$dir/postern.conf" "$build/posternd"
	wait_for 10 "worker that answers; see $dir/daemon.log" daemon_ready ||
		{ tail -n 20 "$dir/daemon.log" >&2; return 1; }
}

# --- doors -----------------------------------------------------------------

lab_up()
{
	[ "$(id -u)" = 0 ] || die "must be root: network namespaces are made"
	[ -z "$conf" ] || [ -r "$conf" ] || die "cannot read $conf"
	[ ! -e "$dir" ] || die "lab '$name' exists; run: $0 down --name $name"
	[ -z "$with_daemon" ] || [ -x "$build/posternd" ] ||
		die "no $build/posternd; run make, or use --no-daemon"
	mkdir -p "$dir"/{run,state,log,sink}
	chmod 755 /run/postern-lab "$dir"
	trap 'status=$?; [ $status = 0 ] || undo; exit $status' EXIT
	write_conf
	make_network
	[ -z "$with_mx" ] || start_sink
	[ -z "$with_daemon" ] || start_daemon
}

undo()
{
	echo "lab.sh: lab '$name' did not come up, removing it" >&2
	mkdir -p "${LAB_KEEP_LOGS:-/tmp}"
	cp "$dir/daemon.log" "${LAB_KEEP_LOGS:-/tmp}/$name-daemon.log" 2>/dev/null || true
	lab_down
}

lab_run()
{
	local host=$1
	shift
	[ "${1:-}" != -- ] || shift
	case "$host" in
	sub|rtr|mx|mgmt) ;;
	*) die "unknown host '$host', expected sub, rtr, mx or mgmt" ;;
	esac
	[ $# -gt 0 ] || usage
	[ -d "$dir" ] || die "no lab '$name'; run: $0 up --name $name"
	exec nsenter --net="/run/netns/$name-$host" -- \
		env POSTERN_CONF="$dir/postern.conf" LAB="$dir" PATH="$build:$PATH" "$@"
}

running()	# PID: there, and not merely waiting for its parent to notice
{
	[ -e "/proc/$1/stat" ] && ! grep -Eq '\) [ZX] ' "/proc/$1/stat" 2>/dev/null
}

stop_pid()	# PID: ask, wait three seconds, then end it
{
	local i
	kill -CONT "$1" 2>/dev/null || return 0
	kill -TERM "$1" 2>/dev/null || return 0
	for i in $(seq 60); do
		running "$1" || return 0
		sleep 0.05
	done
	kill -KILL "$1" 2>/dev/null || true
}

pids_inside()	# every process whose network is one of this lab's namespaces
{
	local host
	for host in sub rtr mx mgmt; do
		[ ! -e "/run/netns/$name-$host" ] || ip netns pids "$name-$host"
	done
}

lab_down()
{
	local pid file host
	for file in "$dir"/daemon.pid "$dir"/sink.pid; do
		[ ! -e "$file" ] || stop_pid "$(cat "$file")"
	done
	for pid in $(pids_inside); do
		stop_pid "$pid"
	done
	if [ -e "/run/netns/$name-rtr" ] && [ -e "$dir/postern.conf" ]; then
		inside rtr env POSTERN_CONF="$dir/postern.conf" "$build/postern" down \
			>/dev/null 2>&1 || true
	fi
	for host in sub rtr mx mgmt; do
		[ ! -e "/run/netns/$name-$host" ] || ip netns del "$name-$host"
	done
	awk -v d="$dir/" 'index($2, d) == 1 { print $2 }' /proc/self/mounts | sort -r |
		while read -r file; do umount -l "$file"; done
	rm -rf "$dir"
	rmdir /run/postern-lab 2>/dev/null || true
}

[ $# -gt 0 ] || usage
door=$1
shift
while [ $# -gt 0 ]; do
	case "$1" in
	--name) name=${2:?--name wants a name}; shift 2 ;;
	--conf) conf=${2:?--conf wants a file}; shift 2 ;;
	--no-daemon) with_daemon=; shift ;;
	--no-mx) with_mx=; shift ;;
	-*) usage ;;
	*) break ;;
	esac
done
[[ $name =~ ^[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}$ ]] ||
	die "bad name '$name', expected up to 32 letters, digits, - and _"
dir=/run/postern-lab/$name

case "$door" in
up) [ $# = 0 ] || usage; lab_up ;;
run) [ $# -ge 2 ] || usage; lab_run "$@" ;;
down) [ $# = 0 ] || usage; lab_down ;;
*) usage ;;
esac
