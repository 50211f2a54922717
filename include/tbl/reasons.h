/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why a packet was treated as it was, why a session ended, what became of a
 * message. A row is the counter's name, the log's word and the manual's line.
 *
 * REASON(name, origin, effect, text)
 *   origin  SCREEN, STEER, BACK: the BPF program that decides (a backend of
 *           another kind counts the same rows); SESSION: why a session ended;
 *           MESSAGE: what became of a message; NOTE: something worth counting
 *           that decides nothing
 *   effect  PASS untouched, STEER to the inspector, LOCAL to a socket of ours,
 *           RESET, DROP; for sessions CLOSE (orderly) or ABORT (reset);
 *           COUNT where nothing follows
 *
 * Append rows, never reorder: the number is the index in pinned maps.
 */
REASON(none,			NOTE,	COUNT, "no decision was taken")

/* Frames that cannot be judged, from a pool towards port 25. */
REASON(ip_header,		SCREEN,	DROP, "IP header truncated or of impossible length")
REASON(ip_length,		SCREEN,	DROP, "IP total length does not hold the headers")
REASON(ip_source_route,		SCREEN,	DROP, "IPv4 source route or IPv6 routing header with segments left")
REASON(ip6_chain,		SCREEN,	DROP, "IPv6 extension header chain too long or truncated")
REASON(fragment_first,		SCREEN,	DROP, "first fragment of a TCP segment to port 25, or one too short for its ports")
REASON(fragment_low,		SCREEN,	DROP, "TCP fragment whose low offset could rewrite the header")
REASON(tcp_header,		SCREEN,	DROP, "TCP header truncated or of impossible length")
REASON(tcp_flags,		SCREEN,	DROP, "TCP flags that no honest stack sends together")
REASON(link_header,		SCREEN,	DROP, "too many VLAN tags, or a damaged PPPoE header")
REASON(syn_budget,		SCREEN,	DROP, "line opens connections faster than its class allows")
REASON(refused_flood,		SCREEN,	DROP, "refused line keeps sending faster than resets are worth")

/* Left alone. */
REASON(not_in_pool,		STEER,	PASS, "source is in no pool")
REASON(exempt_line,		STEER,	PASS, "line is exempt")
REASON(exempt_pool,		STEER,	PASS, "pool or prefix is exempt")
REASON(own_address,		STEER,	PASS, "destination is an address of this router")
REASON(special_address,		STEER,	PASS, "destination is multicast, loopback, link-local or unspecified")
REASON(destination_pass,	STEER,	PASS, "destination has a rule of its own that says pass")
REASON(bypass,			STEER,	PASS, "bypass is on")
REASON(fail_open,		STEER,	PASS, "no worker answers and the class fails open")
REASON(direct_session,		STEER,	PASS, "segment of a session that runs directly")

/* Taken. */
REASON(steered,			STEER,	STEER, "new connection, to the line's own worker")
REASON(steered_other_worker,	STEER,	STEER, "new connection, the line's own worker does not answer")
REASON(steered_cookie,		STEER,	STEER, "acknowledgement with a valid SYN cookie")
REASON(own_session,		STEER,	LOCAL, "segment of a session of ours, subscriber side")
REASON(own_session_icmp,	STEER,	LOCAL, "ICMP error about a session of ours, subscriber side")
REASON(refused_line,		STEER,	RESET, "line is refused")
REASON(fail_reset,		STEER,	RESET, "no worker answers and the class fails closed")
REASON(dead_exchanger,		STEER,	RESET, "exchanger did not answer a moment ago")
REASON(own_syn,			STEER,	DROP, "our own upstream SYN came back to us")

/* Upstream side. */
REASON(own_upstream,		BACK,	LOCAL, "segment of an upstream leg of ours")
REASON(own_upstream_icmp,	BACK,	LOCAL, "ICMP error about an upstream leg of ours")
REASON(back_not_in_pool,	BACK,	PASS, "from port 25 to an address in no pool")
REASON(back_exempt,		BACK,	PASS, "from port 25 to an exempt line")
REASON(back_destination,	BACK,	PASS, "from a destination whose rule says pass")
REASON(back_known_flow,		BACK,	PASS, "from port 25, on a flow that the inside opened directly")
REASON(back_grace,		BACK,	PASS, "from port 25, of a session older than the filter, learnt")
REASON(back_bypass,		BACK,	PASS, "from port 25, bypass is on")
REASON(forged_synack,		BACK,	DROP, "SYN-ACK from port 25 that nobody inside asked for; in shadow counted and passed")
REASON(forged_stray,		BACK,	DROP, "segment from port 25 on a flow that nobody inside has sent on; in shadow counted and passed")
REASON(inbound_syn,		BACK,	PASS, "SYN from outside to port 25 of a line")
REASON(inbound_blocked,		BACK,	DROP, "SYN from outside to port 25 of a line, pool blocks them")

/* Shadow: what would have been done was not. */
REASON(shadow_drop,		STEER,	PASS, "would have been dropped; shadow")
REASON(shadow_reset,		STEER,	PASS, "would have been reset; shadow")
REASON(internal,		STEER,	PASS, "settings are not of the programs' layout: everything passes")

/* Why a session ended. */
REASON(end_quit,		SESSION, CLOSE, "client said QUIT")
REASON(end_client_closed,	SESSION, CLOSE, "client closed without QUIT")
REASON(end_client_reset,	SESSION, ABORT, "client reset the connection")
REASON(end_mx_closed,		SESSION, CLOSE, "exchanger closed")
REASON(end_mx_reset,		SESSION, ABORT, "exchanger reset the connection")
REASON(end_mx_421,		SESSION, CLOSE, "exchanger ended the session with a 421")
REASON(end_dial_refused,	SESSION, ABORT, "exchanger refused the connection")
REASON(end_dial_unreachable,	SESSION, ABORT, "exchanger cannot be reached")
REASON(end_dial_timeout,	SESSION, ABORT, "exchanger did not answer the dial in time")
REASON(end_dial_local,		SESSION, ABORT, "dial failed here: no port, memory or permission")
REASON(end_own_address,		SESSION, ABORT, "original destination is an address of this router")
REASON(end_not_subscriber,	SESSION, ABORT, "source is not a steered line, or the port is not 25")
REASON(end_refused_line,	SESSION, ABORT, "line was refused while the session ran")
REASON(end_tls_on_connect,	SESSION, ABORT, "TLS from the first octet: port 465 is for that")
REASON(end_not_smtp,		SESSION, CLOSE, "first line is not SMTP")
REASON(end_line_too_long,	SESSION, CLOSE, "command without a line end")
REASON(end_bare_newline,	SESSION, CLOSE, "command ended by a bare CR or LF, or with a NUL")
REASON(end_desync,		SESSION, CLOSE, "octets sent before the answer to DATA, which was not 354")
REASON(end_mx_protocol,		SESSION, ABORT, "exchanger's replies make no sense")
REASON(end_mx_during_data,	SESSION, CLOSE, "exchanger ended the message before its end")
REASON(end_rejected,		SESSION, CLOSE, "session over after a refused message")
REASON(end_junk,		SESSION, CLOSE, "too many commands without mail")
REASON(end_timeout_greeting,	SESSION, CLOSE, "exchanger did not greet in time")
REASON(end_timeout_reply,	SESSION, CLOSE, "exchanger did not reply in time")
REASON(end_timeout_data,	SESSION, CLOSE, "exchanger did not answer DATA in time")
REASON(end_timeout_dot,		SESSION, CLOSE, "exchanger did not answer the end of the message in time")
REASON(end_timeout_idle,	SESSION, CLOSE, "client sent no command in time")
REASON(end_timeout_line,	SESSION, CLOSE, "client did not finish a line in time")
REASON(end_timeout_body,	SESSION, ABORT, "client stalled within a message")
REASON(end_timeout_write,	SESSION, ABORT, "a side did not read in time")
REASON(end_timeout_total,	SESSION, CLOSE, "session lasted too long")
REASON(end_memory,		SESSION, CLOSE, "no memory or descriptor for the session")
REASON(end_shutdown,		SESSION, CLOSE, "inspector shuts down")
REASON(end_verdict_failed,	SESSION, CLOSE, "no verdict could be had")
REASON(end_internal,		SESSION, ABORT, "internal error")

/* What became of a message: started is the sum of the four others. */
REASON(message_started,		MESSAGE, COUNT, "exchanger answered DATA with 354, or a first BDAT went up")
REASON(message_accepted,	MESSAGE, COUNT, "exchanger accepted the message")
REASON(message_rejected,	MESSAGE, COUNT, "refused for good, by us or by the exchanger")
REASON(message_tempfailed,	MESSAGE, COUNT, "refused for now, by us or by the exchanger")
REASON(message_aborted,		MESSAGE, COUNT, "ended without an answer to its end")

REASON(session_started,		NOTE,	COUNT, "connection accepted from a line")
REASON(verdict_accept,		NOTE,	COUNT, "content judged good")
REASON(verdict_reject,		NOTE,	COUNT, "content judged bad and refused")
REASON(verdict_tempfail,	NOTE,	COUNT, "content could not be judged")
REASON(verdict_shadow,		NOTE,	COUNT, "content judged bad, let through in shadow")
REASON(auth_refused,		NOTE,	COUNT, "AUTH on port 25 was refused")
REASON(starttls_refused,	NOTE,	COUNT, "STARTTLS was refused")
REASON(command_refused,		NOTE,	COUNT, "a command was answered here and not forwarded")
REASON(early_talker,		NOTE,	COUNT, "client spoke before the greeting")
REASON(recipient_limit,		NOTE,	COUNT, "a recipient beyond the limit was refused")
REASON(log_dropped,		NOTE,	COUNT, "an event record was dropped: the clerk did not keep up")
REASON(inspector_restarted,	NOTE,	COUNT, "the keeper started the inspector again")
REASON(early_pipelining,	NOTE,	COUNT, "client pipelined although the exchanger does not offer it")
REASON(end_chunk_size,		SESSION, CLOSE, "BDAT whose size cannot be understood")
REASON(end_tls_inject,		SESSION, ABORT, "octets around the switch to TLS, or something else than TLS behind it")
REASON(end_tls_limit,		SESSION, CLOSE, "TLS session reached its limit of octets or time")
REASON(tls_passed,		NOTE,	COUNT, "STARTTLS was passed: unscanned from there on")
REASON(tls_wanted,		NOTE,	COUNT, "exchanger refused with 530: it wants TLS")
REASON(left_after_ehlo,		NOTE,	COUNT, "client left behind EHLO while STARTTLS was hidden or refused")
REASON(recipient_probe,		NOTE,	COUNT, "VRFY or EXPN")
REASON(newline_normalised,	NOTE,	COUNT, "command or message with a bare CR or LF was normalised")
REASON(upstream_port_taken,	NOTE,	COUNT, "subscriber's own port was taken upstream, another was used")
REASON(refused_greeted,		STEER,	STEER, "line is refused, the inspector tells it so")
REASON(tls_limit_shadow,	NOTE,	COUNT, "TLS session beyond its limit of octets or time, let go on in shadow")
