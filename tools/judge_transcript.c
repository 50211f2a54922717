// SPDX-License-Identifier: GPL-2.0
/*
 * Plays a written dialogue through the SMTP engine as a session would, both
 * legs held in memory, and judges each message in it. Time stands still: no
 * time-out strikes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "smtp/smtp.h"

/* Octets of replies and forwarded commands are not looked at; room for a turn. */
#define OUTPUT	(64 * 1024)

/* One side's octets that the engine has not taken yet. */
struct held {
	char	*data;
	size_t	len;
	size_t	size;
};

struct play {
	struct judge	*judge;
	const char	*file;
	struct smtp	smtp;
	struct smtp_env	env;
	struct held	client, server;
	char		*output[2];
	bool		over;		/* the engine has closed the client's leg */
	bool		cut_off;	/* ... or the exchanger's */
	struct facts	facts;
	struct verdict_scan *scan;
	unsigned int	messages;
	struct judged	judged;		/* message in progress */
};

static const char *const outcomes[] = {
	[POSTERN_R_message_accepted] = "message_accepted",
	[POSTERN_R_message_rejected] = "message_rejected",
	[POSTERN_R_message_tempfailed] = "message_tempfailed",
	[POSTERN_R_message_aborted] = "message_aborted",
	[POSTERN_R_COUNT] = NULL,
};

static void message_begin(struct play *p)
{
	int rc = verdict_scan_new(p->judge->bench, &p->scan);

	p->judged = (struct judged){ .file = p->file, .message = ++p->messages,
				     .no_verdict = true };
	if (rc)
		judge_fail(p->judge, p->file, "%s", strerror(-rc));
}

static void message_end(struct play *p, enum postern_reason reason, unsigned int reply)
{
	verdict_scan_free(p->scan);
	p->scan = NULL;
	p->judged.outcome = outcomes[reason] ? outcomes[reason] : "message_aborted";
	p->judged.reply = reply;
	judge_print(p->judge, &p->judged);
}

static void on_event(void *owner, const struct smtp_event *ev)
{
	struct play *p = owner;

	switch (ev->kind) {
	case SMTP_EV_DATA:
		message_begin(p);
		return;
	case SMTP_EV_MESSAGE:
		message_end(p, ev->reason, ev->code);
		p->facts.recipients = 0;
		return;
	case SMTP_EV_RCPT:
		p->facts.recipients++;
		return;
	case SMTP_EV_RESET:
	case SMTP_EV_MAIL:
		p->facts.recipients = 0;
		return;
	case SMTP_EV_HELO:
	case SMTP_EV_RCPT_REFUSED:
	case SMTP_EV_NOTE:
		return;
	}
}

static void on_content(void *owner, const char *data, size_t len)
{
	struct play *p = owner;

	if (p->scan)
		verdict_scan_feed(p->scan, data, len);
}

static const struct smtp_ops ops = { .event = on_event, .content = on_content };

/* The message is whole and the engine waits for what we think of it. */
static void give_verdict(struct play *p)
{
	const struct conf_class *class = p->env.class;

	p->judged.verdict.action = VERDICT_TEMPFAIL;
	if (p->scan) {
		verdict_scan_end(p->scan, &p->facts, class->reject_score, &p->judged.verdict);
		p->judged.no_verdict = false;
	}
	p->scan = NULL;
	smtp_verdict(&p->smtp, p->judged.verdict.action);
}

/* Keep what the engine left. */
static void held_take(struct held *h, const struct smtp_in *in)
{
	memmove(h->data, in->data, in->len);
	h->len = in->len;
}

/* One turn. Returns whether anything moved. */
static bool turn(struct play *p, bool eof)
{
	struct smtp_turn t = {
		.client = { p->client.data, p->client.len, p->client.len == p->client.size, eof },
		.server = { p->server.data, p->server.len, p->server.len == p->server.size, eof },
		.to_client = { p->output[0], 0, OUTPUT },
		.to_server = { p->output[1], 0, OUTPUT },
	};
	size_t before = p->client.len + p->server.len;
	unsigned int act = smtp_turn(&p->smtp, &t);

	held_take(&p->client, &t.client);
	held_take(&p->server, &t.server);
	p->cut_off |= (act & (SMTP_ACT_RESET_SERVER | SMTP_ACT_CLOSE_SERVER)) != 0;
	p->over |= (act & (SMTP_ACT_RESET_CLIENT | SMTP_ACT_CLOSE_CLIENT)) != 0;
	if (act & SMTP_ACT_VERDICT)
		give_verdict(p);
	return (act & SMTP_ACT_VERDICT) || t.to_client.len || t.to_server.len ||
	       p->client.len + p->server.len != before;
}

static void turns(struct play *p, bool eof)
{
	while (!p->over && turn(p, eof))
		;
}

/* Add a line with its line end. Returns -EMSGSIZE when the engine leaves too much. */
static int held_add(struct held *h, const char *line, size_t len)
{
	if (h->len + len + 2 > h->size)
		return -EMSGSIZE;
	memcpy(h->data + h->len, line, len);
	memcpy(h->data + h->len + len, "\r\n", 2);
	h->len += len + 2;
	return 0;
}

/* One line of the file without its line end. Returns 0, -EINVAL or -EMSGSIZE. */
static int play_line(struct play *p, const char *line, size_t len)
{
	bool client;
	int rc;

	if (!len || line[0] == '#' || p->over)
		return 0;
	client = line[0] == 'C';
	if ((!client && line[0] != 'S') || len < 2 || line[1] != ':' ||
	    (len > 2 && line[2] != ' '))
		return -EINVAL;
	if (!client && p->cut_off)
		return 0;
	line += len > 2 ? 3 : 2;
	rc = held_add(client ? &p->client : &p->server, line, len - (len > 2 ? 3 : 2));
	if (!rc)
		turns(p, false);
	return rc;
}

static void play_file(struct play *p, FILE *in)
{
	unsigned int number = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int rc = 0;

	while (!rc && (len = getline(&line, &size, in)) >= 0) {
		number++;
		while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			len--;
		rc = play_line(p, line, (size_t)len);
	}
	free(line);
	if (rc == -EINVAL)
		judge_fail(p->judge, p->file, "line %u: expected \"C: ...\", \"S: ...\" or "
			   "\"# comment\"", number);
	else if (rc)
		judge_fail(p->judge, p->file, "line %u: more octets than a session holds while "
			   "it waits for the other side", number);
	else if (ferror(in))
		judge_fail(p->judge, p->file, "cannot read: %s", strerror(errno));
}

static int play_open(struct play *p)
{
	p->client.size = SMTP_CLIENT_INPUT;
	p->server.size = SMTP_SERVER_INPUT;
	p->client.data = malloc(p->client.size);
	p->server.data = malloc(p->server.size);
	p->output[0] = malloc(OUTPUT);
	p->output[1] = malloc(OUTPUT);
	if (!p->client.data || !p->server.data || !p->output[0] || !p->output[1])
		return -ENOMEM;
	p->env = (struct smtp_env){
		.class = &p->judge->conf->classes[p->judge->class_id],
		.hostname = "postern.invalid",
		.client = "192.0.2.1",
		.ticket = "judge",
	};
	smtp_init(&p->smtp, &p->env, &ops, p);
	return 0;
}

static void play_close(struct play *p)
{
	verdict_scan_free(p->scan);
	free(p->client.data);
	free(p->server.data);
	free(p->output[0]);
	free(p->output[1]);
}

void judge_transcript(struct judge *j, const char *file, FILE *in)
{
	struct play p = { .judge = j, .file = file };

	if (play_open(&p)) {
		judge_fail(j, file, "%s", strerror(ENOMEM));
	} else {
		play_file(&p, in);
		turns(&p, true);
		if (!p.messages)
			judge_fail(j, file, "a dialogue without a message");
	}
	if (p.scan)
		message_end(&p, POSTERN_R_message_aborted, 0);
	play_close(&p);
}
