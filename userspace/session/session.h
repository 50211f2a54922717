/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One SMTP session: the connection from a line, and the upstream leg that
 * belongs to it. It owns both legs, their deadlines and the transaction; the
 * dialogue itself is smtp/'s, the verdict verdict/'s. All on its worker's
 * thread.
 *
 *   session.c  birth, events, end        relay.c  one turn of the dialogue
 *   deadline.c what strikes when         judge.c  facts, scan and verdict
 *   record.c   what is reported           tunnel.c  a TLS session's limits
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "base/addr.h"
#include "base/facts.h"
#include "session/leg.h"
#include "session/ticket.h"
#include "session/wheel.h"
#include "session/worker.h"
#include "smtp/smtp.h"
#include "steering/steering.h"

/* Messages of a session by what became of them, for its record. */
struct session_messages {
	uint32_t	started;
	uint32_t	accepted;
	uint32_t	rejected;
	uint32_t	tempfailed;
	uint32_t	aborted;
};

/* The transaction in progress, or the last one. */
struct session_mail {
	struct facts		facts;
	struct verdict_scan	*scan;		/* NULL: nothing is scanned */
	bool			open;		/* a message has started and not ended */
	bool			certain;	/* rejection was told early */
	bool			due;		/* the engine waits for the verdict */
	uint64_t		begun;		/* boot-time ns: when the message started */
	unsigned int		code;		/* reply that the last message got */
};

/* A TLS session that was passed (E33); its octets are counted by the engine. */
struct session_tls {
	bool			passed;		/* the tunnel was opened */
	bool			wanted;		/* the exchanger refused something with 530 */
	uint64_t		until;		/* boot-time ns: its end; 0 = none, or struck */
	uint64_t		paid_until;	/* boot-time ns: when what the client has sent
						 * would have come at its class's rate */
};

struct session {
	struct smtp		smtp;
	struct worker		*worker;
	struct session		*next;		/* of the worker's, or of the released */
	struct session		**prev;
	struct session		*next_run;
	struct smtp_env		env;
	struct leg		client;
	struct leg		server;
	struct timer		timer;
	bool			queued : 1;	/* stands in the worker's queue */
	bool			released : 1;
	bool			admitted : 1;	/* has reserved memory */
	bool			refused : 1;	/* born to be told 421 or 554 */
	bool			discard : 1;	/* the client's octets are thrown away */
	bool			finishing : 1;	/* the engine was told to come to an end */
	unsigned int		client_port;
	enum postern_reason	reason;		/* our own, else the engine's is taken */
	uint32_t		wait_epoch;
	uint8_t			wait;		/* enum smtp_wait */
	uint64_t		born;		/* boot-time ns; all times below too */
	uint64_t		wait_since;	/* 0: anew at the next look */
	uint64_t		held_since;	/* a side takes nothing, the client is not read */
	uint64_t		stall_until[2];	/* by enum leg_side; 0: nothing is owed */
	uint64_t		linger_until;	/* over at the latest; 0: not closing */
	uint64_t		line_seen;	/* when the line was looked at last */
	struct steering_line	line;
	struct session_mail	mail;
	struct session_messages	messages;
	struct session_tls	tls;
	char			client_text[ADDR_TEXT];
	char			ticket[TICKET_TEXT];
};

/*
 * A connection was accepted on @fd, from @peer port @port. Owns @fd from here
 * on. Checks where it was meant for, dials, and starts the dialogue; or ends
 * it. Never fails: what cannot be had ends the session.
 */
void session_accept(struct worker *w, int fd, const struct postern_addr *peer,
		    unsigned int port);

/*
 * As session_accept() behind its first check: the connection was meant for
 * @dst port @dst_port.
 */
void session_begin(struct worker *w, int fd, const struct postern_addr *peer,
		   unsigned int port, const struct postern_addr *dst, unsigned int dst_port);

/* epoll said @events of @leg. */
void session_event(struct session *s, struct leg *leg, uint32_t events);

/* Do what can be done; called when anything has changed. */
void session_run(struct session *s);

/* The dial was not answered in time. */
void session_dial_timeout(struct session *s);

/* The worker is asked to stop. */
void session_drain(struct session *s);

/* The linger has struck: close what is open. */
void session_finish(struct session *s);

/* End at once, both legs reset. */
void session_kill(struct session *s, enum postern_reason reason);

/* The session that a leg belongs to. */
struct session *session_of(struct leg *leg);

/*
 * relay.c: one turn of the dialogue: read, judge, write, obey. At most @budget
 * octets are read, and taken from it. True when another turn may do more.
 */
bool relay_turn(struct session *s, size_t *budget);

/* relay.c: throw away what a side still sends; `readable` is left when there is more. */
void relay_discard(struct session *s, struct leg *leg);

/* deadline.c: bring the timer in line with what is waited for. */
void deadline_arm(struct session *s);

/* deadline.c: note that octets went (or began to be owed) to a side. */
void deadline_progress(struct session *s, const struct leg *leg, uint64_t octets_before);

/* deadline.c: the timer has fired: act on what has struck. */
void deadline_strike(struct session *s);

/* tunnel.c: the engine has told of @note. */
void tunnel_note(struct session *s, enum postern_reason note);

/* tunnel.c: octets that the client may send now, at most @most. */
size_t tunnel_allowance(const struct session *s, size_t most);

/* tunnel.c: @octets were read from the client. */
void tunnel_pay(struct session *s, size_t octets);

/* tunnel.c: boot-time ns at which the client may be read again; 0: it may be now. */
uint64_t tunnel_resume(const struct session *s);

/* judge.c: what the engine tells; owner is the session. */
extern const struct smtp_ops judge_ops;

/* judge.c: is rejection certain, and not told yet? Tells the engine. */
bool judge_early(struct session *s);

/*
 * judge.c: the message is whole (mail.due): tell the engine the verdict, unless
 * it was told early. False: nothing was told; while mail.due stands, ask again.
 */
bool judge_whole(struct session *s);

/* judge.c: the verdict took too long: it is a temporary failure. False: none was due. */
bool judge_late(struct session *s);

/* judge.c: the session ends. */
void judge_close(struct session *s);

/* record.c: report the end of the session, or a verdict. */
void record_session(struct session *s, enum postern_reason reason);
void record_verdict(struct session *s, const struct verdict *v);

#endif
