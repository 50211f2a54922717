// SPDX-License-Identifier: GPL-2.0
/*
 * What bounds a TLS session that was passed: its length (deadline.c strikes),
 * and the rate at which the client's octets are taken. The rate is one point
 * in time, up to which all that came is paid for; a client that is ahead of it
 * by a second's worth is not read until it has lost a quarter of that, so that
 * it costs four wake-ups a second and not one an octet. In shadow the rate is
 * left alone.
 */
#include "base/clock.h"
#include "session/session.h"

#define AHEAD_MOST	NS_PER_SEC
#define AHEAD_RESUME	(AHEAD_MOST * 3 / 4)

void tunnel_note(struct session *s, enum postern_reason note)
{
	if (note == POSTERN_R_tls_passed) {
		s->tls.passed = true;
		s->tls.until = s->worker->now + s->env.class->tls_time;
	} else if (note == POSTERN_R_tls_wanted) {
		s->tls.wanted = true;
	}
}

static bool is_metered(const struct session *s)
{
	return smtp_in_tunnel(&s->smtp) && !s->line.shadow;
}

/* How far the client is ahead of its rate, in ns. */
static uint64_t ahead(const struct session *s)
{
	return s->tls.paid_until > s->worker->now ? s->tls.paid_until - s->worker->now : 0;
}

size_t tunnel_allowance(const struct session *s, size_t most)
{
	uint64_t span, octets;

	if (!is_metered(s))
		return most;
	span = ahead(s) < AHEAD_MOST ? AHEAD_MOST - ahead(s) : 0;
	/* In ms: a rate may be as large as 10^12. */
	octets = span / NS_PER_MS * (uint64_t)s->env.class->tls_rate / 1000;
	return octets < most ? (size_t)octets : most;
}

void tunnel_pay(struct session *s, size_t octets)
{
	if (!is_metered(s))
		return;
	s->tls.paid_until = s->worker->now + ahead(s) +
			    octets * NS_PER_SEC / (uint64_t)s->env.class->tls_rate;
}

uint64_t tunnel_resume(const struct session *s)
{
	if (!is_metered(s) || ahead(s) <= AHEAD_RESUME)
		return 0;
	return s->tls.paid_until - AHEAD_RESUME;
}
