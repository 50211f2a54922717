/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hashes that kernel and user space must agree upon: which worker serves a
 * line, whether a rollout share includes it, where a dead exchanger is noted.
 * Stable for ever: a subscriber must not wander between enforce and shadow with
 * a release.
 */
#ifndef POSTERN_HASH_H
#define POSTERN_HASH_H

#include "postern/abi.h"

#define POSTERN_SALT_WORKER	0x706f7374u
#define POSTERN_SALT_ROLLOUT	0x65726e21u

/* Murmur3's finalizer: every input bit reaches every output bit. */
static inline __u32 postern_mix(__u32 h)
{
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ (h >> 16);
}

static inline __u32 postern_line_hash(const struct postern_addr *line, __u32 salt)
{
	__u32 h = salt;

	h = postern_mix(h ^ line->word[0]) * 5 + 0xe6546b64u;
	h = postern_mix(h ^ line->word[1]) * 5 + 0xe6546b64u;
	h = postern_mix(h ^ line->word[2]) * 5 + 0xe6546b64u;
	return postern_mix(h ^ line->word[3]);
}

/* Worker of a line, 0..workers-1; workers is at least 1. */
static inline __u32 postern_line_worker(const struct postern_addr *line, __u32 workers)
{
	__u32 h = postern_line_hash(line, POSTERN_SALT_WORKER);

	return (__u32)(((__u64)h * workers) >> 32);
}

/* Does a rollout of `share` per cent (0..100) enforce on this line? */
static inline int postern_line_in_rollout(const struct postern_addr *line, __u32 share)
{
	__u32 h = postern_line_hash(line, POSTERN_SALT_ROLLOUT);

	return (__u32)(((__u64)h * 100) >> 32) < share;
}

/* Slot in `dead` of an exchanger that is dead to a line; cheap: asked for every SYN. */
static inline __u32 postern_dead_slot(const struct postern_addr *line,
				      const struct postern_addr *exchanger)
{
	__u32 h = line->word[0] * 5 + line->word[1];

	h = (h * 5 + line->word[2]) * 5 + line->word[3];
	h = (h * 5 + exchanger->word[0]) * 5 + exchanger->word[1];
	h = (h * 5 + exchanger->word[2]) * 5 + exchanger->word[3];
	return postern_mix(h) % POSTERN_MAX_DEAD;
}

#endif
