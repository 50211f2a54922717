// SPDX-License-Identifier: GPL-2.0
/*
 * Who a connection belongs to and what is in force for it: the decision of
 * bpf/steer, taken again in user space from the same maps. Any process.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/addr.h"
#include "base/clock.h"
#include "postern/hash.h"
#include "steering/view.h"

#define POOL_LOOKS_MOST	8	/* as in bpf/policy.h */

static bool over(uint64_t until, uint64_t now)
{
	return until && until != POSTERN_FOREVER && now > until;
}

static int pool_match(struct steering *s, const struct postern_addr *a, uint64_t now,
		      struct postern_pool *pool)
{
	struct postern_prefix key = { .prefix_len = 128, .addr = *a };
	int i, err;

	for (i = 0; i < POOL_LOOKS_MOST; i++) {
		err = bpf_map_lookup_elem(s->fd[STEERING_MAP_pools], &key, pool);
		if (err || !over(pool->until, now))
			return err;
		if (!pool->prefix_len || pool->prefix_len > 128)
			break;
		key.prefix_len = pool->prefix_len - 1u;
	}
	return -ENOENT;
}

int steering_pool_match(struct steering *s, const struct postern_addr *a,
			struct postern_pool *pool)
{
	return pool_match(s, a, clock_boot(), pool);
}

/* What the line's own entry says, on top of its pool. */
static int apply_line(struct steering *s, uint64_t now, struct steering_line *out)
{
	struct postern_line line;
	int err = steering_line_get(s, &out->line, &line);

	if (err)
		return err == -ENOENT ? 0 : err;
	out->subscriber = line.subscriber;
	if (line.class != POSTERN_CLASS_INHERIT)
		out->class_id = line.class;
	if (line.treatment != POSTERN_INHERIT && !over(line.until, now))
		out->treatment = line.treatment;
	return 0;
}

/* What the destination's rule says; it wins over the line's class. */
static int apply_destination(struct steering *s, const struct postern_addr *dst,
			     struct steering_line *out)
{
	struct postern_prefix key = { .prefix_len = 128, .addr = *dst };
	struct postern_destination row;
	int err = bpf_map_lookup_elem(s->fd[STEERING_MAP_destinations], &key, &row);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (row.rule == POSTERN_DEST_CLASS)
		out->class_id = row.class;
	else
		out->treatment = POSTERN_EXEMPT;
	return 0;
}

/* Is nothing enforced on it: by mode, class or rollout share? */
static int apply_shadow(struct steering *s, const struct postern_pool *pool,
			struct steering_line *out)
{
	struct postern_settings settings;
	struct postern_class class;
	int err = steering_settings_get(s, &settings);

	if (err)
		return err;
	out->shadow = settings.mode == POSTERN_SHADOW ||
		      (!steering_class_get(s, out->class_id, &class) &&
		       class.mode == POSTERN_SHADOW) ||
		      (pool->rollout < 100 && !postern_line_in_rollout(&out->line, pool->rollout));
	return 0;
}

int steering_resolve(struct steering *s, const struct postern_addr *src,
		     const struct postern_addr *dst, struct steering_line *out)
{
	uint64_t now = clock_boot();
	struct postern_pool pool;
	int err;

	err = pool_match(s, src, now, &pool);
	if (err)
		return err;
	*out = (struct steering_line) {
		.line = *src, .class_id = pool.class, .treatment = pool.treatment,
	};
	addr_mask(&out->line, pool.line_len);
	err = apply_line(s, now, out);
	if (!err)
		err = apply_destination(s, dst, out);
	return err ? err : apply_shadow(s, &pool, out);
}
