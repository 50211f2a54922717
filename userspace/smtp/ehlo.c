// SPDX-License-Identifier: GPL-2.0
/*
 * The answer to EHLO, rebuilt from its lines by an allow list (E2-E7). A
 * keyword that we do not know could change the framing, so it goes with its
 * line; nothing is overwritten. The whole answer is waited for, because the
 * last line that stays has to be told from the others.
 */
#include <errno.h>
#include <stdio.h>

#include "smtp/engine.h"

enum keyword_when {
	ALWAYS,
	WITH_AUTH,	/* the class passes AUTH */
	WITH_TLS,	/* the class passes STARTTLS */
	WITH_TLS_SHOWN,	/* it does, or it refuses it and leaves the offer visible */
	WITH_CHUNKING,	/* the class passes CHUNKING */
};

static const struct keyword {
	const char		*word;
	enum keyword_when	when;
} keywords[] = {
	{ "SIZE",		 ALWAYS },
	{ "8BITMIME",		 ALWAYS },
	{ "PIPELINING",		 ALWAYS },
	{ "ENHANCEDSTATUSCODES", ALWAYS },
	{ "DSN",		 ALWAYS },
	{ "SMTPUTF8",		 ALWAYS },
	{ "HELP",		 ALWAYS },
	{ "DELIVERBY",		 ALWAYS },
	{ "MT-PRIORITY",	 ALWAYS },
	{ "FUTURERELEASE",	 ALWAYS },
	{ "RRVS",		 ALWAYS },
	{ "NO-SOLICITING",	 ALWAYS },
	{ "LIMITS",		 ALWAYS },
	{ "AUTH",		 WITH_AUTH },
	{ "STARTTLS",		 WITH_TLS_SHOWN },
	{ "REQUIRETLS",		 WITH_TLS },	/* E38 */
	{ "CHUNKING",		 WITH_CHUNKING },
};

static struct smtp_text keyword_args(const struct smtp_line *line)
{
	struct smtp_text text = line->text;

	smtp_text_cut(&text, 4);
	return text;
}

static bool has_control(struct smtp_text text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
			return true;
	return false;
}

/* The keyword of a line; "AUTH=LOGIN" counts as AUTH (E4). */
static struct smtp_text keyword_of(const struct smtp_line *line)
{
	struct smtp_text text = keyword_args(line), value;

	return smtp_text_key(smtp_text_word(&text), &value);
}

static bool is_shown(const struct smtp *s, enum keyword_when when)
{
	const struct conf_class *class = s->env->class;

	switch (when) {
	case ALWAYS:
		return true;
	case WITH_AUTH:
		return class->auth == CONF_AUTH_PASS;
	case WITH_TLS:
		return smtp_tls_passes(s);
	case WITH_TLS_SHOWN:
		return smtp_tls_passes(s) ||
		       (class->starttls == CONF_STARTTLS_REFUSE && class->starttls_offer);
	case WITH_CHUNKING:
		return class->chunking == CONF_CHUNKING_PASS;
	}
	return false;
}

static bool is_allowed(const struct smtp *s, const struct smtp_line *line)
{
	struct smtp_text word = keyword_of(line);
	size_t i;

	if (has_control(keyword_args(line)))
		return false;
	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (smtp_text_is(word, keywords[i].word))
			return is_shown(s, keywords[i].when);
	return false;
}

/* Is all of the answer there? 1, 0, or -EPROTO when it never can be (E7). */
static int is_whole(const struct smtp_in *in, unsigned int code)
{
	struct smtp_text rest = { in->data, in->len };
	struct smtp_line line;
	unsigned int lines;
	int ret;

	for (lines = 1; lines <= SMTP_REPLY_LINES; lines++) {
		ret = smtp_line_read(rest, &line);
		if (!ret)
			return in->full || in->len >= SMTP_EHLO_OCTETS ? -EPROTO : 0;
		if (ret < 0 || line.code != code)
			return -EPROTO;
		smtp_text_cut(&rest, line.taken);
		if (line.last)
			return in->len - rest.len <= SMTP_EHLO_OCTETS ? 1 : -EPROTO;
	}
	return -EPROTO;
}

/* Does a line that stays follow? All of the answer is there. */
static bool more_follows(const struct smtp *s, struct smtp_text rest)
{
	struct smtp_line line;

	while (smtp_line_read(rest, &line) > 0) {
		if (is_allowed(s, &line))
			return true;
		if (line.last)
			return false;
		smtp_text_cut(&rest, line.taken);
	}
	return false;
}

/* SIZE never promises more than our own limit (E31). Returns the length written, or 0. */
static size_t lower_size(const struct smtp *s, struct smtp_text args, char *buf, size_t size)
{
	uint64_t own = (uint64_t)s->env->class->max_size, theirs;

	if (!own || !smtp_text_begins(args, "SIZE"))
		return 0;
	smtp_text_word(&args);
	smtp_text_skip_blanks(&args);
	if (!smtp_text_number(smtp_text_word(&args), &theirs) && theirs && theirs <= own)
		return 0;
	return (size_t)snprintf(buf, size, "SIZE %llu", (unsigned long long)own);
}

static void put_line(struct smtp *s, struct smtp_out *out, const struct smtp_line *line,
		     bool more)
{
	struct smtp_text args = keyword_args(line);
	char size[32];
	size_t len = s->reply.lines ? lower_size(s, args, size, sizeof(size)) : 0;

	smtp_put(out, line->text.data, 3);
	/* A first line of the code alone stays as it is (E54). */
	if (more || line->text.len > 3)
		smtp_put(out, more ? "-" : " ", 1);
	if (len)
		smtp_put(out, size, len);
	else
		smtp_put(out, args.data, args.len);
	smtp_put(out, "\r\n", 2);
}

static enum smtp_step begin(struct smtp *s, const struct smtp_turn *t, unsigned int code)
{
	int ret = is_whole(&t->server, code);

	if (!ret)
		return SMTP_STEP_HUNGRY;
	if (ret < 0) {
		smtp_end_saying(s, SMTP_REPLY_closing_lost, POSTERN_R_end_mx_protocol);
		return SMTP_STEP_ON;
	}
	s->reply.rebuild = true;
	return SMTP_STEP_ON;
}

enum smtp_step smtp_ehlo_step(struct smtp *s, struct smtp_turn *t)
{
	struct smtp_text rest = { t->server.data, t->server.len };
	struct smtp_line line;
	bool stays;

	if (smtp_line_read(rest, &line) <= 0)
		return SMTP_STEP_HUNGRY;
	if (!s->reply.rebuild)
		return begin(s, t, line.code);
	if (smtp_room(&t->to_client) < line.taken + 32) {
		s->stuck = SMTP_STUCK_CLIENT;
		return SMTP_STEP_BLOCKED;
	}
	smtp_text_cut(&rest, line.taken);
	stays = !s->reply.lines || is_allowed(s, &line);
	if (stays)
		put_line(s, &t->to_client, &line, !line.last && more_follows(s, rest));
	if (stays && s->reply.lines) {
		s->reply.pipelining |= smtp_text_is(keyword_of(&line), "PIPELINING");
		s->reply.chunking |= smtp_text_is(keyword_of(&line), "CHUNKING");
	}
	if (s->reply.lines)
		s->reply.starttls |= smtp_text_is(keyword_of(&line), "STARTTLS");
	s->reply.code = (uint16_t)line.code;
	s->reply.lines++;
	smtp_take(&t->server, line.taken);
	if (!line.last)
		return SMTP_STEP_ON;
	s->pipelining = s->reply.pipelining;
	s->chunking = s->reply.chunking;
	s->tls.offered = s->reply.starttls;
	smtp_answered(s, t, line.code);
	return SMTP_STEP_ON;
}
