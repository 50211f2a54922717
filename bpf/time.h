/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Boot time to the jiffy: reading the clock costs as much as two map look-ups
 * on some machines, and nothing that is compared with it is finer than that.
 */
#ifndef POSTERN_BPF_TIME_H
#define POSTERN_BPF_TIME_H

#include "maps.h"

static __always_inline __u64 time_now(void)
{
	struct scratch *s = scratch_get();
	__u64 jiffies = bpf_jiffies64();

	if (!s)
		return bpf_ktime_get_boot_ns();
	if (s->jiffies != jiffies) {
		s->jiffies = jiffies;
		s->boot = bpf_ktime_get_boot_ns();
	}
	return s->boot;
}

/* Has an `until` of a map passed? 0 and POSTERN_FOREVER never do. */
static __always_inline bool time_over(__u64 until)
{
	return until && until != POSTERN_FOREVER && time_now() > until;
}

#endif
