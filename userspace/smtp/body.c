// SPDX-License-Identifier: GPL-2.0
/*
 * The message. What is judged is what is forwarded; octets that could belong
 * to an end ("." at the start of a line, a CR) are withheld until it is clear
 * that they do not, and the end itself until the verdict. Strict CRLF: a bare
 * CR, a bare LF or a NUL could be an end to the next hop, so the message is
 * lost with the first (lost.c), unless the class wants them made CRLF
 * (newline.c).
 */
#include "smtp/engine.h"

void smtp_body_begin(struct smtp *s)
{
	s->message = (struct smtp_message) { .upstream = true };
	s->phase = SMTP_BODY;
	if (!s->tx.recipients)
		return;		/* a lone dot is no message (E15) */
	s->message.counted = true;
	smtp_tell(s, SMTP_EV_DATA, 0, smtp_no_text);
}

void smtp_body_content_begin(struct smtp *s, struct smtp_turn *t)
{
	char ours[SMTP_RECEIVED_ROOM];
	size_t len;

	if (s->message.begun)
		return;
	s->message.begun = true;
	if (!s->message.counted) {
		s->message.counted = true;
		smtp_tell(s, SMTP_EV_DATA, 0, smtp_no_text);
	}
	/* It would change a chunk's size (E84). */
	if (!s->env->class->received || s->message.chunks)
		return;
	len = smtp_received_text(s, t->wall, ours);
	smtp_put(&t->to_server, ours, len);
	s->message.octets += len;
}

void smtp_body_put(struct smtp *s, struct smtp_turn *t, const char *data, size_t len)
{
	if (!len)
		return;
	smtp_body_content_begin(s, t);
	smtp_put(&t->to_server, data, len);
	s->message.octets += len;
	s->ops->content(s->owner, data, len);
}

/* How far the octets are plain content, and what stands behind them. */
struct run {
	size_t		len;
	size_t		taken;	/* with a CR that is withheld */
	enum smtp_reply	lost;	/* why the message is lost there; SMTP_REPLY_COUNT = it is not */
};

/*
 * The part of one line in @text, without its end. Three passes of memchr()
 * over a line are much faster than one look at each octet.
 */
static size_t line_part(struct smtp_message *m, uint64_t most, struct smtp_text text,
			enum smtp_reply *lost)
{
	const char *cr = memchr(text.data, '\r', text.len);
	size_t len = cr ? (size_t)(cr - text.data) : text.len;
	const char *lf = memchr(text.data, '\n', len);

	if (lf) {
		len = (size_t)(lf - text.data);
		*lost = SMTP_REPLY_body_newline;
	}
	if (m->line + len > most) {
		len = (size_t)(most - m->line);
		*lost = SMTP_REPLY_body_line;
	}
	m->line += (uint32_t)len;
	return len;
}

/* Lines, from within one, up to something that has to be looked at. */
static struct run scan_lines(struct smtp_message *m, uint64_t most, struct smtp_text text)
{
	struct run run = { 0, 0, SMTP_REPLY_COUNT };

	for (;;) {
		size_t len = line_part(m, most, text, &run.lost);

		run.len += len;
		smtp_text_cut(&text, len);
		if (run.lost != SMTP_REPLY_COUNT || !text.len)
			break;
		if (text.len == 1) {
			m->state = SMTP_BODY_CR;
			run.taken = run.len + 1;
			return run;
		}
		if (text.data[1] != '\n') {
			run.lost = SMTP_REPLY_body_newline;
			break;
		}
		run.len += 2;
		smtp_text_cut(&text, 2);
		m->line = 0;
		if (!text.len || text.data[0] == '.') {
			m->state = SMTP_BODY_START;
			break;
		}
	}
	run.taken = run.len;
	return run;
}

static struct run scan(struct smtp *s, struct smtp_text text)
{
	const char *nul = memchr(text.data, '\0', text.len);

	if (nul == text.data)
		return (struct run) { 0, 0, SMTP_REPLY_body_newline };
	/* A NUL further on is met by the next call. */
	if (nul)
		text.len = (size_t)(nul - text.data);
	return scan_lines(&s->message, (uint64_t)s->env->class->max_line, text);
}

uint64_t smtp_body_left(const struct smtp *s, const struct smtp_turn *t)
{
	uint64_t most = (uint64_t)s->env->class->max_size, used = s->message.octets;
	char ours[SMTP_RECEIVED_ROOM];

	if (!most)
		return UINT64_MAX;
	if (!s->message.begun && !s->message.chunks && s->env->class->received)
		used += smtp_received_text(s, t->wall, ours);
	return used < most ? most - used : 0;
}

static void body_middle(struct smtp *s, struct smtp_turn *t)
{
	struct smtp_text text = { t->client.data, t->client.len };
	size_t room = smtp_room(&t->to_server) - SMTP_RECEIVED_ROOM;
	uint64_t left = smtp_body_left(s, t);
	struct run run;

	if (text.len > room)
		text.len = room;
	if (text.len > left)
		text.len = (size_t)left;
	if (!text.len) {
		smtp_lose(s, SMTP_REPLY_size);
		return;
	}
	run = scan(s, text);
	smtp_body_put(s, t, text.data, run.len);
	smtp_take(&t->client, run.taken);
	if (run.lost != SMTP_REPLY_COUNT)
		smtp_lose(s, run.lost);
}

static void body_start(struct smtp *s, struct smtp_turn *t)
{
	s->message.line = 0;
	if (t->client.data[0] != '.') {
		s->message.state = SMTP_BODY_MIDDLE;
		return;
	}
	s->message.state = SMTP_BODY_DOT;
	smtp_take(&t->client, 1);
}

static void body_cr(struct smtp *s, struct smtp_turn *t)
{
	if (t->client.data[0] != '\n') {
		smtp_lose(s, SMTP_REPLY_body_newline);
	} else if (smtp_body_left(s, t) < 2) {
		smtp_lose(s, SMTP_REPLY_size);
	} else {
		smtp_body_put(s, t, "\r\n", 2);
		s->message.state = SMTP_BODY_START;
		smtp_take(&t->client, 1);
	}
}

/* The dot of a stuffed line goes up and is no content (E48). */
static void body_dot(struct smtp *s, struct smtp_turn *t)
{
	char c = t->client.data[0];

	if (c == '\n' || c == '\0') {
		smtp_lose(s, SMTP_REPLY_body_newline);
	} else if (c == '\r') {
		s->message.state = SMTP_BODY_DOT_CR;
		smtp_take(&t->client, 1);
	} else {
		smtp_body_content_begin(s, t);
		smtp_put(&t->to_server, ".", 1);
		s->message.state = SMTP_BODY_MIDDLE;
	}
}

void smtp_body_whole(struct smtp *s)
{
	s->phase = SMTP_VERDICT;
	s->acts |= SMTP_ACT_VERDICT;
}

static void send_end(struct smtp *s, struct smtp_turn *t)
{
	smtp_put(&t->to_server, ".\r\n", 3);
	s->phase = SMTP_DOT;
	smtp_slot_owe(s, SMTP_VERB_dot_, smtp_no_text);
}

void smtp_body_end(struct smtp *s, struct smtp_turn *t)
{
	smtp_take(&t->client, 1);
	if (!s->message.counted) {
		send_end(s, t);		/* E15 */
		return;
	}
	smtp_body_content_begin(s, t);
	smtp_body_whole(s);
}

static void body_dot_cr(struct smtp *s, struct smtp_turn *t)
{
	if (t->client.data[0] == '\n')
		smtp_body_end(s, t);
	else
		smtp_lose(s, SMTP_REPLY_body_newline);
}

static void (*const body_states[])(struct smtp *s, struct smtp_turn *t) = {
	[SMTP_BODY_START] = body_start,
	[SMTP_BODY_MIDDLE] = body_middle,
	[SMTP_BODY_CR] = body_cr,
	[SMTP_BODY_DOT] = body_dot,
	[SMTP_BODY_DOT_CR] = body_dot_cr,
	/* The others are newline.c's. */
};

/* The LF of a CR that is withheld, or went up with the chunk before. */
static void chunk_lf(struct smtp *s, struct smtp_turn *t)
{
	bool sent = s->message.state == SMTP_BODY_CR_SENT;

	if (t->client.data[0] != '\n') {
		smtp_lose(s, SMTP_REPLY_body_newline);
		return;
	}
	smtp_body_put(s, t, sent ? "\n" : "\r\n", sent ? 1 : 2);
	s->message.state = SMTP_BODY_START;
	smtp_take(&t->client, 1);
}

/* A dot means nothing here. A CR is withheld like any other, but at the chunk's end. */
static void chunk_lines(struct smtp *s, struct smtp_turn *t, size_t left)
{
	struct smtp_text text = { t->client.data, t->client.len < left ? t->client.len : left };
	size_t room = smtp_room(&t->to_server) - 1;
	struct run run;

	if (text.len > room)
		text.len = room;
	if (s->message.state == SMTP_BODY_START)
		s->message.line = 0;
	s->message.state = SMTP_BODY_MIDDLE;
	run = scan(s, text);
	smtp_body_put(s, t, text.data, run.len);
	smtp_take(&t->client, run.taken);
	if (run.lost != SMTP_REPLY_COUNT) {
		smtp_lose(s, run.lost);
	} else if (s->message.state == SMTP_BODY_CR && run.taken == left) {
		smtp_body_put(s, t, "\r", 1);
		s->message.state = SMTP_BODY_CR_SENT;
	}
}

size_t smtp_body_chunk(struct smtp *s, struct smtp_turn *t, size_t left)
{
	enum smtp_body state = (enum smtp_body)s->message.state;
	size_t had = t->client.len;

	if (state == SMTP_BODY_CR || state == SMTP_BODY_CR_SENT)
		chunk_lf(s, t);
	else
		chunk_lines(s, t, left);
	return had - t->client.len;
}

enum smtp_reply smtp_body_refusal(const struct smtp *s)
{
	return s->message.verdict == VERDICT_REJECT ? SMTP_REPLY_content :
	       SMTP_REPLY_verdict_later;
}

void smtp_body_judged(struct smtp *s)
{
	switch ((enum verdict_action)s->message.verdict) {
	case VERDICT_ACCEPT:
		break;
	case VERDICT_REJECT:
	case VERDICT_TEMPFAIL:
		smtp_lose(s, smtp_body_refusal(s));
		break;
	case VERDICT_DROP:
		smtp_end_abruptly(s, POSTERN_R_end_rejected);
		break;
	}
}

enum smtp_step smtp_body_step(struct smtp *s, struct smtp_turn *t)
{
	if (s->message.judged) {
		smtp_body_judged(s);
		return SMTP_STEP_ON;
	}
	if (!t->client.len)
		return SMTP_STEP_HUNGRY;
	/* What is withheld, our line and some content have room. */
	if (smtp_room(&t->to_server) <= SMTP_RECEIVED_ROOM) {
		s->stuck = SMTP_STUCK_SERVER;
		return SMTP_STEP_BLOCKED;
	}
	s->moved = true;
	if (s->env->class->newlines == CONF_NEWLINES_NORMALISE)
		smtp_newline_body(s, t);
	else
		body_states[s->message.state](s, t);
	return SMTP_STEP_ON;
}

/* The whole message is there. */
enum smtp_step smtp_verdict_step(struct smtp *s, struct smtp_turn *t)
{
	if (!s->message.judged)
		return SMTP_STEP_BLOCKED;
	if (smtp_room(&t->to_server) < SMTP_END_ROOM) {
		s->stuck = SMTP_STUCK_SERVER;
		return SMTP_STEP_BLOCKED;
	}
	/* A reply begun before the end was sent is no answer to it (E19). */
	if (s->message.verdict == VERDICT_ACCEPT && t->server.len) {
		smtp_end_saying(s, SMTP_REPLY_closing_lost, POSTERN_R_end_mx_protocol);
		return SMTP_STEP_ON;
	}
	if (s->message.chunks && s->message.verdict != VERDICT_DROP) {
		smtp_chunk_finish(s, t);
		return SMTP_STEP_ON;
	}
	if (s->message.verdict == VERDICT_ACCEPT) {
		send_end(s, t);
		return SMTP_STEP_ON;
	}
	smtp_body_judged(s);
	if (s->phase == SMTP_SWALLOW)
		smtp_lost_answer(s);
	return SMTP_STEP_ON;
}
