// SPDX-License-Identifier: GPL-2.0
/*
 * A view of loaded steering: map descriptors, the mapped heartbeats and
 * tallies, and the sums of the counters. Any process; no locks: the kernel
 * makes each map operation atomic.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "postern/hash.h"
#include "steering/view.h"

#define HEARTBEATS_SIZE	(POSTERN_MAX_WORKERS * sizeof(uint64_t))
#define TALLIES_SIZE	(POSTERN_MAX_WORKERS * POSTERN_REASONS_MAX * sizeof(uint64_t))

#define MAP(name) [STEERING_MAP_##name] = #name,
static const char *const names[STEERING_MAP_COUNT] = { STEERING_MAPS(MAP) };
#undef MAP

const char *steering_map_name(enum steering_map map)
{
	return names[map];
}

int steering_map_find(const char *name)
{
	int i;

	for (i = 0; i < STEERING_MAP_COUNT; i++) {
		if (!strcmp(names[i], name))
			return i;
	}
	return -1;
}

void steering_view_init(struct steering *s)
{
	int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < STEERING_MAP_COUNT; i++)
		s->fd[i] = -1;
}

/* The kernel wants whole pages; the length is rounded up by it. */
static volatile uint64_t *window(int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int steering_view_map(struct steering *s)
{
	s->cpus = libbpf_num_possible_cpus();
	if (s->cpus < 0)
		return s->cpus;
	s->heartbeats = window(s->fd[STEERING_MAP_heartbeats], HEARTBEATS_SIZE);
	if (!s->heartbeats)
		return -errno;
	s->tallies = window(s->fd[STEERING_MAP_tallies], TALLIES_SIZE);
	return s->tallies ? 0 : -errno;
}

void steering_view_release(struct steering *s)
{
	int i;

	if (s->heartbeats)
		munmap((void *)s->heartbeats, HEARTBEATS_SIZE);
	if (s->tallies)
		munmap((void *)s->tallies, TALLIES_SIZE);
	for (i = 0; i < STEERING_MAP_COUNT; i++) {
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	}
	steering_view_init(s);
}

void steering_close(struct steering *s)
{
	if (!s)
		return;
	steering_view_release(s);
	free(s);
}

int steering_listener_set(struct steering *s, unsigned int worker, int fd)
{
	uint64_t value = (uint64_t)fd;
	uint32_t key = worker;

	if (worker >= POSTERN_MAX_WORKERS)
		return -ERANGE;
	return bpf_map_update_elem(s->fd[STEERING_MAP_listeners], &key, &value, BPF_ANY);
}

volatile uint64_t *steering_heartbeats(struct steering *s)
{
	return s->heartbeats;
}

volatile uint64_t *steering_tallies(struct steering *s, unsigned int worker)
{
	return worker < POSTERN_MAX_WORKERS ? s->tallies + worker * POSTERN_REASONS_MAX : NULL;
}

int steering_dead_set(struct steering *s, const struct postern_addr *line,
		      const struct postern_addr *dst, uint64_t until)
{
	struct postern_dead value = { .line = *line, .exchanger = *dst, .until = until };
	uint32_t slot = postern_dead_slot(line, dst);

	return bpf_map_update_elem(s->fd[STEERING_MAP_dead], &slot, &value, BPF_ANY);
}

/* What the kernel counted for one reason, over all processors. */
static int kernel_count(struct steering *s, uint32_t reason, uint64_t *per_cpu, uint64_t *sum)
{
	int i, err;

	err = bpf_map_lookup_elem(s->fd[STEERING_MAP_counters], &reason, per_cpu);
	for (*sum = 0, i = 0; !err && i < s->cpus; i++)
		*sum += per_cpu[i];
	return err;
}

int steering_counters(struct steering *s, uint64_t *counters)
{
	uint64_t *per_cpu = calloc((size_t)s->cpus, sizeof(*per_cpu));
	unsigned int reason, worker;
	int err = 0;

	if (!per_cpu)
		return -ENOMEM;
	for (reason = 0; !err && reason < POSTERN_R_COUNT; reason++) {
		err = kernel_count(s, reason, per_cpu, &counters[reason]);
		for (worker = 0; worker < POSTERN_MAX_WORKERS; worker++)
			counters[reason] += s->tallies[worker * POSTERN_REASONS_MAX + reason];
	}
	free(per_cpu);
	return err;
}
