// SPDX-License-Identifier: GPL-2.0
/*
 * A message that will not be accepted: the upstream leg is given up, or has
 * answered already; the rest of the message is swallowed up to its true end,
 * and answered there (E17, E19, E46). Also what becomes of every message in
 * the owner's accounts.
 */
#include "smtp/engine.h"

/* Accounting: each message begun is ended once, whatever happens (I9). */

void smtp_message_end(struct smtp *s, unsigned int code)
{
	static const enum postern_reason reasons[] = {
		[0] = POSTERN_R_message_aborted,
		[2] = POSTERN_R_message_accepted,
		[4] = POSTERN_R_message_tempfailed,
		[5] = POSTERN_R_message_rejected,
	};
	struct smtp_event ev = {
		.kind = SMTP_EV_MESSAGE,
		.reason = reasons[code / 100],
		.code = code,
		.text = "",
	};

	s->tx = (struct smtp_tx) { 0 };
	s->message.chunks = false;
	if (!s->message.counted)
		return;
	s->message.counted = false;
	if (code / 100 == 2)
		s->junk = 0;
	s->ops->event(s->owner, &ev);
}

static void swallow(struct smtp *s, enum smtp_reply reply)
{
	s->phase = SMTP_SWALLOW;
	s->message.answer = (uint8_t)reply;
	s->moved = true;
}

void smtp_lose(struct smtp *s, enum smtp_reply reply)
{
	smtp_end_upstream(s);
	swallow(s, reply);
}

/* The answer for the dot; the session goes on without an exchanger (E17), or ends. */
static void answer_dot_here(struct smtp *s, enum smtp_reply reply)
{
	unsigned int code = smtp_local_code(s, reply);

	s->mode = SMTP_MODE_LOCAL;
	s->phase = SMTP_COMMAND;
	smtp_slot_local(s, SMTP_VERB_dot_, reply, smtp_no_text, code == 421);
	smtp_message_end(s, code);
	if (code == 421)
		smtp_end_listening(s, POSTERN_R_end_mx_during_data);
}

static void answer_dot_early(struct smtp *s)
{
	s->phase = SMTP_DOT;
	smtp_slot_owe(s, SMTP_VERB_dot_, smtp_no_text);
}

void smtp_lost_early(struct smtp *s)
{
	s->message.early = true;
	if (s->phase == SMTP_VERDICT)
		answer_dot_early(s);
	else
		swallow(s, SMTP_REPLY_closing_lost);
}

/* The rest of the message: nothing but the true end counts. */

static bool swallow_octet(struct smtp_message *m, char c)
{
	enum smtp_body state = (enum smtp_body)m->state;

	m->state = c == '\r' ? SMTP_BODY_CR : SMTP_BODY_MIDDLE;
	switch (state) {
	case SMTP_BODY_START:
		if (c == '.')
			m->state = SMTP_BODY_DOT;
		break;
	case SMTP_BODY_CR:
	case SMTP_BODY_BARE_DOT_CR:
		if (c == '\n')
			m->state = SMTP_BODY_START;
		break;
	case SMTP_BODY_DOT:
		if (c == '\r')
			m->state = SMTP_BODY_DOT_CR;
		break;
	case SMTP_BODY_DOT_CR:
		return c == '\n';
	/* A dot behind a bare end begins no end. */
	case SMTP_BODY_MIDDLE:
	case SMTP_BODY_BARE:
	case SMTP_BODY_BARE_DOT:
	case SMTP_BODY_CR_SENT:
		break;
	}
	return false;
}

/* Octets of @text up to the end, which is in @whole, or all of them. */
static size_t swallow_text(struct smtp_message *m, struct smtp_text text, bool *whole)
{
	const char *cr;
	size_t i = 0;

	while (i < text.len && !*whole) {
		if (m->state == SMTP_BODY_MIDDLE) {
			cr = memchr(text.data + i, '\r', text.len - i);
			if (!cr)
				return text.len;
			i = (size_t)(cr - text.data);
		}
		*whole = swallow_octet(m, text.data[i++]);
	}
	return i;
}

void smtp_lost_answer(struct smtp *s)
{
	if (s->message.early)
		answer_dot_early(s);
	else
		answer_dot_here(s, (enum smtp_reply)s->message.answer);
}

/* The rest of a chunk; the message's later ones are not waited for. */
static enum smtp_step lost_chunk(struct smtp *s, struct smtp_turn *t)
{
	if (!smtp_chunk_swallow(s, t))
		return SMTP_STEP_HUNGRY;
	smtp_lost_answer(s);
	return SMTP_STEP_ON;
}

enum smtp_step smtp_lost_step(struct smtp *s, struct smtp_turn *t)
{
	struct smtp_text text = { t->client.data, t->client.len };
	bool whole = false;
	size_t len;

	if (s->message.chunks)
		return lost_chunk(s, t);
	if (!text.len)
		return SMTP_STEP_HUNGRY;
	len = swallow_text(&s->message, text, &whole);
	smtp_take(&t->client, len);
	s->moved = true;
	s->message.swallowed += (uint32_t)len;
	if (whole)
		smtp_lost_answer(s);
	else if (s->message.swallowed > SMTP_SWALLOW_MAX)
		smtp_end_quietly(s, POSTERN_R_end_rejected);
	return SMTP_STEP_ON;
}

void smtp_lost_expire(struct smtp *s, enum postern_reason why)
{
	smtp_lost_answer(s);
	if (!s->message.early)
		s->slots[(s->first + s->count - 1) % SMTP_SLOTS].close = true;
	smtp_end_listening(s, why);
}

