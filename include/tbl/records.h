/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fields of the inspector's event records: one JSON object a line, in the
 * order of these rows.
 *
 * RECORD(name, kind, in, text)
 *   kind  TEXT, NUMBER, FLAG, OBJECT or LIST
 *   in    SESSION: the record of a session's end; VERDICT: of a verdict; BOTH
 */
RECORD(time,		TEXT,	BOTH,	"when, RFC 3339, UTC, with milliseconds")
RECORD(event,		TEXT,	BOTH,	"\"session\" or \"verdict\"")
RECORD(sid,		TEXT,	BOTH,	"id of the session: the ticket in our replies and Received: lines")
RECORD(client,		TEXT,	BOTH,	"address that the subscriber used")
RECORD(port,		NUMBER,	BOTH,	"the subscriber's port")
RECORD(server,		TEXT,	BOTH,	"address of the exchanger")
RECORD(subscriber,	NUMBER,	BOTH,	"id of the subscriber; 0: not known")
RECORD(class,		TEXT,	BOTH,	"class of the line")
RECORD(shadow,		FLAG,	BOTH,	"verdicts were not enforced")
RECORD(helo,		TEXT,	BOTH,	"argument of HELO or EHLO")
RECORD(from,		TEXT,	BOTH,	"reverse path of the last transaction; empty: none, or the null sender")
RECORD(recipients,	NUMBER,	BOTH,	"recipients that the exchanger accepted in it")
RECORD(refused,		NUMBER,	BOTH,	"recipients that were refused in it")
RECORD(octets,		NUMBER,	BOTH,	"length of its message, as far as it was seen")
RECORD(verdict,		TEXT,	VERDICT, "accept, reject, tempfail or drop: what the content deserved")
RECORD(score,		NUMBER,	VERDICT, "sum of the findings' points")
RECORD(unscanned,	FLAG,	VERDICT, "the content was not seen whole")
RECORD(findings,	LIST,	VERDICT, "objects with rule, detail and score")
RECORD(reason,		TEXT,	SESSION, "why the session ended, a name from the list of reasons")
RECORD(code,		NUMBER,	SESSION, "reply that the last message got; 0: none")
RECORD(duration_ms,	NUMBER,	SESSION, "length of the session in milliseconds")
RECORD(client_octets,	NUMBER,	SESSION, "octets received from the client")
RECORD(server_octets,	NUMBER,	SESSION, "octets received from the exchanger")
RECORD(to_client_octets, NUMBER, SESSION, "octets sent to the client")
RECORD(to_server_octets, NUMBER, SESSION, "octets sent to the exchanger")
RECORD(messages,	OBJECT,	SESSION, "messages started, accepted, rejected, tempfailed and aborted")
RECORD(tls,		FLAG,	SESSION, "STARTTLS was passed: nothing behind it was scanned")
RECORD(tls_octets,	NUMBER,	SESSION, "octets that the client sent within TLS")
RECORD(tls_wanted,	FLAG,	SESSION, "the exchanger refused with 530: it wants TLS")
