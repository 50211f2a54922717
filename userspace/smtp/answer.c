// SPDX-License-Identifier: GPL-2.0
/*
 * What an answer of the exchanger's changes: one function for each word in
 * the column `answer` of tbl/verbs.h. The state moves here, on the answer,
 * and never on the command: the exchanger decides what happened.
 */
#include "smtp/engine.h"

/* An answer, and what its command was about. */
struct answer {
	struct smtp_turn	*turn;
	unsigned int		code;
	struct smtp_text	text;
};

static bool good(const struct answer *a)
{
	return a->code / 100 == 2;
}

static void answer_plain(struct smtp *s, const struct answer *a)
{
	(void)s;
	(void)a;
}

static void answer_greeting(struct smtp *s, const struct answer *a)
{
	(void)a;
	s->greeted = true;
}

/* A message between two chunks is given up by both sides (E23). */
static void forget_chunks(struct smtp *s)
{
	s->chunk_code = 0;
	if (!s->message.chunks)
		return;
	smtp_message_end(s, 0);
	s->message.upstream = false;
}

static void accept_helo(struct smtp *s, const struct answer *a, bool esmtp)
{
	bool again = s->helo_len || s->tx.open;

	forget_chunks(s);
	s->esmtp = esmtp;
	s->helo_len = (uint8_t)(a->text.len < FACTS_HELO ? a->text.len : FACTS_HELO - 1);
	memcpy(s->helo, a->text.data, s->helo_len);
	smtp_tell(s, SMTP_EV_HELO, a->code, a->text);
	if (again)
		smtp_tell(s, SMTP_EV_RESET, a->code, smtp_no_text);
	s->tx = (struct smtp_tx) { 0 };
}

static void answer_helo(struct smtp *s, const struct answer *a)
{
	if (!good(a))
		return;
	s->pipelining = false;
	s->chunking = false;
	s->tls.offered = false;
	accept_helo(s, a, false);
}

/* `pipelining`, `chunking` and `tls.offered` were set from the keywords (ehlo.c). */
static void answer_ehlo(struct smtp *s, const struct answer *a)
{
	if (!good(a))
		return;
	s->tls.kept_out = s->tls.offered && !smtp_tls_passes(s);
	accept_helo(s, a, true);
}

static void answer_mail(struct smtp *s, const struct answer *a)
{
	if (!good(a))
		return;
	s->tx = (struct smtp_tx) { .open = true };
	s->chunk_code = 0;
	smtp_tell(s, SMTP_EV_MAIL, a->code, a->text);
}

static void answer_rcpt(struct smtp *s, const struct answer *a)
{
	if (!good(a)) {
		smtp_tell(s, SMTP_EV_RCPT_REFUSED, a->code, a->text);
		return;
	}
	if (s->tx.recipients < UINT32_MAX)
		s->tx.recipients++;
	smtp_tell(s, SMTP_EV_RCPT, a->code, a->text);
}

static void answer_rset(struct smtp *s, const struct answer *a)
{
	if (!good(a))
		return;
	forget_chunks(s);
	s->tx = (struct smtp_tx) { 0 };
	smtp_tell(s, SMTP_EV_RESET, a->code, smtp_no_text);
}

/*
 * Octets behind a DATA that was refused may be body or commands, and nobody
 * can tell which (E14).
 */
static void answer_data(struct smtp *s, const struct answer *a)
{
	if (a->code / 100 == 3) {
		smtp_body_begin(s);
		if (s->tx.refuse)
			smtp_lose(s, (enum smtp_reply)s->tx.refuse);
		return;
	}
	s->message.upstream = false;
	s->tx.data = true;
	s->phase = SMTP_COMMAND;
	s->suspect = true;
	if (a->turn->client.len && a->code != 421)
		smtp_end_saying(s, SMTP_REPLY_closing_desync, POSTERN_R_end_desync);
}

/* A chunk, but not the last. */
static void answer_bdat(struct smtp *s, const struct answer *a)
{
	if (good(a)) {
		s->phase = SMTP_COMMAND;
		return;
	}
	s->chunk_code = (uint16_t)a->code;
	smtp_chunk_refused(s, a->code);
}

/* The octets of the last chunk, not the end of the message. */
static void answer_last(struct smtp *s, const struct answer *a)
{
	if (good(a))
		smtp_body_whole(s);
	else
		smtp_chunk_refused(s, a->code);
}

/*
 * Our own RSET. Without it the exchanger may add the next message to what it
 * has of this one. Behind a DATA that we refuse the rule of E14 holds.
 */
static void answer_cleared(struct smtp *s, const struct answer *a)
{
	const struct smtp_slot *next = smtp_slot_first(s);

	if (!good(a)) {
		if (a->code != 421)
			smtp_end_saying(s, SMTP_REPLY_closing_lost, POSTERN_R_end_mx_protocol);
		return;
	}
	s->message.upstream = false;
	s->phase = SMTP_COMMAND;
	if (s->tx.open)
		answer_rset(s, a);
	if (!next || next->verb != SMTP_VERB_DATA)
		return;
	s->suspect = true;
	if (a->turn->client.len)
		smtp_end_saying(s, SMTP_REPLY_closing_desync, POSTERN_R_end_desync);
}

static void answer_auth(struct smtp *s, const struct answer *a)
{
	s->phase = a->code / 100 == 3 ? SMTP_AUTH_LINE : SMTP_COMMAND;
	if (good(a))
		s->authenticated = true;
}

/*
 * Whoever speaks behind STARTTLS before its answer does not know what he is
 * speaking to (RFC 3207 section 4.2; B12). A 220 was dealt with before.
 */
static void answer_starttls(struct smtp *s, const struct answer *a)
{
	if (a->code == 220) {
		smtp_tunnel_begin(s);
		return;
	}
	s->phase = SMTP_COMMAND;
	if (a->turn->client.len && a->code != 421)
		smtp_end_saying(s, SMTP_REPLY_closing_tls, POSTERN_R_end_tls_inject);
}

static void answer_quit(struct smtp *s, const struct answer *a)
{
	s->phase = good(a) ? SMTP_LEFT : SMTP_COMMAND;
	if (good(a))
		forget_chunks(s);
}

/* An answer from before the end leaves the exchanger within a message (E19). */
static void answer_dot(struct smtp *s, const struct answer *a)
{
	smtp_message_end(s, a->code);
	s->phase = SMTP_COMMAND;
	if (s->message.early)
		smtp_end_quietly(s, a->code == 421 ? POSTERN_R_end_mx_421 :
					POSTERN_R_end_mx_during_data);
	s->message.upstream = false;
}

#define VERB(word, ask, answer, modes, flags) [SMTP_VERB_##word] = answer_##answer,
static void (*const answers[])(struct smtp *s, const struct answer *a) = {
#include "tbl/verbs.h"
};
#undef VERB

/* 3xx asks for more, which only DATA and AUTH have to give (E56). */
static bool asks_for_more(enum smtp_verb verb)
{
	return verb == SMTP_VERB_DATA || verb == SMTP_VERB_AUTH || verb == SMTP_VERB_auth_line_;
}

bool smtp_answer_legal(struct smtp *s, unsigned int code)
{
	const struct smtp_slot *slot = smtp_slot_first(s);

	if (!slot)		/* E57 */
		return code / 100 == 5 || code == 421;
	switch (code / 100) {
	case 2:
		/* Some clients take any 2xx for the switch to TLS, others do not. */
		if (slot->verb == SMTP_VERB_STARTTLS)
			return code == 220;
		return slot->verb != SMTP_VERB_DATA;
	case 3:
		return asks_for_more(slot->verb);
	case 4:
	case 5:
		return true;
	}
	return false;
}

void smtp_answered(struct smtp *s, struct smtp_turn *t, unsigned int code)
{
	struct answer a = { .turn = t, .code = code };
	bool unasked = s->reply.unasked;
	struct smtp_slot slot;
	char buf[FACTS_PATH];

	if (code == 530)
		smtp_tls_wanted(s);
	s->reply = (struct smtp_progress) { 0 };
	if (!unasked) {
		a.text.len = smtp_slot_pop(s, &slot, buf);
		a.text.data = buf;
		if (code / 100 < 4 && slot.verb != SMTP_VERB_QUIT)
			s->tls.kept_out = false;
		answers[slot.verb](s, &a);
	}
	if (code == 421)
		smtp_end_quietly(s, POSTERN_R_end_mx_421);
	else if (unasked)
		smtp_end_quietly(s, POSTERN_R_end_mx_closed);
}
