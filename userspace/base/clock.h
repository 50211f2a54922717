/* SPDX-License-Identifier: GPL-2.0 */
/* The clocks. Time-outs, rates and expiries run on boot time, logs on wall time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SEC	1000000000ULL
#define NS_PER_MS	1000000ULL

/* Nanoseconds since boot, suspend included: the clock of bpf_ktime_get_boot_ns(). */
static inline uint64_t clock_boot(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* Nanoseconds since 1970. */
static inline uint64_t clock_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* Room for a time as text, with the final NUL. */
#define CLOCK_TEXT	32

/* Write @wall as RFC 3339, UTC, with milliseconds; @buf has CLOCK_TEXT octets. Returns @buf. */
const char *clock_text(uint64_t wall, char *buf);

#endif
