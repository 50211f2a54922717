// SPDX-License-Identifier: GPL-2.0
/* See smtp_owner.h. */
#include "smtp_owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON(name, origin, effect, text) #name,
static const char *const reason_words[] = {
#include "tbl/reasons.h"
};
#undef REASON

static const char *const event_words[] = {
	[SMTP_EV_HELO] = "helo", [SMTP_EV_MAIL] = "mail", [SMTP_EV_RCPT] = "rcpt",
	[SMTP_EV_RCPT_REFUSED] = "refused", [SMTP_EV_RESET] = "reset", [SMTP_EV_DATA] = "data",
	[SMTP_EV_MESSAGE] = "message", [SMTP_EV_NOTE] = "note",
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

void bytes_add(struct bytes *b, const char *data, size_t len)
{
	require(b->len + len <= OWNER_BYTES);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void on_event(void *owner, const struct smtp_event *ev)
{
	struct owner *o = owner;
	struct bytes *to = &o->got[EVENTS];
	char words[128];

	o->started += ev->kind == SMTP_EV_DATA;
	o->ended += ev->kind == SMTP_EV_MESSAGE;
	o->accepted += ev->reason == POSTERN_R_message_accepted;
	if (ev->kind == SMTP_EV_MESSAGE)
		snprintf(words, sizeof(words), "%s %u", reason_words[ev->reason], ev->code);
	else if (ev->kind == SMTP_EV_NOTE)
		snprintf(words, sizeof(words), "note %s", reason_words[ev->reason]);
	else if (ev->kind == SMTP_EV_RCPT_REFUSED)
		snprintf(words, sizeof(words), "refused %u", ev->code);
	else
		snprintf(words, sizeof(words), "%s", event_words[ev->kind]);
	bytes_add(to, words, strlen(words));
	if (ev->len)
		bytes_add(to, " ", 1);
	bytes_add(to, ev->text, ev->len);
	bytes_add(to, "\r\n", 2);
}

static void on_content(void *owner, const char *data, size_t len)
{
	struct owner *o = owner;

	require(len > 0 && o->started == o->ended + 1);
	bytes_add(&o->got[CONTENT], data, len);
}

static const struct smtp_ops ops = { on_event, on_content };

void owner_reset(struct owner *o)
{
	int i;

	for (i = 0; i < KINDS; i++)
		o->got[i].len = 0;
	for (i = 0; i < 2; i++) {
		o->in[i].len = 0;
		o->eof[i] = false;
	}
	o->acts = o->started = o->ended = o->accepted = 0;
	o->class = (struct conf_class) {
		.title = (char *)"default",
		.auth_code = 573,
		.auth_text = (char *)"use port 587",
		.help_url = (char *)"http://help.example/",
		.max_recipients = 1000,
		.max_line = 1024 * 1024,
		.max_junk = 100,
		.tls_octets = 64 * 1024 * 1024,
	};
	o->env = (struct smtp_env) {
		.class = &o->class,
		.hostname = "rtr.example",
		.client = "10.64.0.2",
		.ticket = "T1",
	};
}

void owner_start(struct owner *o, enum smtp_reply refused)
{
	if (refused != SMTP_REPLY_COUNT)
		smtp_init_refused(&o->smtp, &o->env, &ops, o, refused);
	else
		smtp_init(&o->smtp, &o->env, &ops, o);
	owner_turns(o, false);
}

static void keep(struct bytes *in, const struct smtp_in *rest)
{
	require(rest->len <= in->len && rest->data == in->data + (in->len - rest->len));
	memmove(in->data, rest->data, rest->len);
	in->len = rest->len;
}

void owner_turn(struct owner *o, size_t room)
{
	static char out[2][SMTP_OUTPUT_ROOM + 1];
	struct smtp_turn t = {
		.client = { o->in[CLIENT].data, o->in[CLIENT].len, false, o->eof[CLIENT] },
		.server = { o->in[SERVER].data, o->in[SERVER].len, false, o->eof[SERVER] },
		.to_client = { out[0], 0, room },
		.to_server = { out[1], 0, room },
		.wall = 1700000000,
	};
	int i;

	t.client.full = t.client.len >= SMTP_CLIENT_INPUT;
	t.server.full = t.server.len >= SMTP_SERVER_INPUT;
	for (i = 0; i < 2; i++)
		out[i][room] = '#';
	o->acts |= smtp_turn(&o->smtp, &t);
	for (i = 0; i < 2; i++)
		require(out[i][room] == '#');
	require(t.to_client.len <= room && t.to_server.len <= room);
	keep(&o->in[CLIENT], &t.client);
	keep(&o->in[SERVER], &t.server);
	bytes_add(&o->got[TO_CLIENT], out[0], t.to_client.len);
	bytes_add(&o->got[TO_SERVER], out[1], t.to_server.len);
}

void owner_turns(struct owner *o, bool stutter)
{
	size_t held, come, gone;
	unsigned int acts;

	do {
		acts = o->acts;
		held = o->in[CLIENT].len + o->in[SERVER].len;
		come = o->got[TO_CLIENT].len + o->got[TO_SERVER].len;
		if (stutter)
			owner_turn(o, 0);
		owner_turn(o, SMTP_OUTPUT_ROOM);
		gone = held - o->in[CLIENT].len - o->in[SERVER].len;
	} while (gone || acts != o->acts ||
		 come != o->got[TO_CLIENT].len + o->got[TO_SERVER].len);
}

void owner_send(struct owner *o, int side, const char *data, size_t len, bool stutter)
{
	size_t most = side == CLIENT ? SMTP_CLIENT_INPUT : SMTP_SERVER_INPUT;
	size_t n = 1;

	while (len && n) {
		n = most - o->in[side].len;
		if (n > len)
			n = len;
		bytes_add(&o->in[side], data, n);
		data += n;
		len -= n;
		owner_turns(o, stutter);
	}
}
