// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that come by BDAT (RFC 3030). Octets are counted, judged like those
 * behind DATA, and go up as they come; the client is back among commands
 * behind them. One BDAT at a time, and only when nothing is owed: so what the
 * exchanger thinks of envelope and chunk is known before more is promised.
 *
 * LAST never goes up with octets. When all of them were accepted and judged
 * good an empty last chunk ends the message; otherwise RSET gives it up, and
 * the upstream leg lives on (E24).
 */
#include <errno.h>
#include <stdio.h>

#include "smtp/engine.h"

/* Room for a command of ours. */
#define COMMAND_ROOM	32

struct chunk {
	uint32_t	size;
	bool		last;
};

/* What follows BDAT. Returns 0, or -EINVAL: nobody knows where the octets end (E26). */
static int parse(struct smtp_text args, struct chunk *out)
{
	struct smtp_text word;
	uint64_t size;

	smtp_text_skip_blanks(&args);
	if (smtp_text_number(smtp_text_word(&args), &size) || size > SMTP_CHUNK_MAX)
		return -EINVAL;
	smtp_text_skip_blanks(&args);
	word = smtp_text_word(&args);
	smtp_text_skip_blanks(&args);
	if (args.len || (word.len && !smtp_text_is(word, "last")))
		return -EINVAL;
	*out = (struct chunk) { .size = (uint32_t)size, .last = word.len > 0 };
	return 0;
}

/* Why BDAT has no business here; SMTP_REPLY_COUNT = it has (E21, E22, E25). */
static enum smtp_reply misplaced(const struct smtp *s)
{
	if (s->env->class->chunking != CONF_CHUNKING_PASS || !s->chunking)
		return SMTP_REPLY_not_available;
	if (s->message.chunks)
		return SMTP_REPLY_COUNT;
	if (s->chunk_code)
		return s->chunk_code / 100 == 4 ? SMTP_REPLY_chunk_later : SMTP_REPLY_chunk_refused;
	if (!s->tx.open || !s->tx.recipients || s->tx.data)
		return SMTP_REPLY_order;
	return SMTP_REPLY_COUNT;
}

/* Why the transaction ends with this chunk; SMTP_REPLY_COUNT = it does not. */
static enum smtp_reply unwanted(const struct smtp *s, const struct smtp_turn *t,
				const struct chunk *chunk)
{
	if (s->tx.refuse)
		return (enum smtp_reply)s->tx.refuse;
	if (s->message.judged)
		return smtp_body_refusal(s);
	if (chunk->size > smtp_body_left(s, t))
		return SMTP_REPLY_size;
	return SMTP_REPLY_COUNT;
}

/* Answered here; the octets are thrown away, then comes @after. */
static enum smtp_step refuse(struct smtp *s, const struct chunk *chunk, enum smtp_reply reply,
			     enum smtp_phase after)
{
	smtp_slot_local(s, SMTP_VERB_BDAT, reply, smtp_no_text, false);
	s->skip = chunk->size;
	s->phase = SMTP_CHUNK;
	s->after = (uint8_t)after;
	return SMTP_STEP_ON;
}

/* Between chunks the upstream leg can be kept: RSET is enough. */
static enum smtp_step refuse_message(struct smtp *s, const struct chunk *chunk,
				     enum smtp_reply reply)
{
	if (s->message.judged && s->message.verdict == VERDICT_DROP) {
		smtp_end_abruptly(s, POSTERN_R_end_rejected);
		return SMTP_STEP_ON;
	}
	if (s->message.chunks)
		smtp_message_end(s, smtp_local_code(s, reply));
	else
		smtp_note(s, POSTERN_R_command_refused);
	return refuse(s, chunk, reply, SMTP_RESET);
}

/* All octets of the chunk went up. */
static void chunk_sent(struct smtp *s)
{
	/* With the next chunk there may be an LF; behind the last one there is none. */
	if (s->message.last && s->message.state == SMTP_BODY_CR_SENT) {
		smtp_lose(s, SMTP_REPLY_body_newline);
		return;
	}
	smtp_slot_owe(s, s->message.last ? SMTP_VERB_last_ : SMTP_VERB_BDAT, smtp_no_text);
	s->phase = SMTP_HOLD;
}

/* "BDAT 0 LAST": nothing to send before the verdict. */
static void empty_last(struct smtp *s)
{
	if (s->message.state == SMTP_BODY_CR_SENT)
		smtp_lose(s, SMTP_REPLY_body_newline);
	else
		smtp_body_whole(s);
}

static void begin(struct smtp *s)
{
	if (s->message.chunks)
		return;
	s->message.chunks = true;
	s->message.counted = true;
	smtp_tell(s, SMTP_EV_DATA, 0, smtp_no_text);
}

static enum smtp_step take(struct smtp *s, const struct smtp_command *c, const struct chunk *chunk)
{
	struct smtp_out *up = &c->turn->to_server;
	char line[COMMAND_ROOM];
	int len;

	if (smtp_room(up) < COMMAND_ROOM) {
		s->stuck = SMTP_STUCK_SERVER;
		return SMTP_STEP_BLOCKED;
	}
	begin(s);
	s->skip = chunk->size;
	s->message.last = chunk->last;
	if (chunk->last && !chunk->size) {
		empty_last(s);
		return SMTP_STEP_ON;
	}
	len = snprintf(line, sizeof(line), "BDAT %u\r\n", chunk->size);
	smtp_put(up, line, (size_t)len);
	s->message.upstream = true;
	s->phase = SMTP_CHUNK_BODY;
	if (!s->skip)
		chunk_sent(s);
	return SMTP_STEP_ON;
}

enum smtp_step smtp_chunk_ask(struct smtp *s, const struct smtp_command *c)
{
	enum smtp_reply reply;
	struct chunk chunk;

	if (parse(c->args, &chunk)) {
		smtp_end_with(s, SMTP_REPLY_argument, POSTERN_R_end_chunk_size);
		return SMTP_STEP_ON;
	}
	if (s->owed && s->env->class->chunking == CONF_CHUNKING_PASS)
		return SMTP_STEP_BLOCKED;
	reply = misplaced(s);
	if (reply != SMTP_REPLY_COUNT) {
		smtp_note(s, POSTERN_R_command_refused);
		return refuse(s, &chunk, reply, SMTP_COMMAND);
	}
	if (!s->message.chunks)
		s->message = (struct smtp_message) { 0 };
	reply = unwanted(s, c->turn, &chunk);
	return reply == SMTP_REPLY_COUNT ? take(s, c, &chunk) : refuse_message(s, &chunk, reply);
}

enum smtp_step smtp_chunk_body_step(struct smtp *s, struct smtp_turn *t)
{
	if (s->message.judged) {
		smtp_body_judged(s);
		return SMTP_STEP_ON;
	}
	if (!t->client.len)
		return SMTP_STEP_HUNGRY;
	if (smtp_room(&t->to_server) < COMMAND_ROOM) {
		s->stuck = SMTP_STUCK_SERVER;
		return SMTP_STEP_BLOCKED;
	}
	s->moved = true;
	s->skip -= (uint32_t)smtp_body_chunk(s, t, s->skip);
	if (!s->skip && s->phase == SMTP_CHUNK_BODY)
		chunk_sent(s);
	return SMTP_STEP_ON;
}

bool smtp_chunk_swallow(struct smtp *s, struct smtp_turn *t)
{
	size_t len = t->client.len < s->skip ? t->client.len : s->skip;

	s->skip -= (uint32_t)len;
	s->moved |= len > 0;
	smtp_take(&t->client, len);
	return !s->skip;
}

enum smtp_step smtp_chunk_step(struct smtp *s, struct smtp_turn *t)
{
	if (!smtp_chunk_swallow(s, t))
		return SMTP_STEP_HUNGRY;
	s->phase = s->after;
	return SMTP_STEP_ON;
}

bool smtp_chunk_asked(struct smtp *s)
{
	const struct smtp_slot *slot = &s->slots[(s->first + s->count - 1) % SMTP_SLOTS];

	return s->count && !slot->local &&
	       (slot->verb == SMTP_VERB_BDAT || slot->verb == SMTP_VERB_last_);
}

void smtp_chunk_refused(struct smtp *s, unsigned int code)
{
	smtp_message_end(s, code);
	s->phase = SMTP_RESET;
}

void smtp_chunk_finish(struct smtp *s, struct smtp_turn *t)
{
	static const char end[] = "BDAT 0 LAST\r\n";

	if (s->message.verdict == VERDICT_ACCEPT) {
		smtp_put(&t->to_server, end, sizeof(end) - 1);
		s->message.upstream = true;
		s->phase = SMTP_DOT;
		smtp_slot_owe(s, SMTP_VERB_dot_, smtp_no_text);
		return;
	}
	smtp_slot_local(s, SMTP_VERB_BDAT, smtp_body_refusal(s), smtp_no_text, false);
	smtp_message_end(s, smtp_local_code(s, smtp_body_refusal(s)));
	s->phase = SMTP_RESET;
}

enum smtp_step smtp_reset_step(struct smtp *s, struct smtp_turn *t)
{
	static const char line[] = "RSET\r\n";

	if (smtp_room(&t->to_server) < COMMAND_ROOM) {
		s->stuck = SMTP_STUCK_SERVER;
		return SMTP_STEP_BLOCKED;
	}
	smtp_put(&t->to_server, line, sizeof(line) - 1);
	smtp_slot_owe(s, SMTP_VERB_rset_, smtp_no_text);
	s->phase = SMTP_HOLD;
	return SMTP_STEP_ON;
}
