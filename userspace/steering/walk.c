// SPDX-License-Identifier: GPL-2.0
/*
 * Walks over the policy maps. Others may edit meanwhile; a walk that meets a
 * row twice or misses a new one is allowed, one that never ends is not: the
 * next key is asked for before the row is shown, and the number of steps is
 * bounded by the map's size.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "steering/view.h"

#define STEPS_MAX	((size_t)POSTERN_MAX_LINES)

/* Room for a row of any of the three. */
union key {
	struct postern_prefix prefix;
	struct postern_addr addr;
};

union value {
	struct postern_pool pool;
	struct postern_line line;
	struct postern_destination destination;
};

/* Show one row of any of the three maps. */
struct walk {
	int (*show)(const struct walk *walk, const void *key, const void *value);
	int (*pool)(void *arg, const struct postern_prefix *key,
		    const struct postern_pool *value);
	int (*line)(void *arg, const struct postern_addr *key,
		    const struct postern_line *value);
	int (*destination)(void *arg, const struct postern_prefix *key,
			   const struct postern_destination *value);
	void *arg;
};

static int run(const struct walk *walk, int fd)
{
	union key key, next;
	union value value;
	size_t steps;
	int more, err = 0;

	more = bpf_map_get_next_key(fd, NULL, &key);
	for (steps = 0; !more && !err && steps < STEPS_MAX; steps++) {
		more = bpf_map_get_next_key(fd, &key, &next);
		if (!bpf_map_lookup_elem(fd, &key, &value))
			err = walk->show(walk, &key, &value);
		key = next;
	}
	if (err)
		return err;
	return more == -ENOENT || !more ? 0 : more;
}

static int show_pool(const struct walk *walk, const void *key, const void *value)
{
	return walk->pool(walk->arg, key, value);
}

static int show_line(const struct walk *walk, const void *key, const void *value)
{
	return walk->line(walk->arg, key, value);
}

static int show_destination(const struct walk *walk, const void *key, const void *value)
{
	return walk->destination(walk->arg, key, value);
}

int steering_pool_each(struct steering *s,
		       int (*each)(void *arg, const struct postern_prefix *key,
				   const struct postern_pool *value), void *arg)
{
	struct walk walk = { .show = show_pool, .pool = each, .arg = arg };

	return run(&walk, s->fd[STEERING_MAP_pools]);
}

int steering_line_each(struct steering *s,
		       int (*each)(void *arg, const struct postern_addr *key,
				   const struct postern_line *value), void *arg)
{
	struct walk walk = { .show = show_line, .line = each, .arg = arg };

	return run(&walk, s->fd[STEERING_MAP_lines]);
}

int steering_destination_each(struct steering *s,
			      int (*each)(void *arg, const struct postern_prefix *key,
					  const struct postern_destination *value), void *arg)
{
	struct walk walk = { .show = show_destination, .destination = each, .arg = arg };

	return run(&walk, s->fd[STEERING_MAP_destinations]);
}
