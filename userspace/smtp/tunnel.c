// SPDX-License-Identifier: GPL-2.0
/*
 * What STARTTLS leads to. Where the class passes it, a 220 makes the session a
 * tunnel: octets of both sides go through as they are, unread and unjudged,
 * within the class's limits (E33). A TLS server never speaks first and a TLS
 * client begins with a handshake record: so nothing that was put around the
 * switch in the clear gets through, however it was cut or timed (B12).
 *
 * Where it is not passed: who leaves for that, and who asks for TLS (E32).
 */
#include "smtp/engine.h"

/* The first octet of a TLS record says what it is (RFC 8446 section 5.1). */
#define TLS_ALERT	0x15
#define TLS_HANDSHAKE	0x16

bool smtp_tls_passes(const struct smtp *s)
{
	return s->env->class->starttls == CONF_STARTTLS_PASS;
}

void smtp_tunnel_begin(struct smtp *s)
{
	s->phase = SMTP_TUNNEL;
	smtp_note(s, POSTERN_R_tls_passed);
}

bool smtp_tunnel_crowded(struct smtp *s, const struct smtp_turn *t, unsigned int code)
{
	const struct smtp_slot *slot = smtp_slot_first(s);

	return slot && slot->verb == SMTP_VERB_STARTTLS && code == 220 && t->client.len;
}

static enum smtp_step injected(struct smtp *s)
{
	smtp_end_abruptly(s, POSTERN_R_end_tls_inject);
	return SMTP_STEP_ON;
}

/* A limit is passed. True: the session ends. In shadow that is counted, once. */
static bool over_limit(struct smtp *s)
{
	if (!s->env->shadow) {
		smtp_end_quietly(s, POSTERN_R_end_tls_limit);
		return true;
	}
	if (!s->tls.over_noted)
		smtp_note(s, POSTERN_R_tls_limit_shadow);
	s->tls.over_noted = true;
	return false;
}

/* Octets that the client may still send. */
static uint64_t octets_left(const struct smtp *s)
{
	uint64_t most = (uint64_t)s->env->class->tls_octets;

	if (s->tls.over_noted)
		return UINT64_MAX;
	return s->tls.octets < most ? most - s->tls.octets : 0;
}

/* Pass on what there is room for, at most @most. Returns how much. */
static size_t pass_on(struct smtp *s, struct smtp_in *in, struct smtp_out *out, uint64_t most)
{
	size_t len = in->len < smtp_room(out) ? in->len : smtp_room(out);

	if (len > most)
		len = (size_t)most;
	smtp_put(out, in->data, len);
	smtp_take(in, len);
	s->moved |= len > 0;
	return len;
}

enum smtp_step smtp_tunnel_up_step(struct smtp *s, struct smtp_turn *t)
{
	size_t len;

	if (s->tls.late) {
		s->tls.late = false;
		if (over_limit(s))
			return SMTP_STEP_ON;
	}
	if (!t->client.len)
		return SMTP_STEP_HUNGRY;
	if (!s->tls.octets && t->client.data[0] != TLS_HANDSHAKE)
		return injected(s);
	if (!octets_left(s) && over_limit(s))
		return SMTP_STEP_ON;
	len = pass_on(s, &t->client, &t->to_server, octets_left(s));
	s->tls.octets += len;
	if (len)
		return SMTP_STEP_ON;
	s->stuck = SMTP_STUCK_SERVER;
	return SMTP_STEP_BLOCKED;
}

enum smtp_step smtp_tunnel_down_step(struct smtp *s, struct smtp_turn *t)
{
	if (!t->server.len)
		return SMTP_STEP_HUNGRY;
	/* Before anything went up it can be no answer. */
	if (!s->tls.octets || (!s->tls.answered && t->server.data[0] != TLS_HANDSHAKE &&
			       t->server.data[0] != TLS_ALERT))
		return injected(s);
	if (pass_on(s, &t->server, &t->to_client, UINT64_MAX)) {
		s->tls.answered = true;
		return SMTP_STEP_ON;
	}
	s->stuck = SMTP_STUCK_CLIENT;
	return SMTP_STEP_BLOCKED;
}

bool smtp_tunnel_settle(struct smtp *s, const struct smtp_turn *t, enum smtp_step down,
			enum smtp_step up)
{
	bool server_gone = t->server.eof || s->server_lost;

	/* What is owed to the other side has its turn first. */
	if (down == SMTP_STEP_HUNGRY && s->server_reset)
		smtp_end_abruptly(s, POSTERN_R_end_mx_reset);
	else if (down != SMTP_STEP_HUNGRY || up != SMTP_STEP_HUNGRY)
		return false;
	else if (server_gone)
		smtp_end_quietly(s, POSTERN_R_end_mx_closed);
	else if (t->client.eof)
		smtp_end_quietly(s, POSTERN_R_end_client_closed);
	else
		return false;
	return true;
}

void smtp_tunnel_late(struct smtp *s)
{
	s->tls.late = s->phase == SMTP_TUNNEL;
}

bool smtp_in_tunnel(const struct smtp *s)
{
	return s->phase == SMTP_TUNNEL;
}

uint64_t smtp_tunnel_octets(const struct smtp *s)
{
	return s->tls.octets;
}

/* Not passed. */

void smtp_tls_read_530(struct smtp *s, struct smtp_text line)
{
	s->reply.says_tls |= smtp_text_has(line, "tls");
	s->reply.says_auth |= smtp_text_has(line, "auth");
}

/* 530 is also what an exchanger says that wants AUTH (RFC 4954 section 6). */
void smtp_tls_wanted(struct smtp *s)
{
	bool wanted = s->reply.says_tls || (s->tls.offered && !s->reply.says_auth);

	if (!wanted || s->tls.wanted_noted)
		return;
	s->tls.wanted_noted = true;
	smtp_note(s, POSTERN_R_tls_wanted);
}

void smtp_tls_note_leaving(struct smtp *s)
{
	bool left = s->why == POSTERN_R_end_quit || s->why == POSTERN_R_end_client_closed ||
		    s->why == POSTERN_R_end_client_reset;

	if (left && s->tls.kept_out && !s->tls.mail_tried)
		smtp_note(s, POSTERN_R_left_after_ehlo);
}
