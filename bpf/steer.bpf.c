// SPDX-License-Identifier: GPL-2.0
/*
 * Subscriber side, tc ingress: sessions of ours to their sockets, new ones to
 * a worker, the rest untouched. One body, three interfaces.
 */
#include "steer.h"

/* Ethernet; the screen stands before it as an XDP program. */
SEC("tc")
int postern_steer(struct __sk_buff *skb)
{
	return steer(skb, true, false);
}

/* No link header (tun, ppp): generic XDP is unreliable there, so we screen. */
SEC("tc")
int postern_steer_l3(struct __sk_buff *skb)
{
	return steer(skb, false, true);
}

/* Ethernet where no XDP program could be attached. */
SEC("tc")
int postern_steer_screen(struct __sk_buff *skb)
{
	return steer(skb, true, true);
}

char _license[] SEC("license") = "GPL";
