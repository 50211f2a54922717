/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every reply that Postern itself makes.
 *
 * REPLY(name, code, enhanced, text)
 * On the wire: "CODE ENHANCED TEXT [TICKET]", and for 5xx the class's help
 * URL behind it. The text never tells rules, paths or internal addresses.
 * auth_refused takes code and text from the class, chunk_later and
 * chunk_refused the code from the exchanger.
 */
REPLY(closing_shutdown,	421, "4.3.2", "service is shutting down, try again later")
REPLY(closing_overload,	421, "4.3.2", "too busy, try again later")
REPLY(closing_limit,	421, "4.7.0", "too many connections or commands, try again later")
REPLY(closing_timeout,	421, "4.4.2", "time-out, closing")
REPLY(closing_lost,	421, "4.4.2", "connection to the mail exchanger was lost")
REPLY(closing_desync,	421, "4.5.0", "octets sent before the answer to DATA, closing")
REPLY(closing_tls,	421, "4.5.0", "octets sent before the answer to STARTTLS, closing")
REPLY(closing_not_smtp,	421, "4.5.0", "this is not SMTP, closing")
REPLY(closing_after_reject, 421, "4.7.0", "a message was refused, open a new connection")
REPLY(closing_refused,	421, "4.7.0", "sending on port 25 is blocked for this line")
REPLY(verdict_later,	451, "4.7.1", "message cannot be checked now, try again later")
REPLY(dot_timeout,	451, "4.4.2", "no answer from the mail exchanger")
REPLY(chunk_later,	451, "4.5.0", "an earlier chunk of the message was refused")
REPLY(recipients,	452, "4.5.3", "too many recipients")
REPLY(memory,		452, "4.3.1", "not enough memory, try again later")
REPLY(syntax,		500, "5.5.2", "syntax error")
REPLY(line_too_long,	500, "5.5.2", "line too long")
REPLY(bare_newline,	500, "5.5.2", "bare CR, bare LF or NUL in a command")
REPLY(argument,		501, "5.5.4", "syntax error in parameters")
REPLY(not_available,	502, "5.5.1", "command not available here")
REPLY(order,		503, "5.5.1", "bad sequence of commands")
REPLY(parameter,	555, "5.5.4", "parameter not available here")
REPLY(tls_refused,	454, "4.7.0", "TLS not available here")
REPLY(auth_refused,	573, "5.7.1", "")
REPLY(content,		550, "5.7.1", "message refused because of its content")
REPLY(body_newline,	550, "5.5.2", "bare CR, bare LF or NUL in the message")
REPLY(size,		552, "5.3.4", "message too large")
REPLY(body_line,	554, "5.5.2", "line of the message too long")
REPLY(chunk_refused,	554, "5.5.0", "an earlier chunk of the message was refused")
REPLY(quarantine,	554, "5.7.1", "sending on port 25 is blocked for this line")
REPLY(ok,		250, "2.0.0", "ok")
REPLY(bye,		221, "2.0.0", "closing")
