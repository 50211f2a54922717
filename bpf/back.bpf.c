// SPDX-License-Identifier: GPL-2.0
/*
 * Upstream side, tc ingress: answers to our own legs to their sockets, and of
 * what else comes from port 25 to a line only what somebody inside asked for.
 */
#include <linux/pkt_cls.h>

#include "count.h"
#include "flow.h"
#include "own.h"
#include "parse.h"
#include "policy.h"

static __always_inline int back_pass(const struct site *s, const struct packet *p, __u16 reason)
{
	passed(s, p, reason);
	return TC_ACT_UNSPEC;
}

static __always_inline int back_drop(const struct site *s, const struct policy *pol,
				     const struct packet *p, __u16 reason)
{
	return policy_drop(s, pol, p, reason) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/* Counted by its own name in every mode: a pilot wants to know of it above all. */
static __always_inline int back_forged(const struct site *s, const struct policy *pol,
				       const struct packet *p, __u16 reason)
{
	decided(s, p, reason);
	return policy_shadow(s, pol) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/*
 * Half of the trick of asymmetric routes: spam leaves elsewhere under a line's
 * address, and only the answers come this way. A SYN-ACK is genuine when a SYN
 * has passed here, any other segment when anything has. A bare SYN from port 25
 * is half of a simultaneous open: the same is asked of it as of a SYN-ACK.
 */
static __always_inline int back_flow(const struct site *s, const struct policy *pol,
				     const struct packet *p)
{
	struct postern_flow_key key = flow_key(&p->dst, p->dport, &p->src);
	struct postern_flow *flow = bpf_map_lookup_elem(&flows, &key);
	bool opening = p->flags & TCP_SYN;

	if (flow && (!opening || (flow->flags & POSTERN_FLOW_SYN))) {
		count(POSTERN_R_back_known_flow);
		return TC_ACT_UNSPEC;
	}
	if (opening)
		return back_forged(s, pol, p, packet_opens(p) ? POSTERN_R_forged_stray :
								POSTERN_R_forged_synack);
	if (!s->set->grace_until || time_over(s->set->grace_until))
		return back_forged(s, pol, p, POSTERN_R_forged_stray);
	flow_note(&key, POSTERN_FLOW_DATA);
	return back_pass(s, p, POSTERN_R_back_grace);
}

/* From port 25, and to no socket of ours. */
static __always_inline int back_answer(const struct site *s, const struct packet *p)
{
	struct policy pol;

	if (!policy_of(&p->dst, &pol))
		return back_pass(s, p, POSTERN_R_back_not_in_pool);
	if (destination_is(destination_match(&p->src), POSTERN_DEST_PASS))
		return back_pass(s, p, POSTERN_R_back_destination);
	if (pol.treatment == POSTERN_EXEMPT)
		return back_pass(s, p, POSTERN_R_back_exempt);
	if (bypass_on(s->set))
		return back_pass(s, p, POSTERN_R_back_bypass);
	return back_flow(s, &pol, p);
}

/* A connection from outside to a mail server on a line. */
static __always_inline int back_inbound(const struct site *s, const struct packet *p)
{
	struct policy pol;

	if (!packet_opens(p) || !policy_of(&p->dst, &pol))
		return TC_ACT_UNSPEC;
	if ((pol.flags & POSTERN_POOL_BLOCK_INBOUND) && pol.treatment != POSTERN_EXEMPT &&
	    !bypass_on(s->set))
		return back_drop(s, &pol, p, POSTERN_R_inbound_blocked);
	return back_pass(s, p, POSTERN_R_inbound_syn);
}

static __always_inline int back_tcp(struct __sk_buff *skb, const struct site *s,
				    const struct packet *p)
{
	if (p->sport != SMTP_PORT)
		return back_inbound(s, p);
	if (own_receiver(skb, p) == OWN_NONE)
		return back_answer(s, p);
	own_mark(skb, s->set);
	count(POSTERN_R_own_upstream);
	return TC_ACT_UNSPEC;
}

static __always_inline int back_icmp(struct __sk_buff *skb, const struct site *s,
				     const struct packet *p)
{
	if (own_sender(skb, p) == OWN_NONE)
		return TC_ACT_UNSPEC;
	own_mark(skb, s->set);
	decided(s, p, POSTERN_R_own_upstream_icmp);
	return TC_ACT_UNSPEC;
}

static __always_inline int back(struct __sk_buff *skb, bool ether)
{
	struct site s = { .ifindex = skb->ifindex, .hook = POSTERN_HOOK_BACK };
	struct packet p = {};
	enum packet_kind kind;

	kind = packet_of_skb(skb, &p, ether);
	if (kind != PACKET_TCP && kind != PACKET_ICMP)
		return TC_ACT_UNSPEC;
	s.set = settings_get();
	if (!s.set)
		return TC_ACT_UNSPEC;
	return kind == PACKET_ICMP ? back_icmp(skb, &s, &p) : back_tcp(skb, &s, &p);
}

SEC("tc")
int postern_back(struct __sk_buff *skb)
{
	return back(skb, true);
}

/* No link header (tun, ppp). */
SEC("tc")
int postern_back_l3(struct __sk_buff *skb)
{
	return back(skb, false);
}

char _license[] SEC("license") = "GPL";
