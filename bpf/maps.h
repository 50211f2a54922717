/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every map, once. All objects declare all of them, so that whichever is
 * loaded first creates the set and the others are given the same maps by name.
 * Nothing is pinned from here: the loader chooses the paths.
 *
 * User space writes pools, lines, listeners, heartbeats, tallies, destinations,
 * dead, settings and classes; the programs write flows, budgets, counters,
 * events and scratch.
 */
#ifndef POSTERN_BPF_MAPS_H
#define POSTERN_BPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "postern/abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, POSTERN_MAX_POOLS);
	__type(key, struct postern_prefix);
	__type(value, struct postern_pool);
} pools SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, POSTERN_MAX_LINES);
	__type(key, struct postern_addr);
	__type(value, struct postern_line);
} lines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, POSTERN_MAX_WORKERS);
	__type(key, __u32);
	__type(value, __u64);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, POSTERN_MAX_WORKERS);
	__type(key, __u32);
	__type(value, __u64);
} heartbeats SEC(".maps");

/* A row of POSTERN_REASONS_MAX counters per worker; no program touches it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, POSTERN_MAX_WORKERS * POSTERN_REASONS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} tallies SEC(".maps");

/* Line (masked) -> theoretical arrival time of the next SYN, boot-time ns. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, POSTERN_MAX_BUDGETS);
	__type(key, struct postern_addr);
	__type(value, __u64);
} budgets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, POSTERN_MAX_DESTINATIONS);
	__type(key, struct postern_prefix);
	__type(value, struct postern_destination);
} destinations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, POSTERN_MAX_FLOWS);
	__type(key, struct postern_flow_key);
	__type(value, struct postern_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POSTERN_MAX_DEAD);
	__type(key, __u32);
	__type(value, struct postern_dead);
} dead SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, POSTERN_REASONS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, POSTERN_EVENTS_BYTES);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct postern_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POSTERN_MAX_CLASSES);
	__type(key, __u32);
	__type(value, struct postern_class);
} classes SEC(".maps");

/* What a CPU keeps between packets; no other CPU and no process looks at it. */
struct scratch {
	__u64	jiffies;	/* when `boot` was read */
	__u64	boot;		/* boot-time ns */
	__u32	asking;		/* a tc program is looking for a connection */
	__u32	pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

static __always_inline struct scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

#endif
