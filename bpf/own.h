/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets of ours: finding the one a packet belongs to, and delivery to it. */
#ifndef POSTERN_BPF_OWN_H
#define POSTERN_BPF_OWN_H

#include "maps.h"
#include "packet.h"

enum own {
	OWN_NONE,
	OWN_LIVE,
	OWN_OPENING,	/* our SYN is out, nothing came back yet */
	OWN_TIME_WAIT,
};

/* One end of a connection. */
struct end {
	const struct postern_addr	*addr;
	__be16				port;
};

static __always_inline __u32 own_tuple(struct bpf_sock_tuple *t, bool v6, struct end there,
				       struct end here)
{
	if (!v6) {
		t->ipv4.saddr = there.addr->word[3];
		t->ipv4.daddr = here.addr->word[3];
		t->ipv4.sport = there.port;
		t->ipv4.dport = here.port;
		return sizeof(t->ipv4);
	}
	__builtin_memcpy(t->ipv6.saddr, there.addr, sizeof(t->ipv6.saddr));
	__builtin_memcpy(t->ipv6.daddr, here.addr, sizeof(t->ipv6.daddr));
	t->ipv6.sport = there.port;
	t->ipv6.dport = here.port;
	return sizeof(t->ipv6);
}

static __always_inline enum own own_state(__u32 state)
{
	switch (state) {
	case BPF_TCP_LISTEN:
		return OWN_NONE;
	case BPF_TCP_SYN_SENT:
		return OWN_OPENING;
	case BPF_TCP_TIME_WAIT:
		return OWN_TIME_WAIT;
	}
	return OWN_LIVE;
}

/*
 * The kernel's lookup goes on to listeners, and so to the sk_lookup program,
 * when no connection matches; that answer is of no use here, and the flag
 * spares us its price. Both run on this CPU, in this softirq.
 */
static __always_inline struct bpf_sock *own_ask(struct __sk_buff *skb, bool v6,
						struct end there, struct end here)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;
	__u32 len = own_tuple(&tuple, v6, there, here);
	struct scratch *scratch = here.port == SMTP_PORT ? scratch_get() : NULL;

	if (scratch)
		scratch->asking = 1;
	sk = bpf_skc_lookup_tcp(skb, &tuple, len, BPF_F_CURRENT_NETNS, 0);
	if (scratch)
		scratch->asking = 0;
	return sk;
}

/* The state of the connection between these ends; @assign gives it the packet. */
static __always_inline enum own own_find(struct __sk_buff *skb, bool v6, struct end there,
					 struct end here, bool assign)
{
	struct bpf_sock *sk = own_ask(skb, v6, there, here);
	enum own own;

	if (!sk)
		return OWN_NONE;
	own = own_state(sk->state);
	if (assign && (own == OWN_LIVE || own == OWN_OPENING))
		bpf_sk_assign(skb, sk, 0);
	bpf_sk_release(sk);
	return own;
}

/* The socket that @p, a segment, is addressed to. */
static __always_inline enum own own_receiver(struct __sk_buff *skb, const struct packet *p)
{
	struct end there = { &p->src, p->sport };
	struct end here = { &p->dst, p->dport };

	/* Behind PPPoE the packet meets another device first: there the stack looks again. */
	return own_find(skb, p->v6, there, here, !p->link);
}

/* Has @p, a SYN, been answered by us? Rarely asked: the verifier judges it once. */
__noinline int own_opened(struct __sk_buff *skb, const struct packet *p)
{
	return p && own_receiver(skb, p) == OWN_LIVE;
}

/* The socket that sent @p: a segment that came back, or one quoted by an ICMP error. */
static __always_inline enum own own_sender(struct __sk_buff *skb, const struct packet *p)
{
	struct end there = { &p->dst, p->dport };
	struct end here = { &p->src, p->sport };

	return own_find(skb, p->v6, there, here, false);
}

/* The mark leads to the routing rule that delivers here, whatever the address. */
static __always_inline void own_mark(struct __sk_buff *skb, const struct postern_settings *set)
{
	skb->mark = (skb->mark & ~set->mark_mask) | (set->mark & set->mark_mask);
}

#endif
