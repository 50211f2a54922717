/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The BPF objects: open, give them the pinned maps, load, pin what is new.
 * Internal to steering. Nothing is attached here.
 */
#ifndef STEERING_LOAD_H
#define STEERING_LOAD_H

#include <bpf/libbpf.h>

#include "steering/pins.h"
#include "steering/view.h"

#define LOAD_OBJECTS 4		/* screen, steer, back, lookup */

struct load {
	struct bpf_object *object[LOAD_OBJECTS];
	struct steering maps;			/* descriptors that this owns */
	bool pinned[STEERING_MAP_COUNT];	/* stood before this call */
	bool made[STEERING_MAP_COUNT];		/* pinned by this call */
};

/*
 * Open the pinned maps into @maps, each checked against what the programs
 * expect; one that is missing stays -1. -EPROTO when one is not ours or of
 * another shape, and @report says which.
 */
int load_pinned(const struct pins *p, struct steering *maps,
		const struct steering_report *report);

/*
 * Load all programs, over the maps pinned under @p where there are some and
 * new ones otherwise. The kernel's refusal goes to @report. 0 or -errno; call
 * load_release() in either case.
 */
int load_programs(struct load *l, const struct pins *p, const struct steering_report *report);

/* Pin the maps that are new. 0 or -errno. */
int load_pin(struct load *l, const struct pins *p);

/* Unpin what load_pin() pinned; for undoing. */
void load_unpin(struct load *l, const struct pins *p);

/* Descriptor of a loaded program, owned by @l, or -ENOENT. */
int load_program(const struct load *l, const char *name);

void load_release(struct load *l);

/* Remove the pins of all maps. 0 or -errno. */
int load_unpin_all(const struct pins *p);

#endif
