/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The SMTP engine of one session: octets of both sides in, octets for both
 * sides and events out. Pure: no socket, no clock, no allocation. One framing
 * engine for both directions; what is not understood is refused, never
 * forwarded.
 *
 * The owner keeps the buffers. A turn hands the engine what has arrived and
 * the room there is for output; the engine takes what it understands, and
 * leaves the rest (an incomplete line, octets held back behind DATA, anything
 * for which there is no room or no slot). Nothing is lost by calling again
 * with the same rest and more behind it: the result does not depend on how
 * the octets were cut (bar B7).
 */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/facts.h"
#include "postern/reason.h"

/* Input that the owner must be able to hold for each side (E7, E14, E43). */
#define SMTP_CLIENT_INPUT	(64 * 1024)
#define SMTP_SERVER_INPUT	(16 * 1024)
/*
 * Output room that the owner must be able to offer for each side once all
 * earlier output was sent. The engine starts on a line only with room for it.
 */
#define SMTP_OUTPUT_ROOM	(16 * 1024)

#define REPLY(name, code, enhanced, text) SMTP_REPLY_##name,
enum smtp_reply {
#include "tbl/replies.h"
	SMTP_REPLY_COUNT
};
#undef REPLY

#define WAIT(name, param, reason, text) SMTP_WAIT_##name,
enum smtp_wait {
#include "tbl/waits.h"
	SMTP_WAIT_COUNT
};
#undef WAIT

enum smtp_event_kind {
	SMTP_EV_HELO,		/* HELO or EHLO accepted; text = argument */
	SMTP_EV_MAIL,		/* MAIL accepted; text = path without <> and source route,
				 * cut at FACTS_PATH - 1 octets, not NUL-ended */
	SMTP_EV_RCPT,		/* RCPT accepted; text as above */
	SMTP_EV_RCPT_REFUSED,	/* code = the exchanger's (or our) reply; text as above */
	SMTP_EV_RESET,		/* RSET or a new HELO cleared the transaction */
	SMTP_EV_DATA,		/* 354 seen, or the first BDAT went up: a message starts */
	SMTP_EV_MESSAGE,	/* a message ended: reason = message_*, code = reply the
				 * client got (0 = none); exactly one for each DATA */
	SMTP_EV_NOTE,		/* reason = a NOTE row to count (auth_refused, ...) */
};

struct smtp_event {
	enum smtp_event_kind	kind;
	enum postern_reason	reason;
	unsigned int		code;
	const char		*text;	/* peer octets, valid during the call only; never NULL */
	size_t			len;
};

struct smtp_ops {
	/* Something worth knowing happened. */
	void (*event)(void *owner, const struct smtp_event *ev);
	/* Octets of the message, in order, dot stuffing removed, CRLF kept, without
	 * our Received: line and without the end. */
	void (*content)(void *owner, const char *data, size_t len);
};

/* What the engine needs to know of its session. All outlive the session. */
struct smtp_env {
	const struct conf_class	*class;
	const char		*hostname;	/* ours: in replies and Received */
	const char		*client;	/* subscriber's address as text */
	const char		*ticket;	/* id of the session, in every reply of ours */
	bool			shadow;		/* limits are counted, not enforced */
};

/* One side's input: the engine moves `data` and `len` past what it took. */
struct smtp_in {
	const char	*data;
	size_t		len;
	bool		full;	/* the owner can hold no more than this */
	bool		eof;	/* no more will come */
};

/* One side's output: the engine appends at data + len, never beyond size. */
struct smtp_out {
	char	*data;
	size_t	len;
	size_t	size;
};

struct smtp_turn {
	struct smtp_in	client;
	struct smtp_in	server;
	struct smtp_out	to_client;
	struct smtp_out	to_server;
	uint64_t	wall;		/* seconds since 1970, for Received */
};

/* What the owner has to do after a turn. Bits, each returned once. */
enum smtp_act {
	SMTP_ACT_VERDICT	= 0x01,	/* message is whole: call smtp_verdict() when known */
	SMTP_ACT_RESET_SERVER	= 0x02,	/* abort the upstream leg now, unsent octets die:
					 * it must never see a whole message */
	SMTP_ACT_CLOSE_SERVER	= 0x04,	/* flush, then close the upstream leg */
	SMTP_ACT_CLOSE_CLIENT	= 0x08,	/* flush, then close the client leg */
	SMTP_ACT_RESET_CLIENT	= 0x10,	/* send what can be sent at once, then reset it */
	SMTP_ACT_DISCARD_CLIENT	= 0x20,	/* read on and throw away (until closed) */
};

/* Private to smtp/; embedded in the session, so its size is known here. */
#include "smtp/state.h"

/* Start: nothing is known yet, the exchanger's greeting is awaited. */
void smtp_init(struct smtp *s, const struct smtp_env *env, const struct smtp_ops *ops,
	       void *owner);

/*
 * Start without an exchanger (E81, E82): greet with @reply (a 421 or 554),
 * answer QUIT, then close. No upstream leg exists.
 */
void smtp_init_refused(struct smtp *s, const struct smtp_env *env, const struct smtp_ops *ops,
		       void *owner, enum smtp_reply reply);

/* Process all that can be processed. Returns bits of enum smtp_act. */
unsigned int smtp_turn(struct smtp *s, struct smtp_turn *t);

/*
 * The verdict on the message in progress. REJECT, TEMPFAIL and DROP may come
 * early (before SMTP_ACT_VERDICT); ACCEPT only after it. Call smtp_turn() next.
 */
void smtp_verdict(struct smtp *s, enum verdict_action action);

/*
 * Refuse the transaction in progress (E16): the next DATA or BDAT gets @reply,
 * a 4xx or 5xx other than 421, and is not forwarded; the exchanger gets RSET,
 * and the session goes on. A DATA that was forwarded already and brings a
 * message ends in @reply too, but at its end, and the upstream leg is reset.
 * May be called from within ops->event; without a transaction nothing happens.
 */
void smtp_refuse_data(struct smtp *s, enum smtp_reply reply);

/* The upstream leg is gone: @reset true for RST or an error. Call smtp_turn() next. */
void smtp_server_lost(struct smtp *s, bool reset);

/* The client is gone by RST or an error. Call smtp_turn() next. */
void smtp_client_lost(struct smtp *s);

/* The wait in force has struck. Call smtp_turn() next. */
void smtp_expire(struct smtp *s);

/*
 * Finish the transaction in progress, then end with @reply (a 421) for @why:
 * total time, a line refused meanwhile (E80). A TLS session ends at once and
 * without a word. Call smtp_turn() next.
 */
void smtp_finish(struct smtp *s, enum smtp_reply reply, enum postern_reason why);

/*
 * smtp_finish() because the inspector stops (E83). A TLS session goes on; the
 * owner resets it when the time for draining is over. Call smtp_turn() next.
 */
void smtp_shutdown(struct smtp *s);

/*
 * The time that the class gives a TLS session is over: it ends; in shadow that
 * is only counted. Nothing happens outside of one. Call smtp_turn() next.
 */
void smtp_tunnel_late(struct smtp *s);

/*
 * Has STARTTLS been passed and answered with 220? From then on both sides'
 * octets go through as they are, and nothing of ours is put between (E33).
 */
bool smtp_in_tunnel(const struct smtp *s);

/* Octets of the client's that were passed on since. */
uint64_t smtp_tunnel_octets(const struct smtp *s);

/*
 * What is being waited for. The deadline is the moment at which *@epoch last
 * changed plus the row's parameter: from verdict to dot the row changes and
 * the epoch does not, so that both together last dot_timeout.
 */
enum smtp_wait smtp_waiting(const struct smtp *s, uint32_t *epoch);

/*
 * Is a transaction open (MAIL accepted, message not ended)? A TLS session
 * counts as one: nobody knows what goes on in it.
 */
bool smtp_in_transaction(const struct smtp *s);

/*
 * Accept client octets now? False while slots are full or a verdict is
 * pending. True while DATA or STARTTLS awaits its answer: read the client
 * before the exchanger then, so that octets sent too early are seen in time
 * (E14, B12). True also for one who pipelines without the offer, until that
 * was told (E11).
 */
bool smtp_wants_client(const struct smtp *s);

/* Why the session ended: meaningful once a CLOSE or RESET bit was returned. */
enum postern_reason smtp_end_reason(const struct smtp *s);

/* Code and wording of a reply row; auth_refused has those of its class instead. */
const char *smtp_reply_text(enum smtp_reply reply, unsigned int *code, const char **enhanced);

#endif
