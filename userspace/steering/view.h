/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What struct steering is: descriptors of the pinned maps and two windows into
 * them. Internal to steering; outside it is opaque.
 */
#ifndef STEERING_VIEW_H
#define STEERING_VIEW_H

#include "steering/steering.h"

/* The maps by name, as in bpf/ and as pinned. */
#define STEERING_MAPS(MAP) \
	MAP(pools) MAP(lines) MAP(listeners) MAP(heartbeats) MAP(budgets) \
	MAP(destinations) MAP(flows) MAP(dead) MAP(counters) MAP(events) \
	MAP(settings) MAP(classes) MAP(tallies) MAP(scratch)

#define MAP(name) STEERING_MAP_##name,
enum steering_map { STEERING_MAPS(MAP) STEERING_MAP_COUNT };
#undef MAP

/* The name of a map. */
const char *steering_map_name(enum steering_map map);

/* The map of that name, or -1. */
int steering_map_find(const char *name);

struct steering {
	int fd[STEERING_MAP_COUNT];	/* -1 while not open */
	volatile uint64_t *heartbeats;	/* mapped; POSTERN_MAX_WORKERS */
	volatile uint64_t *tallies;	/* mapped; rows of POSTERN_REASONS_MAX */
	int cpus;			/* width of per-CPU values */
};

/* All descriptors -1, nothing mapped. */
void steering_view_init(struct steering *s);

/* Map the two windows, once all descriptors are there. 0 or -errno. */
int steering_view_map(struct steering *s);

/* Close descriptors and unmap; the struct itself stays. */
void steering_view_release(struct steering *s);

#endif
