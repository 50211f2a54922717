// SPDX-License-Identifier: GPL-2.0
/*
 * Both sides of an SMTP session are the fuzzer's. The first octet chooses the
 * class; after it, octets from 0xf4 on are happenings (below), all others are
 * said by the side whose turn it is. Each input is played twice, the second
 * time with the client's octets one by one, and both must agree. An observer
 * of the upstream leg, which knows nothing of the engine, checks that
 *
 *   every command is a clean line with a verb of the list,
 *   no message holds a bare CR, a bare LF or a NUL,
 *   no message ends unless it was accepted, a lone dot to nobody excepted,
 *   what was judged is what went up, octet for octet,
 *   each message begun is ended once,
 *   STARTTLS goes up only where it passes, and behind a 220 what one side says
 *   in TLS is what the other gets, within the limit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../unit/smtp_owner.h"

enum happening {
	HAPPEN_DROP = 0xf4, HAPPEN_SHUTDOWN, HAPPEN_EXPIRE, HAPPEN_SERVER_RST, HAPPEN_CLIENT,
	HAPPEN_SERVER, HAPPEN_ACCEPT, HAPPEN_REJECT, HAPPEN_TEMPFAIL, HAPPEN_CLIENT_FIN,
	HAPPEN_SERVER_FIN, HAPPEN_CLIENT_RST,
};

/* What the octets on the upstream leg are. */
enum stretch { COMMAND, DATA_ASKED, AUTH_ASKED, AUTH_LINE, BODY, TLS_ASKED, TLS };

/* What the observer has seen; cleared for each run. */
struct view {
	bool		one_by_one;
	bool		may_auth;
	bool		may_tls;
	size_t		tls;		/* octets that went up within TLS */
	bool		compare;	/* Received: is off: what goes up is what is judged */
	bool		accepted;	/* the message now ending */
	enum stretch	stretch;
	size_t		seen;		/* of what went up */
	size_t		line;		/* where the line now read begins */
	size_t		body;		/* where the message begins */
	size_t		asked;		/* of what went to the client when a command went up */
	unsigned int	ends;		/* messages ended upstream */
	bool		silent[2];	/* has ended its side */
	bool		server_gone;
	bool		client_gone;
	size_t		server_had;
	size_t		client_had;
};

struct observer {
	struct owner	owner;
	struct bytes	judged;		/* what went up, unstuffed */
	struct view	v;
};

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/*
 * Has a reply that begins with @code come since the command that went up last?
 * Its answer is among them, since it came after all that the client had got.
 */
static bool answered(const struct observer *ob, const char *code)
{
	const struct bytes *b = &ob->owner.got[TO_CLIENT];
	size_t at, len = strlen(code);

	for (at = ob->v.asked; at + len <= b->len; at++)
		if (!memcmp(b->data + at, code, len) && (!at || b->data[at - 1] == '\n'))
			return true;
	return false;
}

static bool is_verb(const char *line, size_t len, const char *verb)
{
	size_t n = strlen(verb);

	return len >= n && !strncasecmp(line, verb, n) &&
	       (len == n || strchr(" \t\r", line[n]));
}

static void see_line(struct observer *ob, const char *line, size_t len)
{
	static const char *const verbs[] = {
		"HELO", "EHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "EXPN",
		"HELP", "AUTH", "STARTTLS",
	};
	bool known = ob->v.stretch == AUTH_LINE;
	size_t i;

	ob->v.asked = ob->owner.got[TO_CLIENT].len;
	require(len >= 2 && line[len - 2] == '\r', "command ends in CRLF");
	require(!memchr(line, '\r', len - 2) && !memchr(line, '\0', len), "command is clean");
	if (ob->v.stretch == AUTH_LINE) {
		ob->v.stretch = AUTH_ASKED;
		return;
	}
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		known |= is_verb(line, len, verbs[i]);
	require(known, "verb is on the list");
	if (is_verb(line, len, "DATA"))
		ob->v.stretch = DATA_ASKED;
	if (is_verb(line, len, "STARTTLS")) {
		require(ob->v.may_tls, "STARTTLS only where it passes");
		ob->v.stretch = TLS_ASKED;
	}
	if (is_verb(line, len, "AUTH")) {
		require(ob->v.may_auth, "AUTH only where it passes");
		ob->v.stretch = AUTH_ASKED;
	}
}

static void see_body(struct observer *ob, const char *data, size_t at)
{
	char c = data[at];
	bool start = at == ob->v.body || data[at - 1] == '\n';
	const char *message = data + ob->v.body;
	size_t len = at + 1 - ob->v.body;

	require(c != '\0', "no NUL in a message");
	require(c != '\n' || (at > ob->v.body && data[at - 1] == '\r'), "no bare LF in a message");
	require(at == ob->v.body || data[at - 1] != '\r' || c == '\n', "no bare CR in a message");
	if (c == '\n' && len >= 3 && !memcmp(data + at - 2, ".\r\n", 3) &&
	    (len == 3 || message[len - 4] == '\n')) {
		require(ob->v.accepted || (len == 3 && ob->owner.started == ob->owner.ended),
			"a message ends only when accepted");
		ob->judged.len--;	/* its CR */
		ob->v.stretch = COMMAND;
		ob->v.line = at + 1;
		ob->v.accepted = false;
		ob->v.ends++;
		return;
	}
	if (c != '.' || !start)
		bytes_add(&ob->judged, &c, 1);
}

/* Octets behind STARTTLS: they are commands still, or TLS. */
static void see_switch(struct observer *ob, const char *data, size_t at)
{
	if (ob->v.stretch == TLS_ASKED && smtp_in_tunnel(&ob->owner.smtp)) {
		require(answered(ob, "220"), "TLS begins behind a 220");
		require(data[at] == 0x16, "TLS begins with a handshake");
		ob->v.stretch = TLS;
	} else if (ob->v.stretch == TLS_ASKED) {
		ob->v.stretch = COMMAND;
	}
	ob->v.tls += ob->v.stretch == TLS;
}

/* After DATA and AUTH it depends on the answer what comes next. */
static void see_answer(struct observer *ob, size_t at)
{
	bool more = answered(ob, "3");	/* none of ours is one */

	if (ob->v.stretch == DATA_ASKED) {
		ob->v.stretch = more ? BODY : COMMAND;
		ob->v.body = at;
	}
	if (ob->v.stretch == AUTH_ASKED)
		ob->v.stretch = more ? AUTH_LINE : COMMAND;
	ob->v.line = at;
}

static void see_octet(struct observer *ob, const char *data, size_t at)
{
	if (ob->v.stretch == DATA_ASKED || ob->v.stretch == AUTH_ASKED)
		see_answer(ob, at);
	see_switch(ob, data, at);
	if (ob->v.stretch == TLS) {
		require(ob->v.tls <= (size_t)ob->owner.class.tls_octets, "TLS has a limit");
	} else if (ob->v.stretch == BODY) {
		see_body(ob, data, at);
	} else if (data[at] == '\n') {
		see_line(ob, data + ob->v.line, at + 1 - ob->v.line);
		ob->v.line = at + 1;
	}
}

static void look(struct observer *ob)
{
	struct owner *o = &ob->owner;
	const struct bytes *up = &o->got[TO_SERVER];
	uint32_t epoch;

	require(!ob->v.server_gone || up->len == ob->v.server_had,
		"nothing to a server that is gone");
	require(!ob->v.client_gone || o->got[TO_CLIENT].len == ob->v.client_had,
		"nothing to a client that is gone");
	for (; ob->v.seen < up->len; ob->v.seen++)
		see_octet(ob, up->data, ob->v.seen);
	require(ob->v.stretch != BODY || !up->len || up->data[up->len - 1] != '\r',
		"no CR goes up alone");
	require(ob->v.tls == smtp_tunnel_octets(&o->smtp), "TLS is counted");
	require(o->started - o->ended <= 1, "one message at a time");
	require(o->accepted <= ob->v.ends, "what was accepted had an end");
	require(smtp_waiting(&o->smtp, &epoch) < SMTP_WAIT_COUNT, "a wait is in force");
	if (ob->v.compare)
		require(ob->judged.len == o->got[CONTENT].len &&
			!memcmp(ob->judged.data, o->got[CONTENT].data, ob->judged.len),
			"what was judged went up");
	ob->v.server_gone = o->acts & (SMTP_ACT_RESET_SERVER | SMTP_ACT_CLOSE_SERVER);
	ob->v.client_gone = o->acts & (SMTP_ACT_RESET_CLIENT | SMTP_ACT_CLOSE_CLIENT);
	ob->v.server_had = up->len;
	ob->v.client_had = o->got[TO_CLIENT].len;
}

static void say(struct observer *ob, int side, const char *data, size_t len)
{
	size_t piece = side == CLIENT && ob->v.one_by_one ? 1 : len, at;

	if (ob->v.silent[side])
		return;
	for (at = 0; at < len; at += piece)
		owner_send(&ob->owner, side, data + at, piece, ob->v.one_by_one);
}

static void verdict(struct observer *ob, enum verdict_action action)
{
	ob->v.accepted |= action == VERDICT_ACCEPT && (ob->owner.acts & SMTP_ACT_VERDICT);
	ob->owner.acts &= ~(unsigned int)SMTP_ACT_VERDICT;
	smtp_verdict(&ob->owner.smtp, action);
}

static void happen(struct observer *ob, enum happening what, int *side)
{
	struct smtp *s = &ob->owner.smtp;

	switch (what) {
	case HAPPEN_DROP: verdict(ob, VERDICT_DROP); break;
	case HAPPEN_ACCEPT: verdict(ob, VERDICT_ACCEPT); break;
	case HAPPEN_REJECT: verdict(ob, VERDICT_REJECT); break;
	case HAPPEN_TEMPFAIL: verdict(ob, VERDICT_TEMPFAIL); break;
	case HAPPEN_SHUTDOWN: smtp_shutdown(s); break;
	case HAPPEN_EXPIRE: smtp_expire(s); break;
	case HAPPEN_SERVER_RST:
		smtp_server_lost(s, true);
		ob->v.silent[SERVER] = true;
		break;
	case HAPPEN_CLIENT_RST:
		smtp_client_lost(s);
		ob->v.silent[CLIENT] = true;
		break;
	case HAPPEN_CLIENT: *side = CLIENT; return;
	case HAPPEN_SERVER: *side = SERVER; return;
	case HAPPEN_CLIENT_FIN: ob->owner.eof[CLIENT] = ob->v.silent[CLIENT] = true; break;
	case HAPPEN_SERVER_FIN: ob->owner.eof[SERVER] = ob->v.silent[SERVER] = true; break;
	}
	owner_turns(&ob->owner, ob->v.one_by_one);
}

static void choose_class(struct observer *ob, unsigned char how)
{
	struct conf_class *class = &ob->owner.class;

	class->auth = (how & 3) % 3;
	class->starttls = how & 128 ? CONF_STARTTLS_PASS :
			  how & 4 ? CONF_STARTTLS_REFUSE : CONF_STARTTLS_HIDE;
	class->starttls_offer = true;
	class->tls_octets = how & 16 ? 10 : 1000000;
	class->received = how & 8;
	class->max_size = how & 16 ? 40 : 0;
	class->max_recipients = how & 32 ? 2 : 1000;
	ob->v.may_auth = class->auth == CONF_AUTH_PASS;
	ob->v.may_tls = class->starttls == CONF_STARTTLS_PASS;
	ob->v.compare = !class->received;
	owner_start(&ob->owner, how & 64 ? SMTP_REPLY_quarantine : SMTP_REPLY_COUNT);
}

static void observe(struct observer *ob, const unsigned char *data, size_t size, bool one_by_one)
{
	int side = CLIENT;
	size_t at = 1, end;

	owner_reset(&ob->owner);
	ob->judged.len = 0;
	ob->v = (struct view) { .one_by_one = one_by_one };
	choose_class(ob, data[0]);
	for (; at < size; at = end) {
		for (end = at; end < size && data[end] < HAPPEN_DROP; end++)
			;
		if (end > at)
			say(ob, side, (const char *)data + at, end - at);
		else
			happen(ob, data[end++], &side);
		look(ob);
	}
	smtp_client_lost(&ob->owner.smtp);
	owner_turns(&ob->owner, false);
	require(ob->owner.started == ob->owner.ended, "each message begun is ended");
}

static void compare(const struct owner *a, const struct owner *b)
{
	int i;

	for (i = 0; i < KINDS; i++)
		require(a->got[i].len == b->got[i].len &&
			!memcmp(a->got[i].data, b->got[i].data, a->got[i].len),
			"segments do not matter");
	require(a->acts == b->acts, "segments do not matter to acts");
	require(smtp_end_reason(&a->smtp) == smtp_end_reason(&b->smtp), "nor to the reason");
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct observer whole, pieces;

	if (!size)
		return 0;
	observe(&whole, data, size, false);
	observe(&pieces, data, size, true);
	compare(&whole.owner, &pieces.owner);
	return 0;
}
