// SPDX-License-Identifier: GPL-2.0
/* Reading a frame back: segment.h. */
#include "segment.h"

#include <netinet/in.h>
#include <string.h>

static unsigned int get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* Offset of the IP header, or 0 with *@ip false. */
static unsigned int read_link(const struct frame *f, struct segment *s, bool *ip)
{
	unsigned int at = 12, type = get16(f->octet + at), ppp = 0;

	memcpy(s->dst_mac, f->octet, 6);
	memcpy(s->src_mac, f->octet + 6, 6);
	if (type == 0x8100) {
		s->tag = get16(f->octet + at + 2) & 0xfff;
		at += 4;
		type = get16(f->octet + at);
	}
	at += 2;
	if (type == 0x8864) {
		s->pppoe = get16(f->octet + at + 4);
		ppp = get16(f->octet + at + 6);
		at += 8;
	}
	*ip = type == 0x0800 || type == 0x86dd || ppp == 0x21 || ppp == 0x57;
	return at;
}

static void map_v4(struct postern_addr *a, const uint8_t *octets)
{
	memset(a, 0, sizeof(*a));
	a->octet[10] = a->octet[11] = 0xff;
	memcpy(a->octet + 12, octets, 4);
}

static bool read_ip4(const uint8_t *ip, struct segment *s)
{
	s->ip_octets = (ip[0] & 0xf) * 4;
	s->total = get16(ip + 2);
	s->ttl = ip[8];
	s->ip_sum_right = frame_checksum(ip, s->ip_octets, 0) == 0;
	map_v4(&s->src, ip + 12);
	map_v4(&s->dst, ip + 16);
	return ip[9] == IPPROTO_TCP;
}

static bool read_ip6(const uint8_t *ip, struct segment *s)
{
	s->ip_octets = 40;
	s->total = 40 + get16(ip + 4);
	s->ttl = ip[7];
	s->ip_sum_right = true;
	memcpy(&s->src, ip + 8, 16);
	memcpy(&s->dst, ip + 24, 16);
	return ip[6] == IPPROTO_TCP;
}

static void read_tcp(const uint8_t *tcp, struct segment *s, uint32_t pseudo)
{
	s->sport = get16(tcp);
	s->dport = get16(tcp + 2);
	s->seq = get32(tcp + 4);
	s->ack = get32(tcp + 8);
	s->tcp_octets = (tcp[12] >> 4) * 4;
	s->flags = tcp[13];
	s->payload = s->total - s->ip_octets - s->tcp_octets;
	s->tcp_sum_right = frame_checksum(tcp, s->total - s->ip_octets, pseudo) == 0;
}

bool segment_read(const struct frame *f, bool raw, struct segment *s)
{
	bool is_ip = true, v6, is_tcp;
	unsigned int at, octets;
	const uint8_t *ip;

	memset(s, 0, sizeof(*s));
	at = raw ? 0 : read_link(f, s, &is_ip);
	if (!is_ip)
		return false;
	ip = f->octet + at;
	v6 = ip[0] >> 4 == 6;
	is_tcp = v6 ? read_ip6(ip, s) : read_ip4(ip, s);
	if (!is_tcp || at + s->total > f->len || s->total < s->ip_octets + 20)
		return false;
	s->rest = f->len - at - s->total;
	octets = s->total - s->ip_octets;
	read_tcp(ip + s->ip_octets, s, v6 ? frame_pseudo(ip + 8, 32, octets, IPPROTO_TCP) :
					    frame_pseudo(ip + 12, 8, octets, IPPROTO_TCP));
	return true;
}
