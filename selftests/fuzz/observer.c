// SPDX-License-Identifier: GPL-2.0
/* The observer of observer.h. */
#include "observer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void require(struct observer *ob, bool ok, const char *what)
{
	if (!ok && !ob->broken)
		ob->broken = what;
}

/*
 * Did the client get a line with these first octets since the command that
 * went up last? Its answer came after all that the client had got by then.
 */
static bool answered(const struct observer *ob, const char *code)
{
	const struct bytes *b = &ob->owner->got[TO_CLIENT];
	size_t n = strlen(code), at;

	for (at = ob->asked; at + n <= b->len; at++)
		if (!memcmp(b->data + at, code, n) && (!at || b->data[at - 1] == '\n'))
			return true;
	return false;
}

static bool is_verb(const char *line, size_t len, const char *verb)
{
	size_t n = strlen(verb);

	return len >= n && !strncasecmp(line, verb, n) &&
	       (len == n || strchr(" \t\r", line[n]));
}

/* BDAT: its octets follow; LAST ends a message. */
static void see_bdat(struct observer *ob, const char *line, size_t len)
{
	char *end;

	require(ob, ob->owner->class.chunking == CONF_CHUNKING_PASS, "BDAT only where it passes");
	require(ob, len > 5 && line[5] >= '0' && line[5] <= '9', "BDAT has a size");
	if (ob->broken)
		return;
	ob->chunk = strtoull(line + 5, &end, 10);
	ob->stretch = ob->chunk ? CHUNK : COMMAND;
	if (strncasecmp(end, " LAST\r", 6))
		return;
	require(ob, ob->accepts > 0, "a last chunk only when accepted");
	ob->accepts -= ob->accepts > 0;
	ob->ends++;
}

static void see_line(struct observer *ob, const char *line, size_t len)
{
	static const char *const verbs[] = {
		"HELO", "EHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "EXPN",
		"HELP", "AUTH", "STARTTLS", "BDAT",
	};
	const struct conf_class *class = &ob->owner->class;
	bool known = ob->stretch == AUTH_TEXT;
	size_t i;

	ob->asked = ob->owner->got[TO_CLIENT].len;
	require(ob, len >= 2 && line[len - 2] == '\r', "command ends in CRLF");
	require(ob, !memchr(line, '\r', len - 2) && !memchr(line, '\0', len), "command is clean");
	if (ob->stretch == AUTH_TEXT) {
		ob->stretch = AUTH_ASKED;
		return;
	}
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		known |= is_verb(line, len, verbs[i]);
	require(ob, known, "verb is on the list");
	if (is_verb(line, len, "DATA"))
		ob->stretch = DATA_ASKED;
	if (is_verb(line, len, "AUTH")) {
		require(ob, class->auth == CONF_AUTH_PASS, "AUTH only where it passes");
		ob->stretch = AUTH_ASKED;
	}
	if (is_verb(line, len, "STARTTLS")) {
		require(ob, class->starttls == CONF_STARTTLS_PASS, "STARTTLS only where it passes");
		ob->stretch = TLS_ASKED;
	}
	if (is_verb(line, len, "BDAT"))
		see_bdat(ob, line, len);
}

static void see_end(struct observer *ob, size_t at, size_t len)
{
	/* Nobody judges a lone dot to nobody (E15). */
	bool nobody = len == 3 && ob->owner->started == ob->owner->ended;

	require(ob, ob->accepts || nobody, "a message ends only when accepted");
	if (!nobody)
		ob->accepts -= ob->accepts > 0;
	ob->judged.len--;	/* its CR */
	ob->stretch = COMMAND;
	ob->line = at + 1;
	ob->ends++;
}

static void see_body(struct observer *ob, const char *data, size_t at)
{
	char c = data[at];
	bool start = at == ob->body || data[at - 1] == '\n';
	const char *message = data + ob->body;
	size_t len = at + 1 - ob->body;

	require(ob, c != '\0', "no NUL in a message");
	require(ob, c != '\n' || (at > ob->body && data[at - 1] == '\r'),
		"no bare LF in a message");
	require(ob, at == ob->body || data[at - 1] != '\r' || c == '\n',
		"no bare CR in a message");
	if (c == '\n' && len >= 3 && !memcmp(data + at - 2, ".\r\n", 3) &&
	    (len == 3 || message[len - 4] == '\n'))
		see_end(ob, at, len);
	else if (c != '.' || !start)
		bytes_add(&ob->judged, &c, 1);
}

/* After DATA, AUTH and STARTTLS it depends on the answer what comes next. */
static void see_answer(struct observer *ob, size_t at)
{
	bool more = answered(ob, "3");

	if (ob->stretch == DATA_ASKED) {
		ob->stretch = more ? BODY : COMMAND;
		ob->body = at;
	} else if (ob->stretch == AUTH_ASKED) {
		ob->stretch = more ? AUTH_TEXT : COMMAND;
	} else if (ob->stretch == TLS_ASKED) {
		ob->stretch = answered(ob, "220") ? TUNNEL : COMMAND;
	}
	ob->line = at;
}

static void see_octet(struct observer *ob, const char *data, size_t at)
{
	see_answer(ob, ob->stretch == DATA_ASKED || ob->stretch == AUTH_ASKED ||
		   ob->stretch == TLS_ASKED ? at : ob->line);
	if (ob->stretch == BODY) {
		see_body(ob, data, at);
	} else if (ob->stretch == CHUNK) {
		bytes_add(&ob->judged, data + at, 1);
		ob->line = at + 1;
		if (!--ob->chunk)
			ob->stretch = COMMAND;
	} else if (ob->stretch != TUNNEL && data[at] == '\n') {
		see_line(ob, data + ob->line, at + 1 - ob->line);
		ob->line = at + 1;
	}
}

/* Replies that are whole: a line of three digits and no "-". */
static void see_replies(struct observer *ob)
{
	const struct bytes *b = &ob->owner->got[TO_CLIENT];
	const char *at, *end;

	while (ob->stretch != TUNNEL && ob->replies_seen < b->len) {
		at = b->data + ob->replies_seen;
		end = memmem(at, b->len - ob->replies_seen, "\r\n", 2);
		if (!end)
			break;
		ob->replies += end - at < 4 || at[3] != '-';
		ob->replies_seen += (size_t)(end - at) + 2;
	}
	if (ob->stretch != TUNNEL && ob->stretch != TLS_ASKED)
		/* A greeting, a line that is too long already, a last 421. */
		require(ob, ob->replies <= ob->commands + 3, "one reply a command");
}

static void see_ends(struct observer *ob)
{
	const struct owner *o = ob->owner;

	require(ob, !ob->server_gone || o->got[TO_SERVER].len == ob->server_had,
		"nothing to a server that is gone");
	require(ob, !ob->client_gone || o->got[TO_CLIENT].len == ob->client_had,
		"nothing to a client that is gone");
	ob->server_gone |= o->acts & (SMTP_ACT_RESET_SERVER | SMTP_ACT_CLOSE_SERVER);
	ob->client_gone |= o->acts & (SMTP_ACT_RESET_CLIENT | SMTP_ACT_CLOSE_CLIENT);
	ob->server_had = o->got[TO_SERVER].len;
	ob->client_had = o->got[TO_CLIENT].len;
}

void observer_start(struct observer *ob, const struct owner *owner)
{
	memset(&ob->broken, 0, sizeof(*ob) - offsetof(struct observer, broken));
	ob->owner = owner;
	ob->judged.len = 0;
	ob->compare = !owner->class.received;
}

void observer_said(struct observer *ob, const char *data, size_t len)
{
	size_t at;

	for (at = 0; at < len; at++)
		ob->commands += data[at] == '\n' || data[at] == '\r';
}

static void compare(struct observer *ob, const struct bytes *content)
{
	size_t from = ob->judged_seen;

	require(ob, ob->judged.len == content->len &&
		!memcmp(ob->judged.data + from, content->data + from, content->len - from),
		"what was judged went up");
	ob->judged_seen = content->len;
}

const char *observer_look(struct observer *ob)
{
	const struct owner *o = ob->owner;
	const struct bytes *up = &o->got[TO_SERVER];
	uint32_t epoch;

	see_ends(ob);
	for (; ob->seen < up->len && !ob->broken; ob->seen++)
		see_octet(ob, up->data, ob->seen);
	see_replies(ob);
	require(ob, ob->stretch != BODY || !up->len || up->data[up->len - 1] != '\r',
		"no CR goes up alone");
	require(ob, o->started - o->ended <= 1, "one message at a time");
	require(ob, o->accepted <= ob->ends, "what was accepted had an end");
	require(ob, smtp_waiting(&o->smtp, &epoch) < SMTP_WAIT_COUNT, "a wait is in force");
	if (ob->compare && !ob->broken)
		compare(ob, &o->got[CONTENT]);
	return ob->broken;
}
