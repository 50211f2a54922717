// SPDX-License-Identifier: GPL-2.0
/*
 * The client's lines: found with strict CRLF (or, where the class normalises,
 * with LF alone), bounded, and recognised when they are none of SMTP's. What a
 * line is worth is ask.c.
 */
#include "smtp/engine.h"

static bool has_bare_lf(struct smtp_text line)
{
	return line.len < 2 || line.data[line.len - 2] != '\r';
}

static bool normalises(const struct smtp *s)
{
	return s->env->class->newlines == CONF_NEWLINES_NORMALISE;
}

static bool is_clean(const struct smtp *s, const struct smtp_command *c)
{
	return (!has_bare_lf(c->line) || normalises(s)) &&
	       !memchr(c->words.data, '\r', c->words.len) &&
	       !memchr(c->words.data, '\0', c->words.len);
}

static void note_bare(struct smtp *s, const struct smtp_command *c)
{
	if (!has_bare_lf(c->line) || s->bare_noted)
		return;
	s->bare_noted = true;
	smtp_note(s, POSTERN_R_newline_normalised);
}

static enum smtp_step take_line(struct smtp *s, struct smtp_turn *t, size_t len)
{
	struct smtp_text line = { t->client.data, len };
	struct smtp_command c = {
		.turn = t,
		.line = line,
		.words = { line.data, len - (has_bare_lf(line) ? 1 : 2) },
		.first = s->first_line,
	};
	enum smtp_step step = SMTP_STEP_ON;
	bool clean = is_clean(s, &c);

	if (!clean)
		smtp_ask_unclean(s, &c);
	else if (s->phase == SMTP_AUTH_LINE)
		step = smtp_ask_auth_line(s, &c);
	else
		step = smtp_ask(s, &c);
	if (step != SMTP_STEP_ON)
		return step;
	if (clean)
		note_bare(s, &c);
	if (c.words.len)
		s->first_line = false;
	s->moved = true;
	smtp_take(&t->client, len);
	return step;
}

static enum smtp_step too_long(struct smtp *s)
{
	/* The exchanger still waits for the line of a challenge: nothing can replace it. */
	if (s->phase == SMTP_AUTH_LINE) {
		smtp_end_with(s, SMTP_REPLY_line_too_long, POSTERN_R_end_line_too_long);
		return SMTP_STEP_ON;
	}
	smtp_slot_local(s, SMTP_VERB_unknown_, SMTP_REPLY_line_too_long, smtp_no_text, false);
	s->first_line = false;
	s->phase = SMTP_SKIP;
	s->skip = 0;
	smtp_count_junk(s, SMTP_VERB_unknown_);
	return SMTP_STEP_ON;
}

/* What cannot be the start of a command: 1 = TLS, -1 = something else, 0 = may be one (E44). */
static int alien(const struct smtp_in *in)
{
	unsigned char c = (unsigned char)in->data[0];

	if (c == 0x16 && in->len < 2 && !in->eof)
		return 0;
	if (c == 0x16 && in->len >= 2 && in->data[1] == 3)
		return 1;
	return (c < ' ' && c != '\r' && c != '\n' && c != '\t') || c >= 0x7f ? -1 : 0;
}

static bool ends_as_alien(struct smtp *s, const struct smtp_in *in)
{
	int kind = s->first_line ? alien(in) : 0;

	if (!kind)
		return false;
	if (kind > 0)
		smtp_end_abruptly(s, POSTERN_R_end_tls_on_connect);
	else
		smtp_end_saying(s, SMTP_REPLY_closing_not_smtp, POSTERN_R_end_not_smtp);
	return true;
}

/*
 * May another command be taken? Without the offer of PIPELINING the exchanger
 * gets one at a time (E11). The first may overtake the greeting: whether that
 * is tolerated is the exchanger's to say (E65).
 */
static bool may_take(struct smtp *s)
{
	/* Between chunks what the last command did is known before the next is taken. */
	if (s->message.chunks && s->owed)
		return false;
	if (!s->greeted && !s->early_noted) {
		s->early_noted = true;
		smtp_note(s, POSTERN_R_early_talker);
	}
	if (!s->owed || s->pipelining)
		return smtp_slot_free(s);
	if (!s->rush_noted) {
		s->rush_noted = true;
		smtp_note(s, POSTERN_R_early_pipelining);
	}
	return false;
}

static size_t line_limit(const struct smtp *s, struct smtp_text input)
{
	return s->phase == SMTP_AUTH_LINE || smtp_text_begins(input, "auth ") ?
	       SMTP_AUTH_LINE_MAX : SMTP_LINE_MAX;
}

/* A line fits as it would be forwarded: its end is CRLF then. */
static bool fits(const struct smtp *s, struct smtp_text input, const char *end, size_t limit)
{
	struct smtp_text line = { input.data, (size_t)(end - input.data) + 1 };

	return line.len < limit || !normalises(s) || !has_bare_lf(line);
}

enum smtp_step smtp_command_step(struct smtp *s, struct smtp_turn *t)
{
	struct smtp_text input = { t->client.data, t->client.len };
	size_t limit = line_limit(s, input);
	const char *end;

	if (!input.len)
		return SMTP_STEP_HUNGRY;
	if (!may_take(s))
		return SMTP_STEP_BLOCKED;
	if (ends_as_alien(s, &t->client))
		return SMTP_STEP_ON;
	end = memchr(input.data, '\n', input.len < limit ? input.len : limit);
	if (end && fits(s, input, end, limit))
		return take_line(s, t, (size_t)(end - input.data) + 1);
	if (end || input.len >= limit)
		return too_long(s);
	s->partial = true;
	return SMTP_STEP_HUNGRY;
}

/* Throw away up to the line's end, in as many pieces as it takes; a CR at the end is kept. */
enum smtp_step smtp_skip_step(struct smtp *s, struct smtp_turn *t)
{
	struct smtp_text input = { t->client.data, t->client.len };
	const char *end = input.len ? memchr(input.data, '\n', input.len) : NULL;
	size_t len = end ? (size_t)(end - input.data) + 1 : input.len;
	bool whole = end && (normalises(s) || !has_bare_lf((struct smtp_text) { input.data, len }));

	if (!end && len && input.data[len - 1] == '\r')
		len--;
	s->partial = true;
	if (!len)
		return SMTP_STEP_HUNGRY;
	s->skip += (uint32_t)len;	/* a turn brings far less than 4 GB */
	smtp_take(&t->client, len);
	if (s->skip > SMTP_SKIP_MAX)
		smtp_end_quietly(s, POSTERN_R_end_line_too_long);
	else if (whole)
		s->phase = SMTP_COMMAND;
	return SMTP_STEP_ON;
}
