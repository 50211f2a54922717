/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tc program of the subscriber side as one inline body; steer.bpf.c makes
 * the variants of it, selftests/bench measures it.
 *
 * A SYN to be steered is only marked. The stack, which has to look for a
 * socket anyway, then finds what no assignment from here could respect: the
 * half-open connection of a repeated SYN, or the pair's rest in TIME_WAIT; else
 * it asks lookup.bpf.c for the listener. Segments of open sessions are
 * assigned, which saves the stack its search. Whether an assignment worked is
 * not looked at: the mark alone decides, and where it is refused (PPPoE's
 * second device, a listener that closes this very moment, BPF_PROG_TEST_RUN)
 * the stack finds the socket.
 */
#ifndef POSTERN_BPF_STEER_H
#define POSTERN_BPF_STEER_H

#include <linux/pkt_cls.h>

#include "count.h"
#include "flow.h"
#include "own.h"
#include "parse.h"
#include "policy.h"
#include "reset.h"
#include "screen.h"
#include "worker.h"

/* A segment to port 25 that is no open session's of ours. */
struct steering {
	struct site	site;
	struct policy	policy;
	bool		ether;
};

static __always_inline int steer_pass(const struct site *s, const struct packet *p, __u16 reason)
{
	passed(s, p, reason);
	return TC_ACT_UNSPEC;
}

/*
 * Pass a line's segment, and remember that answers to it are genuine. A SYN
 * may be one that we have answered already, before the line was exempt or the
 * last worker fell silent: were it let out now, the exchanger's answer to it
 * would end in a reset of the connection that we have accepted.
 */
static __always_inline int steer_direct(struct __sk_buff *skb, const struct site *s,
					const struct packet *p, __u16 reason)
{
	if (packet_opens(p) && own_opened(skb, p)) {
		own_mark(skb, s->set);
		count(POSTERN_R_own_session);
		return TC_ACT_UNSPEC;
	}
	flow_from_inside(p);
	return steer_pass(s, p, reason);
}

static __always_inline int steer_reset(struct __sk_buff *skb, const struct steering *st,
				       const struct packet *p, __u16 reason)
{
	if (policy_shadow(&st->site, &st->policy)) {
		flow_from_inside(p);
		decided_as(&st->site, p, POSTERN_R_shadow_reset, reason);
		return TC_ACT_UNSPEC;
	}
	decided(&st->site, p, reason);
	return reset_send(skb, p, st->ether);
}

/* No worker answers. */
static __always_inline int steer_fail(struct __sk_buff *skb, const struct steering *st,
				      const struct packet *p)
{
	const struct postern_class *class = class_get(st->policy.class);

	if (class && class->fail == POSTERN_FAIL_RESET)
		return steer_reset(skb, st, p, POSTERN_R_fail_reset);
	return steer_direct(skb, &st->site, p, POSTERN_R_fail_open);
}

/* To this line alone: else one line, blocked by an exchanger, would shut it to all. */
static __always_inline bool exchanger_dead(const struct postern_addr *line,
					   const struct postern_addr *a)
{
	__u32 slot = postern_dead_slot(line, a);
	struct postern_dead *d = bpf_map_lookup_elem(&dead, &slot);

	return d && d->until && addr_equal(&d->exchanger, a) && addr_equal(&d->line, line) &&
	       !time_over(d->until);
}

static __always_inline int steer_syn(struct __sk_buff *skb, const struct steering *st,
				     const struct packet *p)
{
	bool other = false;
	struct bpf_sock *sk;

	if (exchanger_dead(&st->policy.line, &p->dst))
		return steer_reset(skb, st, p, POSTERN_R_dead_exchanger);
	sk = worker_of(st->site.set, &st->policy.line, &other);
	if (!sk)
		return steer_fail(skb, st, p);
	bpf_sk_release(sk);
	own_mark(skb, st->site.set);
	decided(&st->site, p, other ? POSTERN_R_steered_other_worker : POSTERN_R_steered);
	return TC_ACT_UNSPEC;
}

/* What the cookie check reads: the IP header (IPv4 fills the half of it) and TCP. */
struct cookie {
	__u8		ip[sizeof(struct ipv6hdr)];
	struct tcphdr	tcp;
};

static __always_inline bool cookie_load(struct __sk_buff *skb, const struct packet *p,
					struct cookie *c)
{
	__u32 len = p->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	return !bpf_skb_load_bytes(skb, p->l3, c->ip, len) &&
	       !bpf_skb_load_bytes(skb, p->l4, &c->tcp, sizeof(c->tcp));
}

/* Does the cookie belong to this worker's listener? Then it gets the packet. */
static __always_inline bool cookie_taken(struct __sk_buff *skb, const struct packet *p,
					 struct cookie *c, __u32 worker)
{
	struct bpf_sock *sk = bpf_map_lookup_elem(&listeners, &worker);
	bool valid;

	if (!sk)
		return false;
	valid = !bpf_tcp_check_syncookie(sk, c->ip, sizeof(c->ip), &c->tcp, sizeof(c->tcp));
	if (valid && !p->link)
		bpf_sk_assign(skb, sk, 0);
	bpf_sk_release(sk);
	return valid;
}

/* Ask the line's own worker first: a cookie is good only where it was baked. */
__noinline int cookie_valid(struct __sk_buff *skb, const struct packet *p,
			    const struct postern_addr *line, __u32 workers)
{
	struct cookie c = {};
	__u32 w, i;

	if (!p || !line || (p->flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK)
		return 0;
	if (!workers || workers > POSTERN_MAX_WORKERS || !cookie_load(skb, p, &c))
		return 0;
	w = postern_line_worker(line, workers);
	for (i = 0; i < POSTERN_MAX_WORKERS && i < workers; i++) {
		if (cookie_taken(skb, p, &c, w))
			return 1;
		w = (w + 1) % workers;
	}
	return 0;
}

/* Neither a SYN nor of a session of ours: the end of a handshake, or a direct session. */
static __always_inline int steer_orphan(struct __sk_buff *skb, const struct steering *st,
					const struct packet *p)
{
	if (cookie_valid(skb, p, &st->policy.line, st->site.set->workers)) {
		own_mark(skb, st->site.set);
		decided(&st->site, p, POSTERN_R_steered_cookie);
		return TC_ACT_UNSPEC;
	}
	flow_from_inside(p);
	count(POSTERN_R_direct_session);
	return TC_ACT_UNSPEC;
}

/*
 * A worker tells a refused line why: it gets the SYN, or the end of a handshake
 * by cookie. No worker, and nothing else: false. The fail mode is not asked,
 * nor is the exchanger's state: nobody will be dialled.
 */
static __always_inline bool steer_greeted(struct __sk_buff *skb, const struct steering *st,
					  const struct packet *p)
{
	__u16 reason = POSTERN_R_refused_greeted;
	struct bpf_sock *sk;
	bool other;

	if (packet_opens(p)) {
		sk = worker_of(st->site.set, &st->policy.line, &other);
		if (!sk)
			return false;
		bpf_sk_release(sk);
	} else {
		if (!cookie_valid(skb, p, &st->policy.line, st->site.set->workers))
			return false;
		reason = POSTERN_R_steered_cookie;
	}
	own_mark(skb, st->site.set);
	decided(&st->site, p, reason);
	return true;
}

/*
 * The screen has let through what opens; the rest has its turn here. In shadow
 * nothing is reset, so that no pace has to be kept.
 */
static __always_inline int steer_refused(struct __sk_buff *skb, const struct steering *st,
					 const struct packet *p)
{
	bool enforced = !policy_shadow(&st->site, &st->policy);
	bool paced = enforced && !packet_opens(p);

	if (enforced && policy_greets(&st->policy) && steer_greeted(skb, st, p))
		return TC_ACT_UNSPEC;
	if (paced && !screen_refused(&st->site, p, &st->policy))
		return TC_ACT_SHOT;
	return steer_reset(skb, st, p, POSTERN_R_refused_line);
}

/* The line is known: its treatment. */
static __always_inline int steer_line(struct __sk_buff *skb, const struct steering *st,
				      const struct packet *p)
{
	const struct policy *pol = &st->policy;

	if (pol->treatment == POSTERN_EXEMPT)
		return steer_direct(skb, &st->site, p,
				    pol->by_line ? POSTERN_R_exempt_line :
						   POSTERN_R_exempt_pool);
	if (bypass_on(st->site.set))
		return steer_direct(skb, &st->site, p, POSTERN_R_bypass);
	if (pol->treatment == POSTERN_REFUSE)
		return steer_refused(skb, st, p);
	if (packet_opens(p))
		return steer_syn(skb, st, p);
	return steer_orphan(skb, st, p);
}

static __always_inline int steer_outbound(struct __sk_buff *skb, struct steering *st,
					  const struct packet *p)
{
	const struct postern_destination *d;

	if (destination_special(p))
		return steer_pass(&st->site, p, POSTERN_R_special_address);
	d = destination_match(&p->dst);
	if (destination_is(d, POSTERN_DEST_OWN))
		return steer_pass(&st->site, p, POSTERN_R_own_address);
	if (!policy_find(&p->src, &st->policy))
		return steer_pass(&st->site, p, POSTERN_R_not_in_pool);
	if (destination_is(d, POSTERN_DEST_PASS))
		return steer_direct(skb, &st->site, p, POSTERN_R_destination_pass);
	if (destination_is(d, POSTERN_DEST_CLASS))
		st->policy.class = d->class;
	return steer_line(skb, st, p);
}

/*
 * Our upstream legs start out with a time to live that hosts do not use, so
 * that only a SYN which may have been one costs a search.
 */
static __always_inline bool steer_came_back(struct __sk_buff *skb, const struct packet *p)
{
	return p->ttl > POSTERN_HOST_TTL_MOST && own_sender(skb, p) == OWN_OPENING;
}

static __always_inline int steer_opening(struct __sk_buff *skb, struct steering *st,
					 const struct packet *p)
{
	if (!steer_came_back(skb, p))
		return steer_outbound(skb, st, p);
	decided(&st->site, p, POSTERN_R_own_syn);
	return TC_ACT_SHOT;
}

static __always_inline int steer_tcp(struct __sk_buff *skb, struct steering *st,
				     const struct packet *p)
{
	if (p->dport == SMTP_PORT && packet_opens(p))
		return steer_opening(skb, st, p);
	if (own_receiver(skb, p) != OWN_NONE) {
		own_mark(skb, st->site.set);
		count(POSTERN_R_own_session);
		return TC_ACT_UNSPEC;
	}
	return p->dport == SMTP_PORT ? steer_outbound(skb, st, p) : TC_ACT_UNSPEC;
}

/* An ICMP error quotes what its receiver sent: was it one of our sockets? */
static __always_inline int own_icmp(struct __sk_buff *skb, const struct site *s,
				    const struct packet *p, __u16 reason)
{
	if (own_sender(skb, p) == OWN_NONE)
		return TC_ACT_UNSPEC;
	own_mark(skb, s->set);
	decided(s, p, reason);
	return TC_ACT_UNSPEC;
}

/* @screening: no XDP program stands before this one. */
static __always_inline int steer(struct __sk_buff *skb, bool ether, bool screening)
{
	struct steering st = { .ether = ether };
	struct packet p = {};
	enum packet_kind kind;

	kind = packet_of_skb(skb, &p, ether);
	if (kind == PACKET_OTHER)
		return TC_ACT_UNSPEC;
	st.site.set = settings_get();
	st.site.ifindex = skb->ifindex;
	st.site.hook = POSTERN_HOOK_STEER;
	if (!st.site.set)
		return TC_ACT_UNSPEC;
	if (screening && !screen(&st.site, &p, kind))
		return TC_ACT_SHOT;
	if (kind == PACKET_BAD)
		return screening || screen_bad(&st.site, &p, true) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
	if (kind == PACKET_ICMP)
		return own_icmp(skb, &st.site, &p, POSTERN_R_own_session_icmp);
	return steer_tcp(skb, &st, &p);
}

#endif
