/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames from a description: what a row of the tables leaves out takes the
 * value of a plain SYN from 10.64.0.9 to the exchanger. `damage` has the last
 * word and works on the octets.
 */
#ifndef PROG_FRAME_H
#define PROG_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define FIN	0x01
#define SYN	0x02
#define RST	0x04
#define PSH	0x08
#define ACK	0x10
#define URG	0x20

#define LINE4		"10.64.0.9"
#define MX4		"198.51.100.25"
#define LINE6		"2001:db8:64:1::9"
#define MX6		"2001:db8:25::25"
#define ROUTER4		"203.0.113.1"
#define ROUTER6		"2001:db8:ffff::1"
#define LINE_PORT	40000

#define FRAME_SPACE	2048
#define NO_PORT		0xffff	/* a port of zero, which would be left out */
#define NO_FLAGS	0x80

struct frame {
	uint8_t		octet[FRAME_SPACE];
	unsigned int	len;
	unsigned int	l3;	/* offset of the (outer) IP header */
	unsigned int	l4;	/* offset of what follows IP and its options */
};

struct frame_spec {
	bool		v6;
	bool		raw;		/* no Ethernet header */
	const char	*src, *dst;
	uint16_t	sport, dport;
	uint8_t		flags;
	uint8_t		ttl;
	uint32_t	seq, ack;
	unsigned int	mss;		/* the TCP option */
	unsigned int	payload;	/* octets */
	unsigned int	tags;		/* VLAN tags */
	uint16_t	tag_type;	/* of all of them, 0x8100 when left out */
	bool		pppoe;
	bool		ppp_short;	/* the one-octet form of the protocol */
	uint16_t	ppp_other;	/* another protocol than IP */
	uint8_t		options[40];	/* IPv4 */
	unsigned int	options_len;
	bool		fragment;	/* fragment field or header as given: */
	bool		more;
	unsigned int	offset;		/* octets */
	const uint8_t	*chain;		/* IPv6 extension headers, ended by TCP */
	bool		chain_to_udp;
	unsigned int	segments_left;
	uint8_t		icmp;		/* type of an error that quotes the segment */
	unsigned int	cut;		/* octets taken off the end, lengths kept */
	void		(*damage)(struct frame *f);
};

void frame_build(struct frame *f, const struct frame_spec *spec);

/* Internet checksum of @len octets on top of @sum, folded and inverted. */
uint16_t frame_checksum(const void *octets, unsigned int len, uint32_t sum);

/* Sum of a pseudo header, for frame_checksum(). @addresses: 8 or 32 octets. */
uint32_t frame_pseudo(const void *addresses, unsigned int len, unsigned int octets,
		      unsigned int protocol);

#endif
