/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a decision is kept: one counter, and for every settings.sample-th of a
 * reason (counted per CPU, the first included) one event in the ring.
 */
#ifndef POSTERN_BPF_COUNT_H
#define POSTERN_BPF_COUNT_H

#include "maps.h"
#include "packet.h"

/* Where a decision is taken. */
struct site {
	const struct postern_settings	*set;
	__u32				ifindex;
	__u8				hook;	/* enum postern_hook */
};

/* Count; returns how often this CPU had counted it before. */
static __always_inline __u64 count(__u32 reason)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &reason);

	return n ? (*n)++ : 0;
}

/* The settings row, or NULL when it is not of this layout: then all passes. */
static __always_inline const struct postern_settings *settings_get(void)
{
	const struct postern_settings *set;
	__u32 zero = 0;

	set = bpf_map_lookup_elem(&settings, &zero);
	if (set && set->abi == POSTERN_ABI)
		return set;
	count(POSTERN_R_internal);
	return NULL;
}

/* @where: the interface; @what: hook, would-be reason and reason, 8 + 8 + 16 bits. */
__noinline int event_write(const struct packet *p, __u32 where, __u32 what)
{
	struct postern_event *e;

	if (!p)
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return 0;
	e->when = bpf_ktime_get_boot_ns();
	e->src = p->src;
	e->dst = p->dst;
	e->sport = p->sport;
	e->dport = p->dport;
	e->ifindex = where;
	e->reason = what & 0xffff;
	e->hook = what >> 24;
	e->tcp_flags = p->flags;
	e->would = what >> 16 & 0xff;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* Keep a decision that opens, closes or refuses something. */
static __always_inline void decided_as(const struct site *s, const struct packet *p,
				       __u16 reason, __u16 would)
{
	__u32 before = count(reason);

	if (s->set->sample && before % s->set->sample == 0)
		event_write(p, s->ifindex, s->hook << 24 | would << 16 | reason);
}

static __always_inline void decided(const struct site *s, const struct packet *p, __u16 reason)
{
	decided_as(s, p, reason, POSTERN_R_none);
}

/* Keep one that every segment of a session meets: an event only where it begins or ends. */
static __always_inline void passed(const struct site *s, const struct packet *p, __u16 reason)
{
	if (p->flags & (TCP_SYN | TCP_FIN | TCP_RST))
		decided(s, p, reason);
	else
		count(reason);
}

#endif
