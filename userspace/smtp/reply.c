// SPDX-License-Identifier: GPL-2.0
/*
 * The next reply to the client: ours when the oldest slot is ours, else the
 * exchanger's, line by line (E53-E62). What is not a reply, or a reply to
 * nothing, ends the session: a surplus line would answer the wrong command.
 */
#include <errno.h>

#include "smtp/engine.h"

static bool digits(const char *p)
{
	return p[0] >= '1' && p[0] <= '5' && p[1] >= '0' && p[1] <= '9' && p[2] >= '0' &&
	       p[2] <= '9';
}

/* Octets of a reply line without its end: code, then nothing, a blank or a dash (E54). */
static int line_parse(struct smtp_line *line)
{
	const char *p = line->text.data;
	size_t len = line->text.len;

	if (memchr(p, '\r', len) || memchr(p, '\0', len))
		return -EPROTO;
	if (len < 3 || !digits(p) || (len > 3 && p[3] != ' ' && p[3] != '-'))
		return -EPROTO;
	line->code = (unsigned int)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
	line->last = len == 3 || p[3] == ' ';
	return 1;
}

int smtp_line_read(struct smtp_text input, struct smtp_line *line)
{
	size_t most = input.len < SMTP_LINE_MAX ? input.len : SMTP_LINE_MAX;
	const char *end = most ? memchr(input.data, '\n', most) : NULL;

	if (!end)
		return input.len < SMTP_LINE_MAX ? 0 : -EPROTO;
	line->taken = (size_t)(end - input.data) + 1;
	line->text = (struct smtp_text) { input.data, line->taken - 1 };
	/* A lone LF is taken for a line end, and leaves as CRLF (E55). */
	if (line->text.len && input.data[line->text.len - 1] == '\r')
		line->text.len--;
	return line_parse(line);
}

static enum smtp_step fault(struct smtp *s)
{
	smtp_end_saying(s, SMTP_REPLY_closing_lost, POSTERN_R_end_mx_protocol);
	return SMTP_STEP_ON;
}

/* Does the line go with those before it? */
static bool line_fits(struct smtp *s, const struct smtp_line *line)
{
	if (!s->reply.code)
		return smtp_answer_legal(s, line->code);
	return line->code == s->reply.code && s->reply.lines < SMTP_REPLY_LINES &&
	       s->reply.octets + line->taken <= SMTP_REPLY_OCTETS;
}

/* An answer to something that the client did not ask, or not yet: it never sees it. */
static bool is_hidden(struct smtp *s, unsigned int code)
{
	const struct smtp_slot *slot = smtp_slot_first(s);

	if (!slot)
		return false;
	return (slot->verb == SMTP_VERB_rset_ && code != 421) ||
	       (slot->verb == SMTP_VERB_last_ && code / 100 == 2);
}

static enum smtp_step relay_line(struct smtp *s, struct smtp_turn *t,
				 const struct smtp_line *line)
{
	bool hidden = is_hidden(s, line->code);

	if (!hidden && smtp_room(&t->to_client) < line->text.len + 2) {
		s->stuck = SMTP_STUCK_CLIENT;
		return SMTP_STEP_BLOCKED;
	}
	if (!s->reply.code)
		s->reply.unasked = !s->count;
	if (!hidden) {
		smtp_put(&t->to_client, line->text.data, line->text.len);
		smtp_put(&t->to_client, "\r\n", 2);
	}
	smtp_take(&t->server, line->taken);
	s->reply.code = (uint16_t)line->code;
	s->reply.lines++;
	s->reply.octets += (uint32_t)line->taken;
	if (line->code == 530)
		smtp_tls_read_530(s, line->text);
	if (line->last)
		smtp_answered(s, t, line->code);
	return SMTP_STEP_ON;
}

static bool is_ehlo(struct smtp *s, unsigned int code)
{
	const struct smtp_slot *slot = smtp_slot_first(s);

	return slot && slot->verb == SMTP_VERB_EHLO && code / 100 == 2;
}

/* A reply while the message is still on its way up: 4xx and 5xx wait for its end (E19). */
static enum smtp_step early_reply(struct smtp *s, unsigned int code)
{
	if (code / 100 < 4)
		return fault(s);
	smtp_lost_early(s);
	return SMTP_STEP_ON;
}

/*
 * A reply before all octets of the chunk went up. They still do, because the
 * exchanger counts them (E25); a refusal waits for their end. After a 421 they
 * are worth nothing.
 */
static enum smtp_step early_chunk_reply(struct smtp *s, unsigned int code)
{
	if (code / 100 < 4 || code == 421)
		return early_reply(s, code);
	return SMTP_STEP_BLOCKED;
}

static enum smtp_step server_step(struct smtp *s, struct smtp_turn *t)
{
	struct smtp_text input = { t->server.data, t->server.len };
	struct smtp_line line;
	int ret = smtp_line_read(input, &line);

	if (!ret)
		return SMTP_STEP_HUNGRY;
	if (ret < 0)
		return fault(s);
	if (s->phase == SMTP_BODY || s->phase == SMTP_VERDICT)
		return early_reply(s, line.code);
	if (s->phase == SMTP_CHUNK_BODY)
		return early_chunk_reply(s, line.code);
	if (!line_fits(s, &line))
		return fault(s);
	if (is_ehlo(s, line.code))
		return smtp_ehlo_step(s, t);
	if (smtp_tunnel_crowded(s, t, line.code)) {
		smtp_end_abruptly(s, POSTERN_R_end_tls_inject);
		return SMTP_STEP_ON;
	}
	return relay_line(s, t, &line);
}

/* Our own reply; what a refused recipient means to the owner is told here too. */
static enum smtp_step local_step(struct smtp *s, struct smtp_turn *t)
{
	struct smtp_slot slot;
	struct smtp_text text;
	char buf[FACTS_PATH];
	unsigned int code;

	if (smtp_room(&t->to_client) < SMTP_LOCAL_ROOM) {
		s->stuck = SMTP_STUCK_CLIENT;
		return SMTP_STEP_BLOCKED;
	}
	text.len = smtp_slot_pop(s, &slot, buf);
	text.data = buf;
	code = smtp_local_put(s, &t->to_client, slot.reply);
	if (slot.verb == SMTP_VERB_RCPT)
		smtp_tell(s, SMTP_EV_RCPT_REFUSED, code, text);
	if (slot.close)
		smtp_end_quietly(s, s->why);
	return SMTP_STEP_ON;
}

enum smtp_step smtp_reply_step(struct smtp *s, struct smtp_turn *t)
{
	const struct smtp_slot *slot = smtp_slot_first(s);

	/* Never within a reply of the exchanger's, which may have come unasked. */
	if (slot && slot->local && !s->reply.lines)
		return local_step(s, t);
	/* A reply that came too early stays where it is until the end of the message. */
	if (s->server_down || (s->message.early && s->phase == SMTP_SWALLOW))
		return SMTP_STEP_BLOCKED;
	if (s->phase == SMTP_TUNNEL)
		return smtp_tunnel_down_step(s, t);
	return server_step(s, t);
}
