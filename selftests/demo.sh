#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The whole system between namespaces, as a story: a subscriber with a real
# mail client (swaks), a router with Postern, a real exchanger (Postfix).
# Exit 0 only if every step went as promised. Everything is removed at the end.
#
# The mail is real where ../shared/corpus lies beside the checkout; it never
# leaves the namespaces.
set -uo pipefail

cd "$(dirname "$0")/.."
top=$PWD
name=demo$$
lab=/run/postern-lab/$name
work=$(mktemp -d)
build=$(realpath "${BUILD:-build}")
mx4=198.51.100.25
mx6=2001:db8:25::25
wrong=0
steps=0

if [ -t 1 ]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
	bold='' green='' red='' plain=''
fi

clean_up()
{
	[ ! -d "$lab/postfix" ] || inside mx selftests/demo/postfix.sh stop "$lab/postfix"
	selftests/lab.sh down --name "$name" >/dev/null 2>&1
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

inside()	# HOST COMMAND...
{
	selftests/lab.sh run --name "$name" "$1" -- "${@:2}"
}

postern()
{
	inside rtr "$build/postern" "$@"
}

chapter()	# TITLE
{
	steps=$((steps + 1))
	printf '\n%s%d. %s%s\n' "$bold" "$steps" "$1" "$plain"
}

say()
{
	printf '   %s\n' "$@"
}

quote()		# show what a program printed, indented
{
	sed 's/^/     | /' | cut -c1-110
}

seen()		# WHAT COMMAND...: the promise holds when the command succeeds
{
	if "${@:2}" >/dev/null 2>&1; then
		echo "   ${green}ok${plain}   $1"
	else
		echo "   ${red}NOT${plain}  $1"
		wrong=$((wrong + 1))
	fi
}

has()		# FILE PATTERN
{
	grep -Eq -- "$2" "$1"
}

hasnt()
{
	! grep -Eq -- "$2" "$1"
}

soon()		# COMMAND...: succeeds within five seconds
{
	local end=$((SECONDS + 5))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

counter()	# NAME: its value now
{
	postern counters --json |
		python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

grew()		# COUNTER BEFORE LEAST
{
	[ $(($(counter "$1") - $2)) -ge "$3" ]
}

# Send FILE from LINE to EXCHANGER; the dialogue goes to $work/dialogue.
send()		# FILE LINE EXCHANGER SWAKS-OPTION...
{
	local family=--timeout
	[[ $2 != *:* ]] || family=-6
	[ "$family" = -6 ] || family=-4
	python3 -B selftests/demo/mail.py wire "$1" >"$work/wire"
	inside sub swaks "$family" --server "$3" --local-interface "$2" --timeout 20 \
		--helo pc.sub.postern.test --from customer@sub.postern.test \
		--to someone@mx.postern.test --data "@$work/wire" --no-data-fixup \
		"${@:4}" >"$work/dialogue" 2>&1
}

delivered()	# COUNT: so many messages have arrived in all
{
	[ "$(grep -c . "$lab/postfix/mail/delivered.log" 2>/dev/null)" = "$1" ]
}

newest()
{
	echo "$lab/postfix/mail/$(tail -n 1 "$lab/postfix/mail/delivered.log" | cut -d' ' -f1).eml"
}

newest_is()	# FILE: its content is what was sent
{
	python3 -B selftests/demo/mail.py same "$1" "$(newest)"
}

newest_top()
{
	python3 -B selftests/demo/mail.py top "$(newest)"
}

last_reply()
{
	grep -E '^<(-|\*\*|~) ' "$work/dialogue" | grep -vE '221' | tail -n 1 | quote
}

# --- the story --------------------------------------------------------------

set_the_stage()
{
	local source=selftests/data/mail
	[ ! -e ../shared/corpus/mail-dev.tar.xz ] || source=../shared/corpus
	cat <<-DRAWING

	   subscriber (swaks)          router (Postern)           exchanger (Postfix)
	   10.64.0.10            ---   sub0           mx0   ---   $mx4
	   2001:db8:64:3::2            posternd, BPF on both      $mx6

	DRAWING
	selftests/lab.sh up --name "$name" --no-mx || exit 1
	inside mx selftests/demo/postfix.sh start "$lab/postfix" || exit 1
	say "mail: $(python3 -B selftests/demo/mail.py choose "$build/postern" "$work" "$source")"
	[ -e "$work/spam-1.eml" ] || exit 1
	seen "the filter is up and its workers answer" postern status
}

ham_arrives()	# FILE LINE EXCHANGER NUMBER
{
	send "$1" "$2" "$3"
	last_reply
	seen "the client was told 250" has "$work/dialogue" '^<- .*250 2\.0\.0'
	seen "the exchanger delivered it" soon delivered "$4"
	seen "from the subscriber's own address" \
		has "$lab/postfix/mail/delivered.log" " (IPv6:)?$2\$"
	seen "octet for octet what was sent, but for the Received: line" newest_is "$1"
	newest_top | quote
	seen "which names the line" grep -qF "$2" <<<"$(newest_top)"
}

ham()
{
	chapter "Ordinary mail, IPv4: it arrives"
	ham_arrives "$work/ham-1.eml" 10.64.0.10 $mx4 1
	chapter "Ordinary mail, IPv6: it arrives"
	ham_arrives "$work/ham-2.eml" 2001:db8:64:3::2 $mx6 2
}

spam()
{
	local before
	chapter "Spam: refused inside the session, and it never arrives"
	before=$(counter verdict_reject)
	send "$work/spam-1.eml" 10.64.0.11 $mx4
	last_reply
	seen "the client was told 550 5.7.1" has "$work/dialogue" '^<\*\* 550 5\.7\.1 '
	seen "with a ticket and the help address" \
		has "$work/dialogue" '\[[^]]+\].*help.postern.test'
	seen "the exchanger saw the session, and put nothing of it into its queue" \
		nothing_queued 10.64.0.11
	seen "and delivered nothing from it" \
		hasnt "$lab/postfix/mail/delivered.log" ' 10\.64\.0\.11$'
	seen "Postern counted a refusal" grew verdict_reject "$before" 1
	seen "and wrote it to the event log" \
		soon has "$lab/log/events.json" '"10\.64\.0\.11".*"verdict":"reject"'
	grep -F '"10.64.0.11"' "$lab/log/events.json" | grep -F '"verdict":"reject"' |
		grep -oE '"(sid|client|verdict|score|rule)":("[^"]*"|[0-9]+)' | quote
}

nothing_queued()	# LINE: the exchanger gave its mail a number, but never queued it
{
	local ids
	ids=$(sed -nE "s/.*: ([0-9A-F]+): client=.*\[$1\].*/\1/p" "$lab/postfix/mail.log")
	[ -n "$ids" ] && ! grep -E "qmgr.*: (${ids//$'\n'/|}): from=" "$lab/postfix/mail.log"
}

talk()		# LINE...: a dialogue by hand
{
	inside sub python3 -B selftests/demo/talk.py 10.64.0.12 $mx4 "$@" >"$work/dialogue" 2>&1
	quote <"$work/dialogue"
}

protocols()
{
	local before
	chapter "AUTH on port 25: 573, use port 587"
	talk "EHLO pc" "AUTH PLAIN AGN1c3RvbWVyAHNlY3JldA==" QUIT
	seen "answered 573 with the help address" \
		has "$work/dialogue" '^<- 573 5\.7\.1 .*587.*help.postern'
	seen "the session goes on" has "$work/dialogue" '^<- 221 '

	chapter "STARTTLS on port 25: hidden"
	seen "the exchanger itself offers it" \
		inside mx sh -c "printf 'EHLO x\r\nQUIT\r\n' | nc -q 2 $mx4 25 | grep STARTTLS"
	talk "EHLO pc" STARTTLS QUIT
	seen "not offered to the subscriber" hasnt "$work/dialogue" '^<- 250.STARTTLS'
	seen "answered 502 when asked for" has "$work/dialogue" '^<- 502 5\.5\.1 '

	chapter "TLS from the first octet on port 25: dropped (port 465 is for that)"
	before=$(counter end_tls_on_connect)
	seen "no handshake comes about" tls_fails 25
	seen "counted as such" grew end_tls_on_connect "$before" 1
	seen "the same on port 465 works" tls_works 465

	chapter "HTTP on port 25: ended"
	before=$(counter end_not_smtp)
	talk "GET / HTTP/1.1"
	seen "answered 421" has "$work/dialogue" '^<- 421 4\.5\.0 '
	seen "counted as such" grew end_not_smtp "$before" 1
}

tls_works()	# PORT
{
	inside sub openssl s_client -bind 10.64.0.12:0 -connect "$mx4:$1" -brief </dev/null 2>&1 |
		grep -q 'Protocol version'
}

tls_fails()
{
	! tls_works "$1"
}

exempt()
{
	local before sessions
	chapter "An exempt line goes direct"
	before=$(counter exempt_line)
	sessions=$(counter session_started)
	postern exempt add 10.64.0.50 --why "runs a mail server" | quote
	send "$work/spam-1.eml" 10.64.0.50 $mx4
	last_reply
	seen "even this mail is delivered" soon delivered 3
	grep 'client=.*10\.64\.0\.50' "$lab/postfix/mail.log" | quote
	seen "the exchanger's log names the line" \
		has "$lab/postfix/mail.log" 'client=.*\[10\.64\.0\.50\]'
	seen "no Received: line of ours" [ -z "$(newest_top)" ]
	seen "octet for octet what was sent" newest_is "$work/spam-1.eml"
	seen "counter exempt_line rose" grew exempt_line "$before" 1
	seen "no session of ours" [ "$(counter session_started)" = "$sessions" ]
	postern exempt del 10.64.0.50 | quote
}

port_587()
{
	local sessions
	chapter "Port 587 is never touched"
	sessions=$(counter session_started)
	send "$work/ham-1.eml" 10.64.0.10 $mx4 --port 587 -tls
	seen "STARTTLS works there" has "$work/dialogue" '^=== TLS started'
	seen "the mail arrived" soon delivered 4
	seen "without a Received: line of ours" [ -z "$(newest_top)" ]
	seen "no session of ours" [ "$(counter session_started)" = "$sessions" ]
}

kill_daemon()	# every process of it at once, without a word
{
	local pid
	pid=$(cat "$lab/daemon.pid")
	kill -KILL "$pid" $(cat "/proc/$pid/task/$pid/children") 2>/dev/null
}

start_daemon()
{
	(exec setsid selftests/lab.sh run --name "$name" rtr -- "$build/posternd") \
		</dev/null >>"$lab/daemon.log" 2>&1 &
	echo $! >"$lab/daemon.pid"
}

death()
{
	local before
	chapter "The daemon is killed: the class fails open"
	before=$(counter fail_open)
	kill_daemon
	say "kill -9; the very next connection:"
	send "$work/ham-2.eml" 10.64.0.10 $mx4
	last_reply
	seen "mail goes through, unfiltered" soon delivered 5
	seen "without a Received: line of ours" [ -z "$(newest_top)" ]
	seen "counter fail_open rose" grew fail_open "$before" 1
	postern refuse add 10.64.0.66 --why "infected" | quote
	send "$work/ham-2.eml" 10.64.0.66 $mx4
	seen "a refused line is reset all the same" has "$work/dialogue" 'refused|reset'
	start_daemon
	seen "the daemon is back" soon ready
	send "$work/ham-2.eml" 10.64.0.10 $mx4
	seen "mail is filtered again" soon delivered 6
	seen "and has our Received: line" [ -n "$(newest_top)" ]
}

ready()
{
	postern status --json | grep -Eq '"ready": *true'
}

numbers()
{
	chapter "What the operator sees"
	postern status | quote
	postern counters | head -n 25 | quote
}

[ "$(id -u)" = 0 ] || { echo "demo.sh: must be root: network namespaces are made" >&2; exit 1; }
begun=$SECONDS
echo "${bold}Postern, the small guarded gate at port 25${plain}"
set_the_stage
ham
spam
protocols
exempt
port_587
death
numbers

echo
if [ "$wrong" = 0 ]; then
	echo "${green}Everything went as promised${plain} ($((SECONDS - begun)) s)."
	exit 0
fi
echo "${red}$wrong promises were not kept${plain} ($((SECONDS - begun)) s)."
exit 1
