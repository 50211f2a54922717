/* SPDX-License-Identifier: GPL-2.0 */
/* Direct flows to port 25, so that their answers are known to be genuine. */
#ifndef POSTERN_BPF_FLOW_H
#define POSTERN_BPF_FLOW_H

#include "maps.h"
#include "packet.h"

static __always_inline struct postern_flow_key flow_key(const struct postern_addr *line,
							__be16 port,
							const struct postern_addr *peer)
{
	struct postern_flow_key key = { .line = *line, .peer = *peer, .port = port };

	return key;
}

/* An entry that says it already is left alone: no cache line is dirtied per segment. */
static __always_inline void flow_note(const struct postern_flow_key *key, __u32 flag)
{
	struct postern_flow *known = bpf_map_lookup_elem(&flows, key);
	struct postern_flow fresh = { .flags = flag };

	if (!known)
		bpf_map_update_elem(&flows, key, &fresh, BPF_ANY);
	else if (!(known->flags & flag))
		__sync_fetch_and_or(&known->flags, flag);
}

/* A segment from the inside goes its own way. A reset asks for no answer. */
static __always_inline void flow_from_inside(const struct packet *p)
{
	struct postern_flow_key key = flow_key(&p->src, p->sport, &p->dst);

	if (p->flags & TCP_RST)
		return;
	flow_note(&key, packet_opens(p) ? POSTERN_FLOW_SYN : POSTERN_FLOW_DATA);
}

#endif
