/* SPDX-License-Identifier: GPL-2.0 */
/* Which worker takes a line's new connection. */
#ifndef POSTERN_BPF_WORKER_H
#define POSTERN_BPF_WORKER_H

#include "maps.h"
#include "postern/hash.h"
#include "time.h"

/* The listener of a worker that beats, to be released; or NULL. */
static __always_inline struct bpf_sock *worker_listener(__u32 worker, __u64 stale, __u64 now)
{
	__u64 *beat = bpf_map_lookup_elem(&heartbeats, &worker);

	/* A beat may be a little younger than `now`; one that never came is older than all. */
	if (!beat || (__s64)(now - *beat) >= (__s64)stale)
		return NULL;
	return bpf_map_lookup_elem(&listeners, &worker);
}

/* The next worker behind @worker that has a listener and beats, or -1. */
__noinline int worker_next(__u32 worker, __u32 workers, __u64 stale)
{
	__u64 now = time_now();
	struct bpf_sock *sk;
	__u32 i;

	for (i = 1; i < POSTERN_MAX_WORKERS && i < workers; i++) {
		worker = (worker + 1) % workers;
		sk = worker_listener(worker, stale, now);
		if (sk) {
			bpf_sk_release(sk);
			return worker;
		}
	}
	return -1;
}

/*
 * The listener that takes @line's connection, to be released: the line's own
 * worker's or, with *@other set, the next one's. NULL when none answers.
 */
static __always_inline struct bpf_sock *worker_of(const struct postern_settings *set,
						  const struct postern_addr *line, bool *other)
{
	__u32 workers = set->workers, own;
	struct bpf_sock *sk;
	int next;

	if (!workers || workers > POSTERN_MAX_WORKERS)
		return NULL;
	own = postern_line_worker(line, workers);
	sk = worker_listener(own, set->stale_ns, time_now());
	if (sk)
		return sk;
	*other = true;
	next = worker_next(own, workers, set->stale_ns);
	return next < 0 ? NULL : bpf_map_lookup_elem(&listeners, &next);
}

#endif
