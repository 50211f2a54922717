/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A frame as the programs see it, and what the parser makes of it.
 *
 * Loads go through the load helpers, which also reach octets that do not lie
 * in the linear part; only the short way for plain packets (plain.h) reads the
 * frame directly, because nothing is cheaper.
 */
#ifndef POSTERN_BPF_PACKET_H
#define POSTERN_BPF_PACKET_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "postern/abi.h"
#include "postern/reason.h"

#define SMTP_PORT	bpf_htons(POSTERN_SMTP_PORT)

#define TCP_FIN		0x01
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define TCP_ACK		0x10
#define TCP_SIX		0x3f	/* without the ECN bits */

/* Both versions. Ours, because <linux/icmp.h> drags the C library in. */
#define ICMP_OCTETS		8	/* before the quoted packet */
#define ICMP_ECHOREPLY		0
#define ICMP_DEST_UNREACH	3
#define ICMP_ECHO		8
#define ICMP_TIME_EXCEEDED	11
#define ICMP_PARAMETERPROB	12
#define ICMPV6_DEST_UNREACH	1
#define ICMPV6_PARAMPROB	4
#define ICMPV6_INFORMATION	128	/* from here on: no errors */

/* Where the frame comes from; the two booleans are constants of a program. */
struct frame {
	void	*ctx;		/* struct xdp_md or struct __sk_buff */
	__u32	len;		/* octets, linear or not */
	bool	xdp;
	bool	ether;		/* it begins with an Ethernet header */
	bool	tagged;		/* the outer VLAN tag was taken off by the device */
	__be16	protocol;	/* EtherType by the device, used without a header */
};

enum packet_kind {
	PACKET_OTHER,		/* none of our business */
	PACKET_TCP,		/* TCP header at hand, port 25 at one end at least */
	PACKET_ICMP,		/* an error about such a segment; its tuple is kept */
	PACKET_BAD,		/* is or could be TCP to port 25, but cannot be judged */
};

struct packet {
	struct postern_addr	src;
	struct postern_addr	dst;
	__be16			sport;
	__be16			dport;
	__be32			seq;
	__be32			ack;
	__u32			l3;		/* offset of the IP header */
	__u32			l4;		/* offset of the TCP header */
	__u32			end;		/* offset behind the last octet of IP */
	__u32			payload;	/* octets behind the TCP header */
	__u16			bad;		/* reason of PACKET_BAD; while parsing: so far */
	__u8			flags;		/* of TCP */
	__u8			ttl;		/* or hop limit */
	__u8			link;		/* octets of the PPP protocol field, 0 = no PPPoE */
	bool			v6;
	bool			extended;	/* IPv6 extension headers before TCP */
	bool			hidden;		/* tags hide even the addresses, which are zero */
};

/* Copy @len octets at @off. 0, or negative when the frame is shorter. */
static __always_inline long frame_load(const struct frame *f, __u32 off, void *to, __u32 len)
{
	if (f->xdp)
		return bpf_xdp_load_bytes(f->ctx, off, to, len);
	return bpf_skb_load_bytes(f->ctx, off, to, len);
}

static __always_inline void addr_from_v4(struct postern_addr *a, __be32 v4)
{
	a->word[0] = 0;
	a->word[1] = 0;
	a->word[2] = bpf_htonl(0xffff);
	a->word[3] = v4;
}

static __always_inline void addr_from_v6(struct postern_addr *a, const struct in6_addr *v6)
{
	__builtin_memcpy(a, v6, sizeof(*a));
}

static __always_inline bool addr_mapped(const struct postern_addr *a)
{
	return !a->word[0] && !a->word[1] && a->word[2] == bpf_htonl(0xffff);
}

static __always_inline bool addr_equal(const struct postern_addr *a, const struct postern_addr *b)
{
	return a->word[3] == b->word[3] && a->word[2] == b->word[2] &&
	       a->word[1] == b->word[1] && a->word[0] == b->word[0];
}

/* The segment that opens a connection. */
static __always_inline bool packet_opens(const struct packet *p)
{
	return (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

#endif
