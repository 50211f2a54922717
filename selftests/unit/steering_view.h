/* SPDX-License-Identifier: GPL-2.0 */
/* A view over small maps of the tests' own: no program, no pin, no interface. */
#ifndef UNIT_STEERING_VIEW_H
#define UNIT_STEERING_VIEW_H

#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/bpf.h>

#include "base/addr.h"
#include "steering/view.h"

#define TRIE	BPF_MAP_TYPE_LPM_TRIE
#define HASH	BPF_MAP_TYPE_HASH
#define ARRAY	BPF_MAP_TYPE_ARRAY

static inline void view_make(struct steering *s)
{
	static const struct {
		enum steering_map map;
		enum bpf_map_type type;
		uint32_t key, value, entries, flags;
	} rows[] = {
		{ STEERING_MAP_pools, TRIE, sizeof(struct postern_prefix),
		  sizeof(struct postern_pool), 64, BPF_F_NO_PREALLOC },
		{ STEERING_MAP_destinations, TRIE, sizeof(struct postern_prefix),
		  sizeof(struct postern_destination), 64, BPF_F_NO_PREALLOC },
		{ STEERING_MAP_lines, HASH, sizeof(struct postern_addr),
		  sizeof(struct postern_line), 64, BPF_F_NO_PREALLOC },
		{ STEERING_MAP_dead, ARRAY, 4, sizeof(struct postern_dead), POSTERN_MAX_DEAD, 0 },
		{ STEERING_MAP_listeners, BPF_MAP_TYPE_SOCKMAP, 4, 8, POSTERN_MAX_WORKERS, 0 },
		{ STEERING_MAP_heartbeats, ARRAY, 4, 8, POSTERN_MAX_WORKERS, BPF_F_MMAPABLE },
		{ STEERING_MAP_tallies, ARRAY, 4, 8, POSTERN_MAX_WORKERS * POSTERN_REASONS_MAX,
		  BPF_F_MMAPABLE },
		{ STEERING_MAP_counters, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, POSTERN_REASONS_MAX, 0 },
		{ STEERING_MAP_events, BPF_MAP_TYPE_RINGBUF, 0, 0, POSTERN_EVENTS_BYTES, 0 },
		{ STEERING_MAP_settings, ARRAY, 4, sizeof(struct postern_settings), 1, 0 },
		{ STEERING_MAP_classes, ARRAY, 4, sizeof(struct postern_class),
		  POSTERN_MAX_CLASSES, 0 },
	};
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	size_t i;

	steering_view_init(s);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		opts.map_flags = rows[i].flags;
		s->fd[rows[i].map] = bpf_map_create(rows[i].type, "unit", rows[i].key,
						    rows[i].value, rows[i].entries, &opts);
		cr_assert_geq(s->fd[rows[i].map], 0, "map %s: %s (root?)",
			      steering_map_name(rows[i].map), strerror(-s->fd[rows[i].map]));
	}
	cr_assert_eq(steering_view_map(s), 0);
}

static inline struct postern_addr addr(const char *text)
{
	struct postern_addr a;

	cr_assert_eq(addr_parse(text, &a), 0, "%s", text);
	return a;
}

static inline struct postern_prefix prefix(const char *text)
{
	struct postern_prefix p;

	cr_assert_eq(prefix_parse(text, &p), 0, "%s", text);
	return p;
}

#endif
