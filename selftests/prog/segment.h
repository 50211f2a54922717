/* SPDX-License-Identifier: GPL-2.0 */
/* Reading a frame back: an independent, simple parser that also checks every sum. */
#ifndef PROG_SEGMENT_H
#define PROG_SEGMENT_H

#include "frame.h"
#include "postern/abi.h"

struct segment {
	struct postern_addr	src, dst;
	uint8_t			src_mac[6], dst_mac[6];
	unsigned int		tag;		/* VLAN id, 0 = none */
	unsigned int		pppoe;		/* its length field, 0 = none */
	unsigned int		ip_octets;	/* of the IP header */
	unsigned int		total;		/* octets of the IP packet by its own word */
	unsigned int		rest;		/* octets of the frame behind it */
	unsigned int		ttl;
	unsigned int		sport, dport;
	uint32_t		seq, ack;
	unsigned int		flags;
	unsigned int		tcp_octets;	/* of the TCP header */
	unsigned int		payload;
	bool			ip_sum_right, tcp_sum_right;
};

/* False: not a TCP segment. */
bool segment_read(const struct frame *f, bool raw, struct segment *s);

#endif
