/* SPDX-License-Identifier: GPL-2.0 */
/* The parser's one door: a frame in, a packet and its kind out. */
#ifndef POSTERN_BPF_PARSE_H
#define POSTERN_BPF_PARSE_H

#include "ip4.h"
#include "ip6.h"
#include "link.h"
#include "packet.h"
#include "plain.h"

/* @p is all zero on entry. */
static __always_inline enum packet_kind packet_parse(const struct frame *f, struct packet *p)
{
	__be16 type = link_parse(f, p);

	if (type == bpf_htons(ETH_P_IP))
		return ip4_parse(f, p);
	if (type == bpf_htons(ETH_P_IPV6))
		return ip6_parse(f, p);
	return p->hidden ? PACKET_BAD : PACKET_OTHER;
}

/*
 * The door as a function of its own, which the verifier judges once and not
 * for every way that leads on from it: that halves the work several times over.
 * @ether: the frame begins with an Ethernet header.
 */
__noinline int packet_parse_skb(struct __sk_buff *skb, struct packet *p, __u32 ether)
{
	struct frame f = {
		.ctx = skb,
		.len = skb->len,
		.ether = ether,
		.tagged = skb->vlan_present,
		.protocol = skb->protocol,
	};

	return p ? packet_parse(&f, p) : PACKET_OTHER;
}

/* The short way, or else the long one. @p is all zero on entry. */
static __always_inline enum packet_kind packet_of_skb(struct __sk_buff *skb, struct packet *p,
						      bool ether)
{
	struct view v = {
		.data = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
		.len = skb->len,
	};

	switch (packet_plain(&v, p, ether, skb->protocol)) {
	case PLAIN_OTHER:
		return PACKET_OTHER;
	case PLAIN_TCP:
		return PACKET_TCP;
	case PLAIN_NO:
		break;
	}
	__builtin_memset(p, 0, sizeof(*p));
	return packet_parse_skb(skb, p, ether);
}

#endif
