/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The three verbs of each kind of hook; attach.c alone calls them.
 *
 * read	what of ours is on the hook (-1 for nothing), -errno; -EBUSY: foreign
 * put	put a program on it, in place of ours without a gap where that can be
 * take	take ours away; fine when there is none
 */
#ifndef STEERING_HOOK_H
#define STEERING_HOOK_H

#include "steering/attach.h"

/* Names of pins and marks; an interface index follows, see pins.h. */
#define HOOK_PIN_XDP		"xdp"
#define HOOK_PIN_LOOKUP		"lookup"
#define HOOK_MARK_CLSACT	"clsact"

int hook_xdp_read(const struct pins *p, int ifindex, struct attach_state *now);
int hook_xdp_put(struct attach *a, int ifindex, const struct attach_state *to);
int hook_xdp_take(struct attach *a, int ifindex);

int hook_lookup_read(const struct pins *p, int ifindex, struct attach_state *now);
int hook_lookup_put(struct attach *a, int ifindex, const struct attach_state *to);
int hook_lookup_take(struct attach *a, int ifindex);

int hook_tc_read(const struct pins *p, int ifindex, struct attach_state *now);
int hook_tc_put(struct attach *a, int ifindex, const struct attach_state *to);
int hook_tc_take(struct attach *a, int ifindex);

/* Has the interface a clsact (or ingress) qdisc, of anybody's? */
bool hook_has_clsact(struct netlink *n, int ifindex);

#endif
