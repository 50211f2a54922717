/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A reset made from the segment that earned it. The kernel sends none for an
 * address that is not its own, and XDP_TX would lose a VLAN tag that the
 * device took off; so the frame is turned round here, where the tag still is
 * in the packet's metadata, and leaves by the way it came.
 */
#ifndef POSTERN_BPF_RESET_H
#define POSTERN_BPF_RESET_H

#include <linux/pkt_cls.h>

#include "packet.h"
#include "tcp.h"

#define RESET_TTL	64
#define RESET_OFFSET	(5 << 4)	/* a TCP header without options */
#define TCP_CHECK_AT	16
#define RESET_OPTION_WORDS	10

static __always_inline __sum16 reset_fold(__s64 sum)
{
	__u32 s = sum;

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return ~s;
}

/* RFC 9293 section 3.10.7.1: what a host without the connection answers. */
static __always_inline void reset_head(struct tcp_head *h, const struct packet *p)
{
	__u32 octets = p->payload + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);

	h->port.source = p->dport;
	h->port.dest = p->sport;
	h->offset = RESET_OFFSET;
	h->flags = TCP_RST;
	if (p->flags & TCP_ACK) {
		h->seq = p->ack;
		return;
	}
	h->flags |= TCP_ACK;
	h->ack = bpf_htonl(bpf_ntohl(p->seq) + octets);
}

/* Room for 20 octets of TCP and nothing behind them. */
static __always_inline long reset_trim(struct __sk_buff *skb, const struct packet *p)
{
	__u32 len = p->l4 + sizeof(struct tcp_head);

	/* A change of length also drops a checksum the device had summed up. */
	if (skb->len == len && bpf_skb_change_tail(skb, len + 1, 0))
		return -1;
	return bpf_skb_change_tail(skb, len, 0);
}

static __always_inline long reset_link(struct __sk_buff *skb, const struct packet *p, bool ether)
{
	__be16 length = bpf_htons(p->link + p->l4 - p->l3 + sizeof(struct tcp_head));
	__u8 mac[2 * ETH_ALEN], swapped[2 * ETH_ALEN];

	if (!ether)
		return 0;
	if (bpf_skb_load_bytes(skb, 0, mac, sizeof(mac)))
		return -1;
	__builtin_memcpy(swapped, mac + ETH_ALEN, ETH_ALEN);
	__builtin_memcpy(swapped + ETH_ALEN, mac, ETH_ALEN);
	if (bpf_skb_store_bytes(skb, 0, swapped, sizeof(swapped), 0))
		return -1;
	if (!p->link)
		return 0;
	return bpf_skb_store_bytes(skb, p->l3 - p->link - sizeof(length), &length,
				   sizeof(length), 0);
}

/* Options are answered with as many octets of end-of-list. */
static __always_inline long reset_ip4_options(struct __sk_buff *skb, const struct packet *p)
{
	__u32 off = p->l3 + sizeof(struct iphdr), blank = 0;
	int i;

	for (i = 0; i < RESET_OPTION_WORDS && off < p->l4; i++, off += sizeof(blank)) {
		if (bpf_skb_store_bytes(skb, off, &blank, sizeof(blank), 0))
			return -1;
	}
	return 0;
}

static __always_inline long reset_ip4(struct __sk_buff *skb, const struct packet *p)
{
	__u32 octets = p->l4 - p->l3;
	struct iphdr ip = {
		.version = 4,
		.ihl = octets / 4,
		.tot_len = bpf_htons(octets + sizeof(struct tcp_head)),
		.frag_off = bpf_htons(0x4000),
		.ttl = RESET_TTL,
		.protocol = IPPROTO_TCP,
		.saddr = p->dst.word[3],
		.daddr = p->src.word[3],
	};

	ip.check = reset_fold(bpf_csum_diff(NULL, 0, (__be32 *)&ip, sizeof(ip), 0));
	if (bpf_skb_store_bytes(skb, p->l3, &ip, sizeof(ip), 0))
		return -1;
	return reset_ip4_options(skb, p);
}

static __always_inline long reset_ip6(struct __sk_buff *skb, const struct packet *p)
{
	struct ipv6hdr ip = {
		.version = 6,
		.payload_len = bpf_htons(sizeof(struct tcp_head)),
		.nexthdr = IPPROTO_TCP,
		.hop_limit = RESET_TTL,
	};

	__builtin_memcpy(&ip.saddr, &p->dst, sizeof(ip.saddr));
	__builtin_memcpy(&ip.daddr, &p->src, sizeof(ip.daddr));
	return bpf_skb_store_bytes(skb, p->l3, &ip, sizeof(ip), 0);
}

/*
 * From a checksum field of zero: the header's sum counts only where software
 * has to fill the field, the pseudo header's also where the device will (then
 * the field has to hold that sum). The helper knows which of them it is.
 */
static __always_inline long reset_checksum(struct __sk_buff *skb, const struct packet *p,
					   struct tcp_head *h)
{
	__be32 tail[2] = { bpf_htonl(sizeof(*h)), bpf_htonl(IPPROTO_TCP) };
	__u32 at = p->l4 + TCP_CHECK_AT;
	__s64 head = bpf_csum_diff(NULL, 0, (__be32 *)h, sizeof(*h), 0);
	__s64 pseudo = bpf_csum_diff(NULL, 0, tail, sizeof(tail), 0);
	struct postern_addr ends[2] = { p->src, p->dst };

	if (!p->v6)
		ends[0].word[2] = ends[1].word[2] = 0;	/* the mapping is not on the wire */
	pseudo = bpf_csum_diff(NULL, 0, (__be32 *)ends, sizeof(ends), pseudo);
	if (bpf_l4_csum_replace(skb, at, 0, head, 0))
		return -1;
	return bpf_l4_csum_replace(skb, at, 0, pseudo, BPF_F_PSEUDO_HDR);
}

/*
 * Answer @p with a reset. Returns the verdict: the redirect, or a plain drop
 * for a reset, for IPv6 with extension headers (a stack that sends those may
 * wait), and when a helper fails.
 */
__noinline int reset_send(struct __sk_buff *skb, const struct packet *p, __u32 ether)
{
	struct tcp_head h = {};

	if (!p || (p->flags & TCP_RST) || p->extended)
		return TC_ACT_SHOT;
	reset_head(&h, p);
	if (reset_trim(skb, p) || reset_link(skb, p, ether))
		return TC_ACT_SHOT;
	if (p->v6 ? reset_ip6(skb, p) : reset_ip4(skb, p))
		return TC_ACT_SHOT;
	if (bpf_skb_store_bytes(skb, p->l4, &h, sizeof(h), 0) || reset_checksum(skb, p, &h))
		return TC_ACT_SHOT;
	return bpf_redirect(skb->ifindex, 0);
}

#endif
