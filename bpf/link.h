/* SPDX-License-Identifier: GPL-2.0 */
/* From the first octet of a frame to its IP header: VLAN tags and PPPoE. */
#ifndef POSTERN_BPF_LINK_H
#define POSTERN_BPF_LINK_H

#include "packet.h"

#define LINK_TAGS_LOOKED_AT	4	/* two are fine, more are refused; so many that
					 * not even the addresses are seen, from anybody */
#define LINK_TAGS_ALLOWED	2
#define ETH_P_QINQ_OLD		0x9100
#define PPPOE_OCTETS		6
#define PPP_IP			0x21
#define PPP_IPV6		0x57

struct pppoe {
	__u8	version_type;
	__u8	code;
	__be16	session;
	__be16	length;		/* of what follows, PPP protocol included */
	__u8	ppp[2];
};

static __always_inline bool link_is_tag(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD) ||
	       type == bpf_htons(ETH_P_QINQ_OLD);
}

/* RFC 1661 section 2, and RFC 1661 6.5: receivers take the one-octet form too. */
static __always_inline __u8 link_ppp_protocol(const struct pppoe *h, struct packet *p)
{
	if (h->ppp[0] & 1) {
		p->link = 1;
		return h->ppp[0];
	}
	p->link = 2;
	return h->ppp[0] ? 0 : h->ppp[1];
}

/*
 * PPPoE session stage (RFC 2516 section 4). Kernels accept any version and
 * code, so those do not make a frame somebody else's: they make it damaged.
 */
static __always_inline __be16 link_pppoe(const struct frame *f, struct packet *p)
{
	struct pppoe h;
	__u32 length;
	__u8 ppp;

	if (frame_load(f, p->l3, &h, sizeof(h)))
		return 0;
	ppp = link_ppp_protocol(&h, p);
	length = bpf_ntohs(h.length);
	if (h.version_type != 0x11 || h.code || length < p->link ||
	    p->l3 + PPPOE_OCTETS + length > f->len)
		p->bad = POSTERN_R_link_header;
	else
		p->end = p->l3 + PPPOE_OCTETS + length;
	p->l3 += PPPOE_OCTETS + p->link;
	if (ppp == PPP_IP)
		return bpf_htons(ETH_P_IP);
	return ppp == PPP_IPV6 ? bpf_htons(ETH_P_IPV6) : 0;
}

/* Sets l3 and end; returns the EtherType of what lies there, 0 for none of ours. */
static __always_inline __be16 link_parse(const struct frame *f, struct packet *p)
{
	__u32 tags = f->tagged, off = 12;
	__be16 type = 0;
	int i;

	p->end = f->len;
	if (!f->ether)
		return f->protocol;
	if (frame_load(f, off, &type, sizeof(type)))
		return 0;
	for (i = 0; i < LINK_TAGS_LOOKED_AT && link_is_tag(type); i++) {
		off += 4;
		tags++;
		if (frame_load(f, off, &type, sizeof(type)))
			return 0;
	}
	p->l3 = off + 2;
	if (tags > LINK_TAGS_ALLOWED)
		p->bad = POSTERN_R_link_header;
	p->hidden = link_is_tag(type);
	if (type == bpf_htons(ETH_P_PPP_SES))
		return link_pppoe(f, p);
	return type;
}

#endif
