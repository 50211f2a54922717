/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who is on a line and what is in force for it: pools, lines, classes, modes.
 * doc/abi.rst states these rules for whoever writes the same in another place;
 * userspace/steering has them once more for the inspector.
 */
#ifndef POSTERN_BPF_POLICY_H
#define POSTERN_BPF_POLICY_H

#include "count.h"
#include "maps.h"
#include "packet.h"
#include "postern/hash.h"
#include "time.h"

#define POOL_LOOKS_MOST	8	/* expired overrides that lie upon one another */

struct policy {
	struct postern_addr	line;		/* masked to the pool's line length */
	__u8			treatment;	/* never INHERIT */
	__u8			class;
	__u8			rollout;
	__u8			flags;		/* of the pool */
	bool			by_line;	/* the line's own treatment */
};

static __always_inline bool bypass_on(const struct postern_settings *set)
{
	return set->bypass_until && !time_over(set->bypass_until);
}

/* The longest pool that holds @a and has not lapsed. */
static __always_inline const struct postern_pool *pool_match(const struct postern_addr *a)
{
	struct postern_prefix key = { .prefix_len = 128, .addr = *a };
	const struct postern_pool *pool;
	int i;

	for (i = 0; i < POOL_LOOKS_MOST; i++) {
		pool = bpf_map_lookup_elem(&pools, &key);
		if (!pool || !time_over(pool->until))
			return pool;
		if (!pool->prefix_len || pool->prefix_len > 128)
			return NULL;
		key.prefix_len = pool->prefix_len - 1;
	}
	return NULL;
}

static __always_inline __be32 word_mask(__u32 bits)
{
	return bits >= 32 ? ~0U : bits ? bpf_htonl(~0U << (32 - bits)) : 0;
}

static __always_inline void addr_mask(struct postern_addr *a, __u32 bits)
{
	if (bits >= 128)
		return;
	a->word[0] &= word_mask(bits);
	a->word[1] &= word_mask(bits > 32 ? bits - 32 : 0);
	a->word[2] &= word_mask(bits > 64 ? bits - 64 : 0);
	a->word[3] &= word_mask(bits > 96 ? bits - 96 : 0);
}

/* What is in force for @a. False: it lies in no pool. */
static __always_inline bool policy_find(const struct postern_addr *a, struct policy *out)
{
	const struct postern_pool *pool = pool_match(a);
	const struct postern_line *line;

	if (!pool)
		return false;
	out->treatment = pool->treatment;
	out->class = pool->class;
	out->rollout = pool->rollout;
	out->flags = pool->flags;
	out->by_line = false;
	out->line = *a;
	addr_mask(&out->line, pool->line_len);
	line = bpf_map_lookup_elem(&lines, &out->line);
	if (!line)
		return true;
	if (line->class != POSTERN_CLASS_INHERIT)
		out->class = line->class;
	if (line->treatment != POSTERN_INHERIT && !time_over(line->until)) {
		out->treatment = line->treatment;
		out->by_line = true;
	}
	return true;
}

/*
 * The same where nanoseconds do not matter: the verifier judges it only once.
 * Kernel 6.1 takes no map key from a caller's memory, hence the copies.
 */
__noinline int policy_of(const struct postern_addr *a, struct policy *out)
{
	struct postern_addr addr;
	struct policy pol;

	if (!a || !out)
		return 0;
	addr = *a;
	__builtin_memset(&pol, 0, sizeof(pol));
	if (!policy_find(&addr, &pol))
		return 0;
	*out = pol;
	return 1;
}

static __always_inline const struct postern_class *class_get(__u32 id)
{
	return bpf_map_lookup_elem(&classes, &id);
}

/* Nothing is enforced on this line: by the mode, its class, or its rollout share. */
static __always_inline bool policy_shadow(const struct site *s, const struct policy *pol)
{
	const struct postern_class *class;

	if (s->set->mode == POSTERN_SHADOW)
		return true;
	class = class_get(pol->class);
	if (class && class->mode == POSTERN_SHADOW)
		return true;
	return pol->rollout < 100 && !postern_line_in_rollout(&pol->line, pol->rollout);
}

/* A refused line whose connections a worker takes, to say why. */
static __always_inline bool policy_greets(const struct policy *pol)
{
	const struct postern_class *class;

	if (pol->treatment != POSTERN_REFUSE)
		return false;
	class = class_get(pol->class);
	return class && class->refused == POSTERN_REFUSED_GREET;
}

/* Keep a drop, or what became of it in shadow. True: drop. */
static __always_inline bool policy_drop(const struct site *s, const struct policy *pol,
					const struct packet *p, __u16 reason)
{
	if (policy_shadow(s, pol)) {
		decided_as(s, p, POSTERN_R_shadow_drop, reason);
		return false;
	}
	decided(s, p, reason);
	return true;
}

/* The rule for an exchanger, or NULL. */
static __always_inline const struct postern_destination *
destination_match(const struct postern_addr *a)
{
	struct postern_prefix key = { .prefix_len = 128, .addr = *a };

	return bpf_map_lookup_elem(&destinations, &key);
}

static __always_inline bool destination_is(const struct postern_destination *d,
					   enum postern_destination_rule rule)
{
	return d && d->rule == rule;
}

static __always_inline bool special_v4(__be32 a)
{
	__u8 first = bpf_ntohl(a) >> 24;

	return !a || first == 127 || (first & 0xf0) == 224 || a == 0xffffffff ||
	       bpf_ntohl(a) >> 16 == 0xa9fe;
}

/* Multicast, loopback, link-local, unspecified, broadcast; v4-mapped on the wire. */
static __always_inline bool destination_special(const struct packet *p)
{
	const struct postern_addr *a = &p->dst;

	if (!p->v6)
		return special_v4(a->word[3]);
	if (addr_mapped(a) || a->octet[0] == 0xff)
		return true;
	if (a->octet[0] == 0xfe && (a->octet[1] & 0xc0) == 0x80)
		return true;
	return !a->word[0] && !a->word[1] && !a->word[2] && !(a->word[3] & bpf_htonl(~1U));
}

#endif
