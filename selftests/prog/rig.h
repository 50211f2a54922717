/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The four objects loaded over one set of maps, in a network namespace of the
 * test's own, with a small policy (rig.c) that rig_reset() restores. One rig
 * per test process; every function ends the test when something fails.
 */
#ifndef PROG_RIG_H
#define PROG_RIG_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "postern/abi.h"
#include "postern/reason.h"

#define RIG_WORKERS	3
#define RIG_MARK	0x19
#define RIG_MARK_MASK	0xff

/* Classes of the rig. */
enum {
	CLASS_PLAIN,
	CLASS_SHADOW,
	CLASS_RESET,		/* fails closed */
	CLASS_BUDGET,		/* one SYN a second, three at once */
	CLASS_RESET_SHADOW,
	CLASS_GREET,		/* tells refused lines why */
	CLASS_GREET_SHADOW,
};

enum program { SCREEN, STEER, STEER_L3, STEER_SCREEN, BACK, BACK_L3, PROGRAMS };

enum map {
	POOLS, LINES, LISTENERS, HEARTBEATS, BUDGETS, DESTINATIONS, FLOWS, DEAD,
	COUNTERS, EVENTS, SETTINGS, CLASSES, MAPS
};

struct rig {
	int			program[PROGRAMS];
	int			lookup;			/* the sk_lookup program */
	int			map[MAPS];
	int			listener[RIG_WORKERS];	/* dual stack, transparent */
	struct ring_buffer	*events;
	struct postern_event	event;			/* the last one seen */
	unsigned int		event_count;
};

/* Verdict of a run, and the frame as the program left it. */
struct outcome {
	int		verdict;
	uint32_t	mark;
	struct frame	frame;
};

struct rig *rig_make(void);
void rig_free(struct rig *r);

/* Counters to zero; policy, settings, workers as made; flows and budgets empty. */
void rig_reset(struct rig *r);

/* -EINVAL: BPF_PROG_TEST_RUN itself refuses the frame. */
int rig_try(struct rig *r, enum program program, const struct frame *f, struct outcome *o);
struct outcome rig_run(struct rig *r, enum program program, const struct frame *f);

/* Sum of a counter over all CPUs; and of all counters. */
uint64_t rig_count(struct rig *r, enum postern_reason reason);
uint64_t rig_count_all(struct rig *r);

/* Read what is in the ring: event_count, event. */
void rig_events(struct rig *r);

struct postern_addr rig_addr(const char *text);
void rig_pool(struct rig *r, const char *prefix, struct postern_pool pool);
void rig_line(struct rig *r, const char *line, struct postern_line value);
void rig_destination(struct rig *r, const char *prefix, enum postern_destination_rule rule,
		     unsigned int class);
void rig_flow(struct rig *r, const char *line, unsigned int port, const char *peer,
	      uint32_t flags);
/* Flags of a flow, or -1 when it is not known. */
int rig_flow_flags(struct rig *r, const char *line, unsigned int port, const char *peer);
void rig_dead(struct rig *r, const char *line, const char *exchanger, uint64_t until);
struct postern_settings rig_settings(struct rig *r);
void rig_settings_set(struct rig *r, struct postern_settings set);
void rig_beat(struct rig *r, unsigned int worker, uint64_t when);
void rig_listener(struct rig *r, unsigned int worker, bool there);

/* Worker of a line, by the hash that the programs use. */
unsigned int rig_worker(const char *line);

/* A command in the test's namespace, by the shell. */
void rig_sh(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
