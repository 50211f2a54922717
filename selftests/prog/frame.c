// SPDX-License-Identifier: GPL-2.0
/* Frames from a description: frame.h. */
#include "frame.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

#define PPPOE_OCTETS	6

static void put(struct frame *f, const void *octets, unsigned int len)
{
	cr_assert_leq(f->len + len, FRAME_SPACE);
	memcpy(f->octet + f->len, octets, len);
	f->len += len;
}

static void put16(struct frame *f, unsigned int value)
{
	uint16_t octets = htons(value);

	put(f, &octets, sizeof(octets));
}

static void put_zeros(struct frame *f, unsigned int len)
{
	static const uint8_t zeros[FRAME_SPACE];

	put(f, zeros, len);
}

static void set16(struct frame *f, unsigned int at, unsigned int value)
{
	f->octet[at] = value >> 8;
	f->octet[at + 1] = value;
}

static uint32_t sum_of(const void *octets, unsigned int len, uint32_t sum)
{
	const uint8_t *p = octets;
	unsigned int i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	return sum;
}

uint16_t frame_checksum(const void *octets, unsigned int len, uint32_t sum)
{
	sum = sum_of(octets, len, sum);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

uint32_t frame_pseudo(const void *addresses, unsigned int len, unsigned int octets,
		      unsigned int protocol)
{
	return sum_of(addresses, len, octets + protocol);
}

static uint16_t or_else(uint16_t value, uint16_t usual)
{
	return value == NO_PORT ? 0 : value ? value : usual;
}

static void put_pppoe(struct frame *f, const struct frame_spec *s)
{
	unsigned int ppp = s->v6 ? 0x57 : 0x21;

	put(f, "\x11\x00\x12\x34\x00\x00", PPPOE_OCTETS);
	if (s->ppp_other)
		ppp = s->ppp_other;
	if (s->ppp_short)
		put(f, &(uint8_t) { ppp }, 1);
	else
		put16(f, ppp);
}

static void put_link(struct frame *f, const struct frame_spec *s)
{
	unsigned int i;

	if (s->raw)
		return;
	put(f, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 2 * ETH_ALEN);
	for (i = 0; i < s->tags; i++) {
		put16(f, or_else(s->tag_type, ETH_P_8021Q));
		put16(f, 100 + i);
	}
	if (s->pppoe) {
		put16(f, ETH_P_PPP_SES);
		put_pppoe(f, s);
		return;
	}
	put16(f, s->v6 ? ETH_P_IPV6 : ETH_P_IP);
}

/* The addresses of an ICMP error: any router tells the sender of what it quotes. */
static void put_address(struct frame *f, const struct frame_spec *s, const char *text)
{
	uint8_t octets[16];

	cr_assert_eq(inet_pton(s->v6 ? AF_INET6 : AF_INET, text, octets), 1, "%s", text);
	put(f, octets, s->v6 ? 16 : 4);
}

static void put_ip4(struct frame *f, const struct frame_spec *s, const char *src,
		    const char *dst, unsigned int protocol)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5 + s->options_len / 4,
		.ttl = or_else(s->ttl, 64),
		.protocol = protocol,
	};

	if (s->fragment)
		ip.frag_off = htons((s->more ? IP_MF : 0) | s->offset / 8);
	put(f, &ip, offsetof(struct iphdr, saddr));
	put_address(f, s, src);
	put_address(f, s, dst);
	put(f, s->options, s->options_len);
}

/* One extension header; @next follows it. */
static void put_extension(struct frame *f, const struct frame_spec *s, uint8_t kind, uint8_t next)
{
	uint8_t h[16] = { next };

	switch (kind) {
	case IPPROTO_FRAGMENT:
		h[2] = s->offset >> 8;
		h[3] = s->offset | s->more;
		put(f, h, 8);
		return;
	case IPPROTO_ROUTING:
		h[2] = 4;
		h[3] = s->segments_left;
		put(f, h, 8);
		return;
	case IPPROTO_AH:
		h[1] = 2;
		put(f, h, 16);
		return;
	default:
		put(f, h, 8);
	}
}

static void put_chain(struct frame *f, const struct frame_spec *s)
{
	const uint8_t *kind = s->chain;

	for (; kind && *kind != IPPROTO_TCP; kind++)
		put_extension(f, s, *kind,
			      kind[1] == IPPROTO_TCP && s->chain_to_udp ? IPPROTO_UDP : kind[1]);
}

static void put_ip6(struct frame *f, const struct frame_spec *s, const char *src,
		    const char *dst, unsigned int protocol)
{
	struct ip6_hdr ip = { .ip6_flow = htonl(6u << 28), .ip6_hlim = or_else(s->ttl, 64) };

	ip.ip6_nxt = protocol == IPPROTO_TCP && s->chain ? *s->chain : protocol;
	put(f, &ip, offsetof(struct ip6_hdr, ip6_src));
	put_address(f, s, src);
	put_address(f, s, dst);
	if (protocol == IPPROTO_TCP)
		put_chain(f, s);
}

static void put_ip(struct frame *f, const struct frame_spec *s, const char *src,
		   const char *dst, unsigned int protocol)
{
	if (s->v6)
		put_ip6(f, s, src, dst, protocol);
	else
		put_ip4(f, s, src, dst, protocol);
}

/* Lengths and the IPv4 checksum of the IP header at @l3, now that its end is known. */
static void finish_ip(struct frame *f, const struct frame_spec *s, unsigned int l3)
{
	unsigned int octets = (f->octet[l3] & 0xf) * 4;

	if (s->v6) {
		set16(f, l3 + 4, f->len - l3 - sizeof(struct ip6_hdr));
		return;
	}
	set16(f, l3 + 2, f->len - l3);
	set16(f, l3 + 10, frame_checksum(f->octet + l3, octets, 0));
}

static void put_tcp(struct frame *f, const struct frame_spec *s, unsigned int l3)
{
	unsigned int l4 = f->len, addresses = s->v6 ? 32 : 8;
	struct tcphdr tcp = {
		.source = htons(or_else(s->sport, LINE_PORT)),
		.dest = htons(or_else(s->dport, 25)),
		.seq = htonl(s->seq),
		.ack_seq = htonl(s->ack),
		.doff = s->mss ? 6 : 5,
		.window = htons(65535),
	};
	uint32_t sum;

	put(f, &tcp, sizeof(tcp));
	if (s->mss)
		put(f, (uint8_t[]) { 2, 4, s->mss >> 8, s->mss }, 4);
	f->octet[l4 + 13] = s->flags == NO_FLAGS ? 0 : s->flags ? s->flags : SYN;
	put_zeros(f, s->payload);
	sum = frame_pseudo(f->octet + l3 + (s->v6 ? 8 : 12), addresses, f->len - l4, IPPROTO_TCP);
	set16(f, l4 + 16, frame_checksum(f->octet + l4, f->len - l4, sum));
}

static void put_segment(struct frame *f, const struct frame_spec *s)
{
	unsigned int l3 = f->len;

	put_ip(f, s, s->src ? s->src : s->v6 ? LINE6 : LINE4,
	       s->dst ? s->dst : s->v6 ? MX6 : MX4, IPPROTO_TCP);
	if (!s->icmp)
		f->l4 = f->len;
	put_tcp(f, s, l3);
	finish_ip(f, s, l3);
}

/* An error by a router on the way, to the sender of the segment that it quotes. */
static void put_icmp(struct frame *f, const struct frame_spec *s)
{
	uint8_t head[8] = { s->icmp };
	unsigned int sum = 0;

	put_ip(f, s, s->v6 ? ROUTER6 : ROUTER4, s->src, s->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	f->l4 = f->len;
	put(f, head, sizeof(head));
	put_segment(f, s);
	finish_ip(f, s, f->l3);
	if (s->v6)
		sum = frame_pseudo(f->octet + f->l3 + 8, 32, f->len - f->l4, IPPROTO_ICMPV6);
	set16(f, f->l4 + 2, frame_checksum(f->octet + f->l4, f->len - f->l4, sum));
}

void frame_build(struct frame *f, const struct frame_spec *s)
{
	unsigned int ppp = s->ppp_short ? 1 : 2;

	memset(f, 0, sizeof(*f));
	put_link(f, s);
	f->l3 = f->len;
	if (s->icmp)
		put_icmp(f, s);
	else
		put_segment(f, s);
	if (s->pppoe)
		set16(f, f->l3 - ppp - 2, f->len - f->l3 + ppp);
	if (s->damage)
		s->damage(f);
	f->len -= s->cut;
}
