// SPDX-License-Identifier: GPL-2.0
/*
 * Subscriber side, before the kernel has made anything of a frame: drops what
 * cannot be judged, and what comes faster than it may. Everything that needs
 * an answer or a socket is the tc program's.
 */
#include "parse.h"
#include "screen.h"

/* Of its own for the verifier's sake, as packet_parse_skb() is. */
__noinline int packet_parse_xdp(struct xdp_md *xdp, struct packet *p)
{
	struct frame f = {
		.ctx = xdp,
		.len = bpf_xdp_get_buff_len(xdp),
		.xdp = true,
		.ether = true,
	};

	return p ? packet_parse(&f, p) : PACKET_OTHER;
}

static __always_inline enum packet_kind packet_of_xdp(struct xdp_md *xdp, struct packet *p)
{
	struct view v = {
		.data = (void *)(long)xdp->data,
		.end = (void *)(long)xdp->data_end,
		.len = xdp->data_end - xdp->data,
	};

	switch (packet_plain(&v, p, true, 0)) {
	case PLAIN_OTHER:
		return PACKET_OTHER;
	case PLAIN_TCP:
		return PACKET_TCP;
	case PLAIN_NO:
		break;
	}
	__builtin_memset(p, 0, sizeof(*p));
	return packet_parse_xdp(xdp, p);
}

SEC("xdp.frags")
int postern_screen(struct xdp_md *xdp)
{
	struct site s = { .ifindex = xdp->ingress_ifindex, .hook = POSTERN_HOOK_SCREEN };
	struct packet p = {};
	enum packet_kind kind = packet_of_xdp(xdp, &p);

	if (kind != PACKET_BAD && kind != PACKET_TCP)
		return XDP_PASS;
	s.set = settings_get();
	if (!s.set)
		return XDP_PASS;
	return screen(&s, &p, kind) ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
