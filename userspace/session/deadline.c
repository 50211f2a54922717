// SPDX-License-Identifier: GPL-2.0
/*
 * What a session waits for, and what happens when it waits in vain. All times
 * are points of boot time; one wheel timer stands at the nearest. When a point
 * moves away the timer is left where it is: it fires, finds nothing due and is
 * set anew, which is cheaper than to move it with every command.
 */
#include <stddef.h>

#include "base/clock.h"
#include "session/session.h"

/* A message may be slow for so long, then it keeps up this rate on the whole. */
#define FLOOR_AFTER	(300 * NS_PER_SEC)
#define FLOOR_RATE	50	/* octets a second */

/* Which parameter each wait has. */
static const size_t wait_param[] = {
#define WAIT(name, param, reason, text) [SMTP_WAIT_##name] = offsetof(struct conf, param),
#include "tbl/waits.h"
#undef WAIT
};

static uint64_t wait_span(const struct conf *conf, enum smtp_wait wait)
{
	return *(const uint64_t *)((const char *)conf + wait_param[wait]);
}

/* A wait begins when its epoch changes; its row, which says how long, may change within. */
static void follow_wait(struct session *s)
{
	uint32_t epoch;

	if (s->server.connecting)
		return;
	s->wait = (uint8_t)smtp_waiting(&s->smtp, &epoch);
	if (s->wait_since && epoch == s->wait_epoch)
		return;
	s->wait_epoch = epoch;
	s->wait_since = s->worker->now;
}

/* Is it the client that is waited for? */
static bool client_due(const struct session *s)
{
	return s->wait == SMTP_WAIT_idle || s->wait == SMTP_WAIT_line ||
	       s->wait == SMTP_WAIT_body;
}

/*
 * A side does not take what it is owed, so the client is not read: then that
 * side's time runs, and not the client's.
 */
static bool held_up(const struct session *s)
{
	return s->client.out.len || s->server.out.len;
}

/* Note when that begins; when it ends the client gets its time back. */
static void follow_hold(struct session *s)
{
	struct session_mail *m = &s->mail;
	uint64_t now = s->worker->now;

	if (held_up(s)) {
		if (!s->held_since)
			s->held_since = now;
		return;
	}
	if (s->held_since && client_due(s))
		s->wait_since = 0;
	if (s->held_since)
		m->begun += now - (m->begun > s->held_since ? m->begun : s->held_since);
	s->held_since = 0;
}

static uint64_t wait_until(const struct session *s)
{
	const struct conf *conf = s->worker->all->conf;

	if (s->server.connecting)
		return s->born + conf->dial_timeout;
	if (client_due(s) && held_up(s))
		return UINT64_MAX;
	return s->wait_since + wait_span(conf, s->wait);
}

/* A session that is long enough ends where no transaction is hurt. TLS shows no such place. */
static uint64_t total_until(const struct session *s)
{
	bool between = s->wait == SMTP_WAIT_idle && !smtp_in_transaction(&s->smtp);

	if (s->finishing || s->server.connecting || !(between || smtp_in_tunnel(&s->smtp)))
		return UINT64_MAX;
	return s->born + s->worker->all->conf->session_timeout;
}

/*
 * When the message in progress falls below the floor if nothing more comes. A
 * client that sends an octet a minute never makes body_timeout strike.
 */
static uint64_t floor_until(const struct session *s)
{
	uint64_t paid = s->mail.facts.octets / FLOOR_RATE * NS_PER_SEC;

	if (!s->mail.open || s->wait != SMTP_WAIT_body || s->server.out.len)
		return UINT64_MAX;
	return s->mail.begun + (paid > FLOOR_AFTER ? paid : FLOOR_AFTER);
}

/* What is owed to a side that was closed is forgotten, and so is its deadline. */
static uint64_t stall_until(const struct session *s, const struct leg *leg)
{
	return leg->out.len ? s->stall_until[leg->side] : 0;
}

static uint64_t nearer(uint64_t a, uint64_t b)
{
	return b && b < a ? b : a;
}

static uint64_t nearest(const struct session *s)
{
	uint64_t at = UINT64_MAX;

	at = nearer(at, stall_until(s, &s->client));
	at = nearer(at, stall_until(s, &s->server));
	if (s->linger_until)
		return nearer(at, s->linger_until);
	at = nearer(at, wait_until(s));
	at = nearer(at, floor_until(s));
	at = nearer(at, s->tls.until);
	at = nearer(at, tunnel_resume(s));
	return nearer(at, total_until(s));
}

void deadline_arm(struct session *s)
{
	struct worker *w = s->worker;
	uint64_t tick;

	follow_wait(s);
	/* Up: a timer that fires a moment early would only be set again. */
	tick = nearest(s) / NS_PER_MS + 1;
	if (!timer_running(&s->timer) || s->timer.expires > tick)
		wheel_start(&w->wheel, &s->timer, tick);
}

void deadline_progress(struct session *s, const struct leg *leg, uint64_t octets_before)
{
	uint64_t *until = &s->stall_until[leg->side];

	follow_hold(s);
	if (!leg->out.len || leg->connecting)
		*until = 0;
	else if (!*until || leg->octets_out != octets_before)
		*until = s->worker->now + s->worker->all->conf->write_timeout;
}

static bool struck(const struct session *s, uint64_t until)
{
	return until && s->worker->now >= until;
}

static void expire(struct session *s)
{
	if (struck(s, total_until(s))) {
		s->finishing = true;
		smtp_finish(&s->smtp, SMTP_REPLY_closing_timeout, POSTERN_R_end_timeout_total);
	} else if (struck(s, s->tls.until)) {
		s->tls.until = 0;
		smtp_tunnel_late(&s->smtp);
	} else if (struck(s, wait_until(s)) || struck(s, floor_until(s))) {
		/* In shadow the message goes on, and the wait with it. */
		if (s->wait == SMTP_WAIT_verdict && judge_late(s))
			return;
		s->wait_since = 0;
		smtp_expire(&s->smtp);
	}
}

void deadline_strike(struct session *s)
{
	if (struck(s, s->linger_until)) {
		session_finish(s);
		return;
	}
	if (struck(s, stall_until(s, &s->client)) || struck(s, stall_until(s, &s->server))) {
		session_kill(s, POSTERN_R_end_timeout_write);
		return;
	}
	if (!s->linger_until && struck(s, wait_until(s)) && s->server.connecting) {
		session_dial_timeout(s);
		return;
	}
	if (!s->linger_until)
		expire(s);
	session_run(s);
}
