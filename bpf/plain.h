/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The short way out. Nearly every packet of a router is none of our business
 * and says so in its first sixty octets; "not plain" only means that the
 * parser has to look.
 */
#ifndef POSTERN_BPF_PLAIN_H
#define POSTERN_BPF_PLAIN_H

#include "packet.h"

#define IP4_PLAIN	0x45			/* version 4, no options */
#define IP4_FRAGMENT	bpf_htons(0x3fff)	/* MF and the offset */
#define IP_PROTO_AH	51
#define IP_PROTO_ESP	50
#define IP_PROTO_MOBILE	135
#define IP_PROTO_HIP	139
#define IP_PROTO_SHIM6	140

static __always_inline bool plain_ports(void *l4, void *end)
{
	__be16 *port = l4;

	if ((void *)(port + 2) > end)
		return false;
	return port[0] != SMTP_PORT && port[1] != SMTP_PORT;
}

static __always_inline bool plain_icmp(void *l4, void *end, bool v6)
{
	__u8 *type = l4;

	if ((void *)(type + 1) > end)
		return false;
	return v6 ? *type >= ICMPV6_INFORMATION : *type == ICMP_ECHO || *type == ICMP_ECHOREPLY;
}

static __always_inline bool plain_ip4(void *l3, void *end)
{
	struct iphdr *ip = l3;

	if ((void *)(ip + 1) > end)
		return false;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_ICMP)
		return true;
	if (*(__u8 *)l3 != IP4_PLAIN || (ip->frag_off & IP4_FRAGMENT))
		return false;
	if (ip->protocol == IPPROTO_TCP)
		return plain_ports(ip + 1, end);
	return plain_icmp(ip + 1, end, false);
}

static __always_inline bool plain_ip6(void *l3, void *end)
{
	struct ipv6hdr *ip = l3;

	if ((void *)(ip + 1) > end)
		return false;
	if (ip->nexthdr == IPPROTO_UDP || ip->nexthdr == IP_PROTO_ESP)
		return true;
	if (ip->version != 6)
		return false;
	if (ip->nexthdr == IPPROTO_TCP)
		return plain_ports(ip + 1, end);
	return ip->nexthdr == IPPROTO_ICMPV6 && plain_icmp(ip + 1, end, true);
}

/* Is this surely none of our business? One VLAN tag is looked through. */
static __always_inline bool packet_plain(void *data, void *end, bool ether, __be16 protocol)
{
	struct ethhdr *eth = data;
	__be16 *tag;

	if (ether) {
		if ((void *)(eth + 1) > end)
			return false;
		protocol = eth->h_proto;
		data = eth + 1;
	}
	if (ether && protocol == bpf_htons(ETH_P_8021Q)) {
		tag = data;
		if ((void *)(tag + 2) > end)
			return false;
		protocol = tag[1];
		data = tag + 2;
	}
	if (protocol == bpf_htons(ETH_P_IP))
		return plain_ip4(data, end);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return plain_ip6(data, end);
	return !ether || protocol == bpf_htons(ETH_P_ARP);
}

#endif
