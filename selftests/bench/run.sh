#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# make bench: the measurements of doc/performance.rst, one after another.
# Prints what it finds and keeps it in build/bench/result.txt; never a test:
# a figure that misses its target is said, and nothing fails.
set -u
cd "$(dirname "$0")/../.."
out=build/bench/result.txt

machine()
{
	echo "machine: $(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
	echo "kernel: $(uname -r), date: $(date -u +%F), load: $(cut -d' ' -f1-3 /proc/loadavg)"
	echo "commit: $(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
}

measure()
{
	machine
	echo
	echo "== steering: ns a packet, verifier instructions"
	build/bench/steer_bench
	echo
	echo "== SMTP: commands that bring no mail, octets of messages, one thread"
	build/bench/smtp_bench
	echo
	echo "== content: rules and links, one thread"
	build/bench/verdict_bench
	echo
	echo "== the whole path: direct, and through Postern, interleaved"
	selftests/bench/relay.py
}

measure 2>&1 | tee "$out"
echo "kept in $out"
