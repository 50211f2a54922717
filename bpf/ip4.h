/* SPDX-License-Identifier: GPL-2.0 */
/* IPv4: header, options, fragments, and the packet inside an ICMP error. */
#ifndef POSTERN_BPF_IP4_H
#define POSTERN_BPF_IP4_H

#include "packet.h"
#include "tcp.h"

#define IP4_MF			bpf_htons(0x2000)
#define IP4_OFFSET		bpf_htons(0x1fff)
#define IP4_OPTIONS_MOST	40
#define IP4_OPT_END		0
#define IP4_OPT_NOP		1
#define IP4_OPT_LSRR		131
#define IP4_OPT_SSRR		137

/* Look for a source route; each option has at least one octet, so 40 steps do. */
static __always_inline __u16 ip4_options(const struct frame *f, __u32 off, __u32 end)
{
	__u8 opt[2];
	int i;

	for (i = 0; i < IP4_OPTIONS_MOST && off < end; i++) {
		if (frame_load(f, off, opt, 1) || opt[0] == IP4_OPT_END)
			return POSTERN_R_none;
		if (opt[0] == IP4_OPT_LSRR || opt[0] == IP4_OPT_SSRR)
			return POSTERN_R_ip_source_route;
		if (opt[0] == IP4_OPT_NOP) {
			off++;
			continue;
		}
		if (frame_load(f, off + 1, opt + 1, 1) || opt[1] < 2 || off + opt[1] > end)
			return POSTERN_R_ip_header;
		off += opt[1];
	}
	return POSTERN_R_none;
}

/*
 * Inner packet of an ICMP error: we sent it, if it is ours at all. Only its
 * tuple is wanted; an inner fragment that is not the first has none.
 */
static __always_inline enum packet_kind ip4_inner(const struct frame *f, struct packet *p,
						  __u32 off)
{
	struct tcp_ports port;
	struct iphdr ip;

	if (frame_load(f, off, &ip, sizeof(ip)) || ip.protocol != IPPROTO_TCP)
		return PACKET_OTHER;
	if (ip.version != 4 || ip.ihl < 5 || (ip.frag_off & IP4_OFFSET))
		return PACKET_OTHER;
	if (frame_load(f, off + ip.ihl * 4, &port, sizeof(port)))
		return PACKET_OTHER;
	if (port.source != SMTP_PORT && port.dest != SMTP_PORT)
		return PACKET_OTHER;
	addr_from_v4(&p->src, ip.saddr);
	addr_from_v4(&p->dst, ip.daddr);
	p->sport = port.source;
	p->dport = port.dest;
	return PACKET_ICMP;
}

/* Errors a TCP socket acts upon; source quench is ignored (RFC 6633). */
static __always_inline enum packet_kind ip4_icmp(const struct frame *f, struct packet *p)
{
	__u8 type;

	if (frame_load(f, p->l4, &type, sizeof(type)))
		return PACKET_OTHER;
	if (type != ICMP_DEST_UNREACH && type != ICMP_TIME_EXCEEDED && type != ICMP_PARAMETERPROB)
		return PACKET_OTHER;
	return ip4_inner(f, p, p->l4 + ICMP_OCTETS);
}

/* What is wrong with the lengths; sets end to where this packet ends. */
static __always_inline __u16 ip4_length(const struct frame *f, struct packet *p,
					const struct iphdr *ip)
{
	__u32 total = bpf_ntohs(ip->tot_len);

	/* Merged by the kernel to more than 16 bits can say. */
	if (!f->xdp && !total && p->end - p->l3 > 0xffff)
		return POSTERN_R_none;
	if (total < ip->ihl * 4 || p->l3 + total > p->end)
		return POSTERN_R_ip_length;
	p->end = p->l3 + total;
	return POSTERN_R_none;
}

static __always_inline enum packet_kind ip4_tcp(const struct frame *f, struct packet *p,
						const struct iphdr *ip)
{
	__u32 offset = bpf_ntohs(ip->frag_off & IP4_OFFSET) * 8;
	__u16 fault;

	if (offset)
		return offset < sizeof(struct tcp_head) ?
		       packet_bad(p, POSTERN_R_fragment_low) : PACKET_OTHER;
	fault = ip4_length(f, p, ip);
	if (!fault && (ip->frag_off & IP4_MF))
		fault = POSTERN_R_fragment_first;
	if (!fault && ip->ihl > 5)
		fault = ip4_options(f, p->l3 + sizeof(*ip), p->l4);
	if (p->bad)
		fault = p->bad;
	return tcp_parse(f, p, fault);
}

static __always_inline enum packet_kind ip4_parse(const struct frame *f, struct packet *p)
{
	struct iphdr ip;

	if (frame_load(f, p->l3, &ip, sizeof(ip)))
		return PACKET_OTHER;
	p->l4 = p->l3 + ip.ihl * 4;
	if (ip.protocol == IPPROTO_ICMP && !(ip.frag_off & IP4_OFFSET))
		return ip4_icmp(f, p);
	if (ip.protocol != IPPROTO_TCP)
		return PACKET_OTHER;
	addr_from_v4(&p->src, ip.saddr);
	addr_from_v4(&p->dst, ip.daddr);
	p->ttl = ip.ttl;
	if (ip.version != 4 || ip.ihl < 5 || p->l4 > p->end)
		return packet_bad(p, POSTERN_R_ip_header);
	return ip4_tcp(f, p, &ip);
}

#endif
