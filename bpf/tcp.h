/* SPDX-License-Identifier: GPL-2.0 */
/* The end of the parse: ports, TCP header, and what is wrong with them. */
#ifndef POSTERN_BPF_TCP_H
#define POSTERN_BPF_TCP_H

#include "packet.h"

struct tcp_ports {
	__be16	source;
	__be16	dest;
};

struct tcp_head {
	struct tcp_ports	port;
	__be32			seq;
	__be32			ack;
	__u8			offset;		/* header length in words, high nibble */
	__u8			flags;
	__be16			window;
	__be16			check;
	__be16			urgent;
};

/* The lowest layer's fault stays. */
static __always_inline enum packet_kind packet_bad(struct packet *p, __u16 reason)
{
	if (!p->bad)
		p->bad = reason;
	return PACKET_BAD;
}

/* Every segment bears SYN, ACK or RST (RFC 9293 section 3.5); these lie. */
static __always_inline bool tcp_flags_lie(__u8 flags)
{
	if (!(flags & (TCP_SYN | TCP_ACK | TCP_RST)))
		return true;
	if ((flags & TCP_SYN) && (flags & (TCP_FIN | TCP_RST)))
		return true;
	return (flags & TCP_FIN) && !(flags & TCP_ACK);
}

/* Why the header at l4 cannot be judged, or none. */
static __always_inline __u16 tcp_fault(const struct packet *p, const struct tcp_head *h)
{
	__u32 octets = (h->offset >> 4) * 4;

	if (octets < sizeof(*h) || p->l4 + octets > p->end)
		return POSTERN_R_tcp_header;
	if (tcp_flags_lie(h->flags) || !h->port.source)
		return POSTERN_R_tcp_flags;
	return POSTERN_R_none;
}

static __always_inline void tcp_take(struct packet *p, const struct tcp_head *h)
{
	p->sport = h->port.source;
	p->dport = h->port.dest;
	p->seq = h->seq;
	p->ack = h->ack;
	p->flags = h->flags & TCP_SIX;
	p->payload = p->end - p->l4 - (h->offset >> 4) * 4;
}

/*
 * The TCP header at l4. @fault is what the layers below found wrong; only a
 * segment to port 25 is refused for it, one from port 25 is taken as it is.
 */
static __always_inline enum packet_kind tcp_parse(const struct frame *f, struct packet *p,
						  __u16 fault)
{
	struct tcp_head h;

	if (p->l4 + sizeof(h.port) > p->end || frame_load(f, p->l4, &h.port, sizeof(h.port)))
		return packet_bad(p, fault ? fault : POSTERN_R_tcp_header);
	p->sport = h.port.source;
	p->dport = h.port.dest;
	if (p->sport != SMTP_PORT && p->dport != SMTP_PORT)
		return PACKET_OTHER;
	if (p->dport == SMTP_PORT && fault)
		return packet_bad(p, fault);
	if (frame_load(f, p->l4, &h, sizeof(h)))
		return p->dport == SMTP_PORT ? packet_bad(p, POSTERN_R_tcp_header) : PACKET_OTHER;
	tcp_take(p, &h);
	fault = tcp_fault(p, &h);
	if (p->dport == SMTP_PORT && fault)
		return packet_bad(p, fault);
	return PACKET_TCP;
}

#endif
