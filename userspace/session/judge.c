// SPDX-License-Identifier: GPL-2.0
/*
 * Between engine and verdict: the engine's events become facts and counters,
 * the message's octets go to a scan, and the verdict goes back. In shadow the
 * verdict is counted and reported, and the engine is told to accept.
 */
#include <string.h>

#include "session/session.h"

/* Copy peer octets, cut to the room. */
static void keep_text(char *out, size_t size, const struct smtp_event *ev)
{
	size_t len = ev->len < size - 1 ? ev->len : size - 1;

	memcpy(out, ev->text, len);
	out[len] = '\0';
}

static void end_scan(struct session *s)
{
	verdict_scan_free(s->mail.scan);
	s->mail.scan = NULL;
}

static void on_mail(struct session *s, const struct smtp_event *ev)
{
	struct facts *f = &s->mail.facts;

	keep_text(f->from, sizeof(f->from), ev);
	f->recipients = 0;
	f->refused = 0;
	f->octets = 0;
	end_scan(s);
}

/* Have memory to scan the message with. */
static bool take_scan(struct session *s)
{
	struct verdict_bench *bench = s->worker->bench;

	if (!s->mail.scan && (!bench || verdict_scan_new(bench, &s->mail.scan)))
		s->mail.scan = NULL;
	return s->mail.scan;
}

/*
 * With the first recipient a message becomes likely. What there is no memory
 * for is refused at DATA, before it has cost anything (E16); in shadow nothing is.
 */
static void on_rcpt(struct session *s)
{
	s->mail.facts.recipients++;
	if (!take_scan(s) && !s->line.shadow)
		smtp_refuse_data(&s->smtp, SMTP_REPLY_memory);
}

static void on_data(struct session *s)
{
	s->mail.open = true;
	s->mail.certain = false;
	s->mail.begun = s->worker->now;
	s->mail.facts.octets = 0;
	s->messages.started++;
	worker_tally(s->worker, POSTERN_R_message_started);
	/* Without a recipient (E15) there is none yet; without a scan the end is tempfailed. */
	take_scan(s);
}

/* The session's count of what became of a message. */
static uint32_t *message_count(struct session *s, enum postern_reason reason)
{
	if (reason == POSTERN_R_message_accepted)
		return &s->messages.accepted;
	if (reason == POSTERN_R_message_rejected)
		return &s->messages.rejected;
	if (reason == POSTERN_R_message_tempfailed)
		return &s->messages.tempfailed;
	return &s->messages.aborted;
}

static void on_message(struct session *s, enum postern_reason reason, unsigned int code)
{
	if (!s->mail.open)
		return;
	end_scan(s);
	s->mail.open = false;
	s->mail.due = false;
	s->mail.code = code;
	(*message_count(s, reason))++;
	worker_tally(s->worker, reason);
}

static void on_event(void *owner, const struct smtp_event *ev)
{
	struct session *s = owner;

	switch (ev->kind) {
	case SMTP_EV_HELO:
		keep_text(s->mail.facts.helo, sizeof(s->mail.facts.helo), ev);
		break;
	case SMTP_EV_MAIL:
		on_mail(s, ev);
		break;
	case SMTP_EV_RCPT:
		on_rcpt(s);
		break;
	case SMTP_EV_RCPT_REFUSED:
		s->mail.facts.refused++;
		break;
	case SMTP_EV_RESET:
		end_scan(s);	/* the next MAIL starts from nothing */
		break;
	case SMTP_EV_DATA:
		on_data(s);
		break;
	case SMTP_EV_MESSAGE:
		on_message(s, ev->reason, ev->code);
		break;
	case SMTP_EV_NOTE:
		worker_tally(s->worker, ev->reason);
		tunnel_note(s, ev->reason);
		break;
	}
}

static void on_content(void *owner, const char *data, size_t len)
{
	struct session *s = owner;

	s->mail.facts.octets += len;
	if (s->mail.scan && !s->mail.certain)
		verdict_scan_feed(s->mail.scan, data, len);
}

const struct smtp_ops judge_ops = {
	.event = on_event,
	.content = on_content,
};

/* Count and report a verdict; returns what the engine is told. */
static enum verdict_action pronounce(struct session *s, const struct verdict *v)
{
	static const enum postern_reason rows[] = {
		[VERDICT_ACCEPT] = POSTERN_R_verdict_accept,
		[VERDICT_REJECT] = POSTERN_R_verdict_reject,
		[VERDICT_TEMPFAIL] = POSTERN_R_verdict_tempfail,
		[VERDICT_DROP] = POSTERN_R_verdict_reject,
	};
	bool shadowed = s->line.shadow && v->action != VERDICT_ACCEPT;

	record_verdict(s, v);
	worker_tally(s->worker, shadowed ? POSTERN_R_verdict_shadow : rows[v->action]);
	return shadowed ? VERDICT_ACCEPT : v->action;
}

/* End the scan and tell the engine. False: there is no verdict yet. */
static bool decide(struct session *s)
{
	struct verdict v = { .action = VERDICT_TEMPFAIL, .unscanned = true };

	if (s->mail.scan && verdict_scan_end(s->mail.scan, &s->mail.facts,
					     s->env.class->reject_score, &v))
		return false;
	s->mail.scan = NULL;
	smtp_verdict(&s->smtp, pronounce(s, &v));
	return true;
}

bool judge_early(struct session *s)
{
	if (!s->mail.scan || s->mail.certain || s->line.shadow ||
	    !verdict_scan_certain(s->mail.scan))
		return false;
	s->mail.certain = decide(s);
	return s->mail.certain;
}

bool judge_whole(struct session *s)
{
	if (!s->mail.certain && !decide(s))
		return false;
	s->mail.due = false;
	return !s->mail.certain;
}

bool judge_late(struct session *s)
{
	if (!s->mail.due)
		return false;
	end_scan(s);
	s->mail.due = false;
	return decide(s);
}

void judge_close(struct session *s)
{
	on_message(s, POSTERN_R_message_aborted, 0);
	end_scan(s);
}
