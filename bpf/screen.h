/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the screen does, wherever it runs: frames that cannot be judged, the
 * SYN budget of a line, floods from refused lines. Source addresses are not
 * proven here, so nothing is remembered against a line but its own budget.
 */
#ifndef POSTERN_BPF_SCREEN_H
#define POSTERN_BPF_SCREEN_H

#include "policy.h"

#define REFUSED_INTERVAL	200000000ULL			/* 5 segments a second */
#define REFUSED_TOLERANCE	(10 * REFUSED_INTERVAL)

/*
 * Generic cell rate: the budget is one time stamp, moved on by @interval per
 * packet, at most @tolerance ahead of now. Lost races are in the line's favour.
 */
static __always_inline bool budget_take(const struct postern_addr *line, __u64 interval,
					__u64 tolerance)
{
	__u64 *tat = bpf_map_lookup_elem(&budgets, line);
	__u64 now = bpf_ktime_get_boot_ns();
	__u64 next = now + interval, seen;

	if (tolerance < interval)
		tolerance = interval;
	if (!tat) {
		bpf_map_update_elem(&budgets, line, &next, BPF_NOEXIST);
		return true;
	}
	seen = *tat;
	if (seen > now + tolerance) {
		/* Left by a slower limit: it may not outlast the one in force. */
		__sync_val_compare_and_swap(tat, seen, now + tolerance);
		return false;
	}
	if (seen > now)
		next = seen + interval;
	if (next > now + tolerance)
		return false;
	__sync_val_compare_and_swap(tat, seen, next);
	return true;
}

/*
 * Whose frame is this that cannot be judged? The kernel peels off any number
 * of priority tags, so one whose tags we could not count to the end is taken
 * as everybody's: no honest host sends it.
 */
static __always_inline bool screen_whose(const struct packet *p, struct policy *pol)
{
	if (!p->hidden)
		return policy_of(&p->src, pol);
	pol->treatment = POSTERN_STEER;
	pol->class = POSTERN_CLASS_INHERIT;
	pol->rollout = 100;
	return true;
}

/* PACKET_BAD. @quiet: a screen stood before us, and has kept what it let pass. */
static __always_inline bool screen_bad(const struct site *s, const struct packet *p, bool quiet)
{
	struct policy pol = {};

	if (!screen_whose(p, &pol) || pol.treatment == POSTERN_EXEMPT)
		return true;
	if (bypass_on(s->set)) {
		if (!quiet)
			decided_as(s, p, POSTERN_R_bypass, p->bad);
		return true;
	}
	if (quiet && policy_shadow(s, &pol))
		return true;
	return !policy_drop(s, &pol, p, p->bad);
}

static __always_inline bool screen_syn(const struct site *s, const struct packet *p,
				       const struct policy *pol)
{
	const struct postern_class *class = class_get(pol->class);

	if (!class || !class->syn_interval)
		return true;
	if (budget_take(&pol->line, class->syn_interval, class->syn_tolerance))
		return true;
	return !policy_drop(s, pol, p, POSTERN_R_syn_budget);
}

/* A refused line: what earns a reset, at the pace at which resets are worth it. */
static __always_inline bool screen_refused(const struct site *s, const struct packet *p,
					   const struct policy *pol)
{
	if (budget_take(&pol->line, REFUSED_INTERVAL, REFUSED_TOLERANCE))
		return true;
	return !policy_drop(s, pol, p, POSTERN_R_refused_flood);
}

/*
 * A segment to port 25. Only one that opens is judged here: others may be of a
 * session of ours, which a line that is refused by now may still bring to the
 * end of its message. Steering knows them apart.
 */
static __always_inline bool screen_segment(const struct site *s, const struct packet *p)
{
	const struct postern_destination *d;
	struct policy pol;

	if (!packet_opens(p) || destination_special(p) || !policy_of(&p->src, &pol))
		return true;
	if (pol.treatment == POSTERN_EXEMPT || bypass_on(s->set))
		return true;
	d = destination_match(&p->dst);
	if (destination_is(d, POSTERN_DEST_OWN) || destination_is(d, POSTERN_DEST_PASS))
		return true;
	if (pol.treatment == POSTERN_STEER)
		return screen_syn(s, p, &pol);
	return screen_refused(s, p, &pol);
}

/* True: let it go on. */
static __always_inline bool screen(const struct site *s, const struct packet *p,
				   enum packet_kind kind)
{
	if (kind == PACKET_BAD)
		return screen_bad(s, p, false);
	if (kind == PACKET_TCP && p->dport == SMTP_PORT)
		return screen_segment(s, p);
	return true;
}

#endif
