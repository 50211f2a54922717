/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The short way through the parser, reading the frame directly. Nearly every
 * packet of a router is none of our business, and most of the rest is a plain
 * segment; both say so in their first eighty octets. Whatever is unusual in
 * the least is left to parse.h, which alone may find fault.
 */
#ifndef POSTERN_BPF_PLAIN_H
#define POSTERN_BPF_PLAIN_H

#include "packet.h"
#include "tcp.h"

#define IP4_PLAIN	0x45			/* version 4, no options */
#define IP4_FRAGMENT	bpf_htons(0x3fff)	/* MF and the offset */
#define IP_PROTO_ESP	50

enum plain {
	PLAIN_OTHER,	/* none of our business */
	PLAIN_TCP,	/* a sound segment, now in the packet */
	PLAIN_NO,	/* the parser has to look */
};

/* Octets of the frame that the programs read directly, and its full length. */
struct view {
	void	*data;
	void	*end;
	__u32	len;
};

static __always_inline enum plain plain_tcp(const struct view *v, struct packet *p, void *l4)
{
	struct tcp_head *h = l4;

	if ((void *)(&h->port + 1) > v->end)
		return PLAIN_NO;
	if (h->port.source != SMTP_PORT && h->port.dest != SMTP_PORT)
		return PLAIN_OTHER;
	if ((void *)(h + 1) > v->end || p->end > v->len)
		return PLAIN_NO;
	tcp_take(p, h);
	return tcp_fault(p, h) ? PLAIN_NO : PLAIN_TCP;
}

static __always_inline enum plain plain_icmp(const struct view *v, void *l4, bool v6)
{
	__u8 *type = l4;

	if ((void *)(type + 1) > v->end)
		return PLAIN_NO;
	if (v6)
		return *type >= ICMPV6_INFORMATION ? PLAIN_OTHER : PLAIN_NO;
	return *type == ICMP_ECHO || *type == ICMP_ECHOREPLY ? PLAIN_OTHER : PLAIN_NO;
}

static __always_inline enum plain plain_ip4(const struct view *v, struct packet *p, void *l3)
{
	struct iphdr *ip = l3;

	if ((void *)(ip + 1) > v->end)
		return PLAIN_NO;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_ICMP)
		return PLAIN_OTHER;
	if (*(__u8 *)l3 != IP4_PLAIN || (ip->frag_off & IP4_FRAGMENT))
		return PLAIN_NO;
	if (ip->protocol == IPPROTO_ICMP)
		return plain_icmp(v, ip + 1, false);
	addr_from_v4(&p->src, ip->saddr);
	addr_from_v4(&p->dst, ip->daddr);
	p->ttl = ip->ttl;
	p->l4 = p->l3 + sizeof(*ip);
	p->end = p->l3 + bpf_ntohs(ip->tot_len);
	return plain_tcp(v, p, ip + 1);
}

static __always_inline enum plain plain_ip6(const struct view *v, struct packet *p, void *l3)
{
	struct ipv6hdr *ip = l3;

	if ((void *)(ip + 1) > v->end)
		return PLAIN_NO;
	if (ip->nexthdr == IPPROTO_UDP || ip->nexthdr == IP_PROTO_ESP)
		return PLAIN_OTHER;
	if (ip->version != 6)
		return PLAIN_NO;
	if (ip->nexthdr == IPPROTO_ICMPV6)
		return plain_icmp(v, ip + 1, true);
	addr_from_v6(&p->src, &ip->saddr);
	addr_from_v6(&p->dst, &ip->daddr);
	if (ip->nexthdr != IPPROTO_TCP || addr_mapped(&p->src))
		return PLAIN_NO;
	p->v6 = true;
	p->ttl = ip->hop_limit;
	p->l4 = p->l3 + sizeof(*ip);
	p->end = p->l4 + bpf_ntohs(ip->payload_len);
	return plain_tcp(v, p, ip + 1);
}

/* @p is all zero before, and what is in it counts only after PLAIN_TCP. */
static __always_inline enum plain packet_plain(const struct view *v, struct packet *p,
					       bool ether, __be16 protocol)
{
	struct ethhdr *eth = v->data;
	void *l3 = v->data;
	__be16 *tag;

	if (ether) {
		if ((void *)(eth + 1) > v->end)
			return PLAIN_NO;
		protocol = eth->h_proto;
		l3 = eth + 1;
		p->l3 = sizeof(*eth);
	}
	if (ether && protocol == bpf_htons(ETH_P_8021Q)) {
		tag = l3;
		if ((void *)(tag + 2) > v->end)
			return PLAIN_NO;
		protocol = tag[1];
		l3 = tag + 2;
		p->l3 = sizeof(*eth) + 2 * sizeof(*tag);
	}
	if (protocol == bpf_htons(ETH_P_IP))
		return plain_ip4(v, p, l3);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return plain_ip6(v, p, l3);
	return !ether || protocol == bpf_htons(ETH_P_ARP) ? PLAIN_OTHER : PLAIN_NO;
}

#endif
