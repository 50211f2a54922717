#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A real exchanger: Postfix with folders of its own, in the network namespace
# of whoever calls this. It takes every recipient of mx.postern.test on ports
# 25, 587 (both offer STARTTLS) and 465 (TLS from the first octet), and writes
# what it delivers to FOLDER/mail/QUEUE-ID.eml, unchanged but for its own
# Received: line and LF line ends. Its log is FOLDER/mail.log.
#
# usage: postfix.sh start|stop FOLDER
set -eu

[ $# = 2 ] || { echo "usage: $0 start|stop FOLDER" >&2; exit 2; }
door=$1
folder=$(realpath -m "$2")

main_cf()
{
	cat <<-CF
	compatibility_level = 3.6
	queue_directory = $folder/queue
	data_directory = $folder/data
	command_directory = /usr/sbin
	daemon_directory = /usr/lib/postfix/sbin
	mail_owner = postfix
	setgid_group = postdrop
	maillog_file = $folder/mail.log
	maillog_file_prefixes = $folder
	myhostname = mx.postern.test
	mydestination = mx.postern.test
	mynetworks = 127.0.0.0/8
	inet_interfaces = all
	inet_protocols = all
	smtpd_peername_lookup = no
	smtpd_relay_restrictions = reject_unauth_destination
	smtpd_client_connection_count_limit = 0
	local_recipient_maps =
	alias_maps =
	alias_database =
	local_transport = record:
	in_flow_delay = 0
	message_size_limit = 104857600
	mailbox_size_limit = 0
	smtpd_tls_security_level = may
	smtpd_tls_cert_file = $folder/tls.pem
	smtpd_tls_key_file = $folder/tls.pem
	CF
}

master_cf()
{
	cat <<-CF
	smtp      inet  n - n - - smtpd
	587       inet  n - n - - smtpd
	465       inet  n - n - - smtpd -o smtpd_tls_wrappermode=yes
	cleanup   unix  n - n - 0 cleanup
	qmgr      unix  n - n 300 1 qmgr
	rewrite   unix  - - n - - trivial-rewrite
	bounce    unix  - - n - 0 bounce
	defer     unix  - - n - 0 bounce
	trace     unix  - - n - 0 bounce
	verify    unix  - - n - 1 verify
	flush     unix  n - n 1000? 0 flush
	proxymap  unix  - - n - - proxymap
	tlsmgr    unix  - - n 1000? 1 tlsmgr
	anvil     unix  - - n - 1 anvil
	error     unix  - - n - - error
	retry     unix  - - n - - error
	postlog   unix-dgram n - n - 1 postlogd
	record    unix  - n n - - pipe
	  flags= user=nobody argv=/bin/sh $folder/record.sh \${queue_id} \${client_address}
	CF
}

# One file per message; a line in delivered.log says who it came from.
record_sh()
{
	cat <<-SH
	set -eu
	cat >"$folder/mail/.\$1"
	mv "$folder/mail/.\$1" "$folder/mail/\$1.eml"
	echo "\$1 \$2" >>"$folder/mail/delivered.log"
	SH
}

start()
{
	mkdir -p "$folder/etc" "$folder/queue" "$folder/data" "$folder/mail"
	chown postfix "$folder/data"
	chown nobody "$folder/mail"
	main_cf >"$folder/etc/main.cf"
	master_cf >"$folder/etc/master.cf"
	record_sh >"$folder/record.sh"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=mx.postern.test -keyout "$folder/tls.pem" -out "$folder/tls.crt" \
		2>"$folder/openssl.log"
	cat "$folder/tls.crt" >>"$folder/tls.pem"
	postfix -c "$folder/etc" start >"$folder/start.log" 2>&1 ||
		{ cat "$folder/start.log" >&2; return 1; }
}

case "$door" in
start) start ;;
stop) postfix -c "$folder/etc" stop >/dev/null 2>&1 ;;
*) echo "postfix.sh: unknown '$door', expected start or stop" >&2; exit 2 ;;
esac
