// SPDX-License-Identifier: GPL-2.0
/*
 * How a session ends: which leg is closed or reset, what the client is told,
 * and that a message in progress is accounted for.
 */
#include "smtp/engine.h"

static void note_why(struct smtp *s, enum postern_reason why)
{
	if (!s->why)
		s->why = (uint16_t)why;
}

/* The upstream leg: closed, or reset where it could take what it has for a message. */
static void leave_upstream(struct smtp *s, bool reset)
{
	if (s->server_down)
		return;
	s->server_down = true;
	if (s->message.upstream)
		reset = true;
	s->acts |= reset ? SMTP_ACT_RESET_SERVER : SMTP_ACT_CLOSE_SERVER;
}

static void finish(struct smtp *s, unsigned int client_acts)
{
	s->acts |= client_acts;
	if (s->over)
		return;
	smtp_message_end(s, 0);
	smtp_tls_note_leaving(s);
	smtp_slot_clear(s);
	s->over = true;
}

void smtp_end_upstream(struct smtp *s)
{
	leave_upstream(s, true);
	s->message.upstream = false;
}

void smtp_end_quietly(struct smtp *s, enum postern_reason why)
{
	note_why(s, why);
	leave_upstream(s, false);
	finish(s, SMTP_ACT_CLOSE_CLIENT | SMTP_ACT_DISCARD_CLIENT);
}

void smtp_end_abruptly(struct smtp *s, enum postern_reason why)
{
	note_why(s, why);
	leave_upstream(s, true);
	/* Also while an orderly end is on its way and does not come. */
	if (s->mode != SMTP_MODE_REFUSED)
		s->acts |= SMTP_ACT_RESET_SERVER;
	finish(s, SMTP_ACT_RESET_CLIENT);
}

void smtp_end_listening(struct smtp *s, enum postern_reason why)
{
	note_why(s, why);
	s->phase = SMTP_DEAF;
}

/*
 * Nothing can be said within a reply of the exchanger's (its lines have one
 * code, E53), within a message (the client would read it only as the answer to
 * the end) or within TLS.
 */
static bool can_speak(const struct smtp *s)
{
	return !s->reply.lines && !smtp_in_body(s) && s->phase != SMTP_SWALLOW &&
	       s->phase != SMTP_CHUNK && s->phase != SMTP_TUNNEL && s->phase != SMTP_LEFT;
}

void smtp_end_saying(struct smtp *s, enum smtp_reply reply, enum postern_reason why)
{
	bool at_dot = s->phase == SMTP_VERDICT || s->phase == SMTP_DOT || smtp_chunk_asked(s);

	if (!can_speak(s)) {
		smtp_end_quietly(s, why);
		return;
	}
	leave_upstream(s, false);
	if (at_dot)
		smtp_message_end(s, smtp_local_code(s, reply));
	smtp_slot_cut(s);
	smtp_end_with(s, reply, why);
}

void smtp_end_with(struct smtp *s, enum smtp_reply reply, enum postern_reason why)
{
	smtp_slot_local(s, SMTP_VERB_unknown_, reply, smtp_no_text, true);
	smtp_end_listening(s, why);
}
