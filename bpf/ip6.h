/* SPDX-License-Identifier: GPL-2.0 */
/* IPv6: header, the chain of extension headers, and the packet inside an error. */
#ifndef POSTERN_BPF_IP6_H
#define POSTERN_BPF_IP6_H

#include "packet.h"
#include "tcp.h"

#define IP_PROTO_AH		51
#define IP_PROTO_MOBILE		135
#define IP_PROTO_HIP		139
#define IP_PROTO_SHIM6		140
#define IP6_CHAIN_MOST		8
#define IP6_OFFSET		0xfff8

/* The first octets of any extension header, read as the widest of them. */
struct ip6_extension {
	__u8	next;
	__u8	length;
	__be16	offset;		/* fragment header; routing: type, segments left */
	__be32	rest;
};

/* Where a walk along the chain stands, and how it ended. */
struct ip6_chain {
	__u32	off;
	__u32	fragment;	/* its offset in octets */
	__u8	next;		/* what lies at off */
	bool	first;		/* a fragment header was met */
	bool	routed;		/* a routing header with segments left was met */
	bool	broken;		/* too long, or cut off */
};

static __always_inline bool ip6_is_extension(__u8 next)
{
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_DSTOPTS:
	case IP_PROTO_AH:
	case IP_PROTO_MOBILE:
	case IP_PROTO_HIP:
	case IP_PROTO_SHIM6:
		return true;
	}
	return false;
}

static __always_inline __u32 ip6_extension_octets(__u8 kind, __u8 length)
{
	if (kind == IPPROTO_FRAGMENT)
		return 8;
	if (kind == IP_PROTO_AH)
		return (length + 2) * 4;
	return (length + 1) * 8;
}

/* Walk up to the upper layer, to a later fragment, or to a break. */
static __always_inline void ip6_walk(const struct frame *f, struct ip6_chain *c)
{
	struct ip6_extension h;
	int i;

	for (i = 0; i < IP6_CHAIN_MOST; i++) {
		if (!ip6_is_extension(c->next))
			return;
		if (frame_load(f, c->off, &h, sizeof(h)))
			break;
		if (c->next == IPPROTO_FRAGMENT) {
			c->first = true;
			c->fragment = bpf_ntohs(h.offset) & IP6_OFFSET;
		}
		if (c->next == IPPROTO_ROUTING && (bpf_ntohs(h.offset) & 0xff))
			c->routed = true;
		c->off += ip6_extension_octets(c->next, h.length);
		c->next = h.next;
		if (c->fragment)
			return;
	}
	c->broken = ip6_is_extension(c->next);
}

static __always_inline enum packet_kind ip6_inner(const struct frame *f, struct packet *p,
						  __u32 off)
{
	struct tcp_ports port;
	struct ip6_chain c = {};
	struct ipv6hdr ip;

	if (frame_load(f, off, &ip, sizeof(ip)) || ip.version != 6)
		return PACKET_OTHER;
	c.off = off + sizeof(ip);
	c.next = ip.nexthdr;
	ip6_walk(f, &c);
	if (c.next != IPPROTO_TCP || c.fragment)
		return PACKET_OTHER;
	if (frame_load(f, c.off, &port, sizeof(port)))
		return PACKET_OTHER;
	if (port.source != SMTP_PORT && port.dest != SMTP_PORT)
		return PACKET_OTHER;
	addr_from_v6(&p->src, &ip.saddr);
	addr_from_v6(&p->dst, &ip.daddr);
	p->sport = port.source;
	p->dport = port.dest;
	return PACKET_ICMP;
}

/* ICMPv6 types 1 to 4 are the errors (RFC 4443 section 2.1). */
static __always_inline enum packet_kind ip6_icmp(const struct frame *f, struct packet *p)
{
	__u8 type;

	if (frame_load(f, p->l4, &type, sizeof(type)))
		return PACKET_OTHER;
	if (type < ICMPV6_DEST_UNREACH || type > ICMPV6_PARAMPROB)
		return PACKET_OTHER;
	return ip6_inner(f, p, p->l4 + ICMP_OCTETS);
}

/* What is wrong with the length; sets end to where this packet ends. */
static __always_inline __u16 ip6_length(const struct frame *f, struct packet *p,
					const struct ipv6hdr *ip)
{
	__u32 total = sizeof(*ip) + bpf_ntohs(ip->payload_len);

	/* Merged by the kernel to more than 16 bits can say. */
	if (!f->xdp && !ip->payload_len && p->end - p->l3 > 0xffff)
		return POSTERN_R_none;
	if (p->l3 + total > p->end)
		return POSTERN_R_ip_length;
	p->end = p->l3 + total;
	return POSTERN_R_none;
}

static __always_inline __u16 ip6_fault(const struct packet *p, const struct ip6_chain *c,
				       __u16 length)
{
	if (p->bad)
		return p->bad;
	if (length)
		return length;
	if (c->off > p->end)
		return POSTERN_R_ip6_chain;
	if (c->first)
		return POSTERN_R_fragment_first;
	return c->routed ? POSTERN_R_ip_source_route : POSTERN_R_none;
}

static __always_inline enum packet_kind ip6_upper(const struct frame *f, struct packet *p,
						  const struct ip6_chain *c, __u16 length)
{
	p->l4 = c->off;
	p->extended = c->off != p->l3 + sizeof(struct ipv6hdr);
	if (c->broken)
		return packet_bad(p, POSTERN_R_ip6_chain);
	if (c->next == IPPROTO_ICMPV6 && !c->fragment)
		return ip6_icmp(f, p);
	if (c->next != IPPROTO_TCP)
		return PACKET_OTHER;
	if (c->fragment)
		return c->fragment < sizeof(struct tcp_head) ?
		       packet_bad(p, POSTERN_R_fragment_low) : PACKET_OTHER;
	return tcp_parse(f, p, ip6_fault(p, c, length));
}

/* A v4-mapped source on the wire would pass for an IPv4 line; no kernel takes it. */
static __always_inline enum packet_kind ip6_parse(const struct frame *f, struct packet *p)
{
	struct ip6_chain c = {};
	struct ipv6hdr ip;

	if (frame_load(f, p->l3, &ip, sizeof(ip)))
		return PACKET_OTHER;
	addr_from_v6(&p->src, &ip.saddr);
	addr_from_v6(&p->dst, &ip.daddr);
	p->v6 = true;
	p->ttl = ip.hop_limit;
	c.off = p->l3 + sizeof(ip);
	c.next = ip.nexthdr;
	if (addr_mapped(&p->src))
		return PACKET_OTHER;
	if (ip.version != 6)
		return c.next == IPPROTO_TCP || ip6_is_extension(c.next) ?
		       packet_bad(p, POSTERN_R_ip_header) : PACKET_OTHER;
	ip6_walk(f, &c);
	return ip6_upper(f, p, &c, ip6_length(f, p, &ip));
}

#endif
