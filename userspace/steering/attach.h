/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs on their hooks: XDP links and the sk_lookup link, pinned; tc filters
 * at a fixed place. Internal to steering.
 *
 * Every change notes what was there before, so that attach_undo() puts back
 * the programs of a running steering, or nothing where nothing was.
 */
#ifndef STEERING_ATTACH_H
#define STEERING_ATTACH_H

#include <bpf/libbpf.h>

#include "steering/iface.h"
#include "steering/pins.h"

/* The place of Postern's tc filters. */
#define ATTACH_TC_PRIORITY	25
#define ATTACH_TC_HANDLE	0x25

/* What programs of Postern are called by the kernel begins with this. */
#define ATTACH_PREFIX		"postern_"

enum attach_hook { ATTACH_XDP, ATTACH_TC, ATTACH_LOOKUP };

/* A program on a hook. */
struct attach_state {
	int program;		/* descriptor, -1 for none */
	uint32_t xdp_mode;	/* XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE */
};

struct attach_step {
	enum attach_hook hook;
	int ifindex;
	struct attach_state before;
};

struct attach {
	const struct pins *pins;
	struct netlink *netlink;
	struct attach_step *steps;	/* what was changed, in order */
	size_t count;
};

/*
 * Put @program on a hook or, with -1, take ours away. Replaces a program of
 * ours without a gap unless the XDP mode changes. @xdp_mode as in struct
 * attach_state, 0 elsewhere; @ifindex 0 for the sk_lookup hook.
 * 0 or -errno; -EBUSY when a foreign program holds the place.
 */
int attach_put(struct attach *a, enum attach_hook hook, int ifindex, int program,
	       uint32_t xdp_mode);

/* Put back what attach_put() found, last change first. */
void attach_undo(struct attach *a);

/* Forget the steps; the hooks stay as they are. */
void attach_release(struct attach *a);

/*
 * Take away what Postern has on interfaces that @wanted(arg, ifindex) denies;
 * NULL denies all. 0 or the first -errno; goes on after one.
 */
int attach_sweep(struct attach *a, bool (*wanted)(const void *arg, int ifindex),
		 const void *arg);

/* Mode of our pinned program on the interface's XDP hook and its id; 0 for none. */
uint32_t attach_xdp_mode(const struct pins *p, int ifindex, int *id);

/* Is the filter at our place on the interface ours (1), nobody's (0) or foreign (-EBUSY)? */
int attach_tc_owner(int ifindex);

/* Does the pinned sk_lookup link belong to another network namespace? */
bool attach_elsewhere(const struct pins *p);

#endif
