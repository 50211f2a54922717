// SPDX-License-Identifier: GPL-2.0
/*
 * The message where the class normalises line ends (E46, E47): a bare LF and a
 * bare CR become CRLF, for the exchanger and the verdict alike. Only the
 * client's own CRLF.CRLF ends it; the start of the message counts as behind a
 * CRLF. A lone dot with a bare end before or behind it would become an end
 * through our own hand, so it is stuffed. Limits hold for what goes up.
 */
#include "smtp/engine.h"

/* Octets looked at in one step; at most twice as many go up. */
#define WINDOW	1024

/* What one step makes of the client's octets. */
struct draft {
	char		text[2 * WINDOW];
	size_t		len;
	size_t		most;	/* of these, by the class's size limit */
	bool		bare;	/* one line end was */
	enum smtp_reply	lost;	/* SMTP_REPLY_COUNT = the message is not */
};

static void note_bare(struct smtp *s)
{
	if (s->message.normalised)
		return;
	s->message.normalised = true;
	smtp_note(s, POSTERN_R_newline_normalised);
}

/* Octets of a line up to what has to be looked at. */
static size_t plain_len(struct smtp_text text)
{
	static const char ends[] = { '\n', '\r', '\0' };
	size_t i;

	for (i = 0; i < sizeof(ends) && text.len; i++) {
		const char *end = memchr(text.data, ends[i], text.len);

		if (end)
			text.len = (size_t)(end - text.data);
	}
	return text.len;
}

/* The plain octets at the front of @text, as far as the limits let them. */
static void draft_run(struct smtp *s, struct draft *d, struct smtp_text *text)
{
	uint64_t line_left = (uint64_t)s->env->class->max_line - s->message.line;
	size_t len;

	if (d->len == d->most) {
		d->lost = SMTP_REPLY_size;
		return;
	}
	len = plain_len(*text);
	if (len > d->most - d->len)
		len = d->most - d->len;
	if (len > line_left) {
		len = (size_t)line_left;
		d->lost = SMTP_REPLY_body_line;
	}
	memcpy(d->text + d->len, text->data, len);
	d->len += len;
	s->message.line += (uint32_t)len;
	smtp_text_cut(text, len);
}

/* The line end at the front of @text; a CR that is its last octet waits for the next. */
static void draft_end(struct smtp *s, struct draft *d, struct smtp_text *text)
{
	bool cr = text->data[0] == '\r', crlf;

	if (cr && text->len == 1) {
		s->message.state = SMTP_BODY_CR;
		smtp_text_cut(text, 1);
		return;
	}
	if (d->most - d->len < 2) {
		d->lost = SMTP_REPLY_size;
		return;
	}
	crlf = cr && text->data[1] == '\n';
	memcpy(d->text + d->len, "\r\n", 2);
	d->len += 2;
	d->bare |= !crlf;
	s->message.line = 0;
	smtp_text_cut(text, crlf ? 2 : 1);
	if (!text->len || text->data[0] == '.')
		s->message.state = crlf ? SMTP_BODY_START : SMTP_BODY_BARE;
}

static void draft_step(struct smtp *s, struct draft *d, struct smtp_text *text)
{
	draft_run(s, d, text);
	if (d->lost != SMTP_REPLY_COUNT || !text->len)
		return;
	if (text->data[0] == '\0')
		d->lost = SMTP_REPLY_body_newline;	/* E49 */
	else if (text->data[0] == '\r' || text->data[0] == '\n')
		draft_end(s, d, text);
}

/* From within a line, up to a line that begins with a dot. */
static void normal_middle(struct smtp *s, struct smtp_turn *t)
{
	struct smtp_text text = { t->client.data, t->client.len };
	size_t room = (smtp_room(&t->to_server) - SMTP_RECEIVED_ROOM + 1) / 2;
	uint64_t left = smtp_body_left(s, t);
	struct draft d = { .lost = SMTP_REPLY_COUNT };
	size_t len;

	d.most = left < sizeof(d.text) ? (size_t)left : sizeof(d.text);
	if (text.len > room)
		text.len = room;
	if (text.len > WINDOW)
		text.len = WINDOW;
	len = text.len;
	while (text.len && s->message.state == SMTP_BODY_MIDDLE && d.lost == SMTP_REPLY_COUNT)
		draft_step(s, &d, &text);
	smtp_body_put(s, t, d.text, d.len);
	smtp_take(&t->client, len - text.len);
	if (d.bare)
		note_bare(s);
	if (d.lost != SMTP_REPLY_COUNT)
		smtp_lose(s, d.lost);
}

/* The withheld end of a line goes up, as @text behind @stuffing, or the message is lost. */
static bool put_line_end(struct smtp *s, struct smtp_turn *t, const char *stuffing,
			 const char *text, bool bare)
{
	if (smtp_body_left(s, t) < strlen(text)) {
		smtp_lose(s, SMTP_REPLY_size);
		return false;
	}
	smtp_body_content_begin(s, t);
	smtp_put(&t->to_server, stuffing, strlen(stuffing));
	smtp_body_put(s, t, text, strlen(text));
	s->message.state = bare ? SMTP_BODY_BARE : SMTP_BODY_START;
	if (bare)
		note_bare(s);
	return true;
}

static void normal_start(struct smtp *s, struct smtp_turn *t)
{
	bool bare = s->message.state == SMTP_BODY_BARE;

	s->message.line = 0;
	if (t->client.data[0] != '.') {
		s->message.state = SMTP_BODY_MIDDLE;
		return;
	}
	s->message.state = bare ? SMTP_BODY_BARE_DOT : SMTP_BODY_DOT;
	smtp_take(&t->client, 1);
}

/* What follows the CR says whether it was bare. */
static void normal_cr(struct smtp *s, struct smtp_turn *t)
{
	bool bare = t->client.data[0] != '\n';

	if (put_line_end(s, t, "", "\r\n", bare) && !bare)
		smtp_take(&t->client, 1);
}

static void normal_dot(struct smtp *s, struct smtp_turn *t)
{
	bool bare = s->message.state == SMTP_BODY_BARE_DOT;

	switch (t->client.data[0]) {
	case '\0':
		smtp_lose(s, SMTP_REPLY_body_newline);
		return;
	case '\r':
		s->message.state = bare ? SMTP_BODY_BARE_DOT_CR : SMTP_BODY_DOT_CR;
		smtp_take(&t->client, 1);
		return;
	case '\n':
		if (put_line_end(s, t, ".", ".\r\n", true))
			smtp_take(&t->client, 1);
		return;
	}
	smtp_body_content_begin(s, t);
	smtp_put(&t->to_server, ".", 1);
	s->message.state = SMTP_BODY_MIDDLE;
}

static void normal_dot_cr(struct smtp *s, struct smtp_turn *t)
{
	bool crlf = t->client.data[0] == '\n';

	if (crlf && s->message.state == SMTP_BODY_DOT_CR)
		smtp_body_end(s, t);
	else if (put_line_end(s, t, ".", ".\r\n", !crlf) && crlf)
		smtp_take(&t->client, 1);
}

void smtp_newline_body(struct smtp *s, struct smtp_turn *t)
{
	static void (*const states[])(struct smtp *s, struct smtp_turn *t) = {
		[SMTP_BODY_START] = normal_start,
		[SMTP_BODY_MIDDLE] = normal_middle,
		[SMTP_BODY_CR] = normal_cr,
		[SMTP_BODY_DOT] = normal_dot,
		[SMTP_BODY_DOT_CR] = normal_dot_cr,
		[SMTP_BODY_BARE] = normal_start,
		[SMTP_BODY_BARE_DOT] = normal_dot,
		[SMTP_BODY_BARE_DOT_CR] = normal_dot_cr,
	};

	states[s->message.state](s, t);
}
