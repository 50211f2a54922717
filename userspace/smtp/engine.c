// SPDX-License-Identifier: GPL-2.0
/*
 * The turn loop: replies first, then what the client may say, until nothing
 * moves. What happens between turns (a leg lost, a wait struck, a verdict) is
 * noted and acted upon within the next turn, where there is room to answer.
 */
#include "smtp/engine.h"

void smtp_tell(struct smtp *s, enum smtp_event_kind kind, unsigned int code,
	       struct smtp_text text)
{
	struct smtp_event ev = {
		.kind = kind,
		.code = code,
		.text = text.data,
		.len = text.len,
	};

	s->ops->event(s->owner, &ev);
}

void smtp_note(struct smtp *s, enum postern_reason reason)
{
	struct smtp_event ev = { .kind = SMTP_EV_NOTE, .reason = reason, .text = "" };

	s->ops->event(s->owner, &ev);
}

void smtp_init(struct smtp *s, const struct smtp_env *env, const struct smtp_ops *ops,
	       void *owner)
{
	*s = (struct smtp) {
		.env = env,
		.ops = ops,
		.owner = owner,
		.mode = SMTP_MODE_PROXY,
		.first_line = true,
		.row = SMTP_WAIT_greeting,
	};
	smtp_slot_owe(s, SMTP_VERB_greeting_, smtp_no_text);
}

void smtp_init_refused(struct smtp *s, const struct smtp_env *env, const struct smtp_ops *ops,
		       void *owner, enum smtp_reply reply)
{
	bool close;

	smtp_init(s, env, ops, owner);
	smtp_slot_clear(s);
	s->mode = SMTP_MODE_REFUSED;
	s->server_down = true;
	s->greeted = true;
	close = smtp_local_code(s, reply) == 421;
	smtp_slot_local(s, SMTP_VERB_greeting_, reply, smtp_no_text, close);
	if (close)
		smtp_end_listening(s, reply == SMTP_REPLY_closing_shutdown ?
				   POSTERN_R_end_shutdown : POSTERN_R_end_memory);
}

/* What the client says, by phase. */

static enum smtp_step wait_step(struct smtp *s, struct smtp_turn *t)
{
	(void)s;
	(void)t;
	return SMTP_STEP_BLOCKED;
}

static enum smtp_step deaf_step(struct smtp *s, struct smtp_turn *t)
{
	(void)s;
	smtp_take(&t->client, t->client.len);
	return SMTP_STEP_BLOCKED;
}

static enum smtp_step left_step(struct smtp *s, struct smtp_turn *t)
{
	(void)s;
	smtp_take(&t->client, t->client.len);
	return SMTP_STEP_HUNGRY;
}

static enum smtp_step (*const client_steps[])(struct smtp *s, struct smtp_turn *t) = {
	[SMTP_COMMAND] = smtp_command_step,
	[SMTP_SKIP] = smtp_skip_step,
	[SMTP_HOLD] = wait_step,
	[SMTP_AUTH_LINE] = smtp_command_step,
	[SMTP_CHUNK] = smtp_chunk_step,
	[SMTP_CHUNK_BODY] = smtp_chunk_body_step,
	[SMTP_RESET] = smtp_reset_step,
	[SMTP_BODY] = smtp_body_step,
	[SMTP_SWALLOW] = smtp_lost_step,
	[SMTP_VERDICT] = smtp_verdict_step,
	[SMTP_DOT] = wait_step,
	[SMTP_TUNNEL] = smtp_tunnel_up_step,
	[SMTP_LEFT] = left_step,
	[SMTP_DEAF] = deaf_step,
};

static void strike_body(struct smtp *s, enum postern_reason why)
{
	if (s->phase == SMTP_SWALLOW)
		smtp_lost_expire(s, why);
	else
		smtp_end_quietly(s, why);
}

static void strike_write(struct smtp *s, enum postern_reason why)
{
	if (s->stuck == SMTP_STUCK_CLIENT)
		smtp_end_abruptly(s, why);
	else if (smtp_in_body(s))
		smtp_lose(s, SMTP_REPLY_dot_timeout);
	else
		smtp_end_saying(s, SMTP_REPLY_closing_timeout, why);
}

/* A wait has run out: what the client sees is the table of section 9. */
static void strike(struct smtp *s)
{
	static const enum postern_reason reasons[] = {
#define WAIT(name, param, reason, text) [SMTP_WAIT_##name] = POSTERN_R_##reason,
#include "tbl/waits.h"
#undef WAIT
	};
	enum smtp_wait row = (enum smtp_wait)s->row;

	switch (row) {
	case SMTP_WAIT_reply:
	case SMTP_WAIT_data:
	case SMTP_WAIT_idle:
	case SMTP_WAIT_line:
		smtp_end_saying(s, SMTP_REPLY_closing_timeout, reasons[row]);
		return;
	case SMTP_WAIT_verdict:
		smtp_verdict(s, VERDICT_TEMPFAIL);
		return;
	case SMTP_WAIT_dot:
		smtp_end_saying(s, SMTP_REPLY_dot_timeout, reasons[row]);
		return;
	case SMTP_WAIT_body:
		strike_body(s, reasons[row]);
		return;
	case SMTP_WAIT_write:
		strike_write(s, reasons[row]);
		return;
	case SMTP_WAIT_closing:
		smtp_end_abruptly(s, s->phase == SMTP_LEFT ? POSTERN_R_end_quit : reasons[row]);
		return;
	case SMTP_WAIT_dial:
	case SMTP_WAIT_greeting:
	case SMTP_WAIT_tunnel:
		smtp_end_quietly(s, reasons[row]);
		return;
	case SMTP_WAIT_COUNT:
		return;
	}
}

static void turn_begin(struct smtp *s)
{
	s->moved = false;
	if (s->client_lost)
		smtp_end_abruptly(s, s->phase == SMTP_LEFT ? POSTERN_R_end_quit :
				  POSTERN_R_end_client_reset);
	else if (s->struck)
		strike(s);
	s->client_lost = false;
	s->struck = false;
}

/* The exchanger is gone, and all that it had said is dealt with (E71, E73, E67). */
static void server_gone(struct smtp *s)
{
	const struct smtp_slot *slot = smtp_slot_first(s);

	if (s->phase == SMTP_LEFT || (slot && slot->verb == SMTP_VERB_QUIT))
		smtp_end_quietly(s, POSTERN_R_end_quit);
	else if (s->server_reset)
		smtp_end_abruptly(s, POSTERN_R_end_mx_reset);
	else if (smtp_in_body(s))
		smtp_lose(s, SMTP_REPLY_closing_lost);
	else if (s->phase != SMTP_VERDICT && (!slot || slot->verb == SMTP_VERB_greeting_))
		smtp_end_quietly(s, POSTERN_R_end_mx_closed);
	else
		smtp_end_saying(s, SMTP_REPLY_closing_lost, POSTERN_R_end_mx_closed);
}

/* The client has ended its side, and all that it had said is dealt with (E73). */
static bool client_gone(struct smtp *s, const struct smtp_turn *t)
{
	bool between = s->phase == SMTP_LEFT ||
		       (s->phase == SMTP_COMMAND && !t->client.len);

	if (between && s->count)
		return false;		/* answers are still owed to it */
	if (!between)
		smtp_end_upstream(s);
	smtp_end_quietly(s, s->phase == SMTP_LEFT ? POSTERN_R_end_quit :
			 POSTERN_R_end_client_closed);
	return true;
}

/*
 * May a session that was told to finish end now? Between transactions, with
 * nothing owed to the client. Within TLS there is no such moment: it ends at
 * once, or has the time that is left until the inspector stops.
 */
static bool may_finish(const struct smtp *s)
{
	if (s->phase == SMTP_TUNNEL)
		return s->finish_why != POSTERN_R_end_shutdown;
	return s->phase == SMTP_COMMAND && !s->count && !s->tx.open;
}

/* What a side has said is used up: has it gone? */
static bool settle(struct smtp *s, struct smtp_turn *t, enum smtp_step reply,
		   enum smtp_step client)
{
	if (s->phase == SMTP_TUNNEL)
		return smtp_tunnel_settle(s, t, reply, client);
	if (reply == SMTP_STEP_HUNGRY && (t->server.eof || s->server_lost)) {
		server_gone(s);
		return true;
	}
	return client == SMTP_STEP_HUNGRY && t->client.eof && client_gone(s, t);
}

static bool is_finished(const struct smtp *s)
{
	return s->finishing && may_finish(s);
}

/*
 * One reply, then all that the client has said and can say now: the next reply
 * may be the answer to that. So it does not matter whether the exchanger's
 * replies come together or one by one (B7).
 */
static bool step(struct smtp *s, struct smtp_turn *t)
{
	enum smtp_step reply, client;

	if (is_finished(s)) {
		smtp_end_saying(s, (enum smtp_reply)s->finish_reply,
				(enum postern_reason)s->finish_why);
		return true;
	}
	reply = smtp_reply_step(s, t);
	/* The end waits for room for a reply of ours: no new command comes before it. */
	if (reply != SMTP_STEP_ON && s->finishing && smtp_slot_first(s) &&
	    smtp_slot_first(s)->local)
		return false;
	do {
		if (s->over || is_finished(s))
			return true;
		client = client_steps[s->phase](s, t);
	} while (reply == SMTP_STEP_ON && client == SMTP_STEP_ON);
	/* Replies of ours that are ready go out before anybody is found gone. */
	if (reply == SMTP_STEP_ON && smtp_slot_first(s) && smtp_slot_first(s)->local)
		return true;
	return settle(s, t, reply, client) || reply == SMTP_STEP_ON || client == SMTP_STEP_ON;
}

/* Waits. */

static enum smtp_wait slot_row(const struct smtp_slot *slot)
{
	switch (slot->verb) {
	case SMTP_VERB_greeting_:
		return SMTP_WAIT_greeting;
	case SMTP_VERB_DATA:
		return SMTP_WAIT_data;
	case SMTP_VERB_last_:
	case SMTP_VERB_dot_:
		return SMTP_WAIT_dot;
	}
	return SMTP_WAIT_reply;
}

static enum smtp_wait current_row(struct smtp *s)
{
	const struct smtp_slot *slot = smtp_slot_first(s);

	if (s->over || s->phase == SMTP_LEFT)
		return SMTP_WAIT_closing;
	if (s->stuck != SMTP_STUCK_NOBODY)
		return SMTP_WAIT_write;
	if (s->phase == SMTP_TUNNEL)
		return SMTP_WAIT_tunnel;
	if (s->phase == SMTP_VERDICT)
		return SMTP_WAIT_verdict;
	if (slot)
		return slot_row(slot);
	if (smtp_in_body(s) || s->phase == SMTP_SWALLOW || s->phase == SMTP_CHUNK)
		return SMTP_WAIT_body;
	return s->partial ? SMTP_WAIT_line : SMTP_WAIT_idle;
}

/*
 * From the end of a message on, verdict and exchanger have one span together;
 * with chunks the exchanger is asked before the verdict, too.
 */
static bool same_span(const struct smtp *s, enum smtp_wait row)
{
	if (s->row == SMTP_WAIT_verdict)
		return row == SMTP_WAIT_dot;
	return s->row == SMTP_WAIT_dot && row == SMTP_WAIT_verdict && s->message.chunks;
}

static void turn_end(struct smtp *s)
{
	enum smtp_wait row = current_row(s);

	if ((s->moved || row != s->row) && !same_span(s, row))
		s->epoch++;
	s->row = (uint8_t)row;
}

unsigned int smtp_turn(struct smtp *s, struct smtp_turn *t)
{
	unsigned int acts;

	turn_begin(s);
	do {
		s->partial = false;
		s->stuck = SMTP_STUCK_NOBODY;
	} while (!s->over && step(s, t));
	if (s->over) {
		smtp_take(&t->client, t->client.len);
		smtp_take(&t->server, t->server.len);
	}
	turn_end(s);
	acts = s->acts;
	s->acts = 0;
	return acts;
}

/* Between turns. */

void smtp_verdict(struct smtp *s, enum verdict_action action)
{
	bool whole = s->phase == SMTP_VERDICT;
	bool early = s->phase == SMTP_BODY || (s->message.chunks && s->phase != SMTP_SWALLOW);

	if (s->message.judged || (!whole && (!early || action == VERDICT_ACCEPT)))
		return;
	s->message.judged = true;
	s->message.verdict = (uint8_t)action;
}

void smtp_refuse_data(struct smtp *s, enum smtp_reply reply)
{
	if (s->tx.open)
		s->tx.refuse = (uint8_t)reply;
}

void smtp_server_lost(struct smtp *s, bool reset)
{
	s->server_lost = true;
	s->server_reset |= reset;
}

void smtp_client_lost(struct smtp *s)
{
	s->client_lost = true;
}

void smtp_expire(struct smtp *s)
{
	s->struck = true;
}

void smtp_finish(struct smtp *s, enum smtp_reply reply, enum postern_reason why)
{
	if (s->finishing)
		return;
	s->finishing = true;
	s->finish_reply = (uint8_t)reply;
	s->finish_why = (uint16_t)why;
}

void smtp_shutdown(struct smtp *s)
{
	smtp_finish(s, SMTP_REPLY_closing_shutdown, POSTERN_R_end_shutdown);
}

enum smtp_wait smtp_waiting(const struct smtp *s, uint32_t *epoch)
{
	*epoch = s->epoch;
	return (enum smtp_wait)s->row;
}

bool smtp_in_transaction(const struct smtp *s)
{
	return s->tx.open || s->message.counted || s->phase == SMTP_TUNNEL;
}

bool smtp_wants_client(const struct smtp *s)
{
	switch ((enum smtp_phase)s->phase) {
	case SMTP_VERDICT:
	case SMTP_DOT:
	case SMTP_RESET:
		return false;
	case SMTP_COMMAND:
		/* One who does not wait is to be seen, however his octets are cut (E11). */
		return smtp_slot_free(s) && (!s->owed || s->pipelining || !s->rush_noted);
	case SMTP_SKIP:
	case SMTP_HOLD:
	case SMTP_AUTH_LINE:
	case SMTP_CHUNK:
	case SMTP_CHUNK_BODY:
	case SMTP_BODY:
	case SMTP_SWALLOW:
	case SMTP_TUNNEL:
	case SMTP_LEFT:
	case SMTP_DEAF:
		return true;
	}
	return true;
}

enum postern_reason smtp_end_reason(const struct smtp *s)
{
	return (enum postern_reason)s->why;
}
