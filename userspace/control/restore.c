// SPDX-License-Identifier: GPL-2.0
/*
 * What the store holds, back into the maps of a steering that just came up.
 * One row that cannot be restored does not keep the others out. Nothing here
 * makes a line exempt that the store does not exempt word for word: a line
 * whose pool cuts lines differently now is left to its pool.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "control/map_edit.h"

#define SAID_MOST	10	/* faults named one by one */
#define FORGET_AFTER	(30 * 86400 * NS_PER_SEC)	/* a lapsed treatment */

struct restore {
	struct change *c;
	size_t missing;
	/* Entries of a map that the store does not know, gathered for removal. */
	struct postern_prefix *stale;
	size_t stale_count, stale_room;
};

static int miss(struct restore *r, const struct postern_prefix *prefix, const char *why)
{
	char text[ADDR_TEXT];

	if (r->missing++ < SAID_MOST)
		change_say(r->c, "%s was not restored: %s", prefix_text(prefix, text), why);
	return 0;
}

static int restore_pool(void *arg, const struct state_pool *row)
{
	struct restore *r = arg;
	struct postern_pool old, pool = {
		.treatment = (__u8)row->treatment,
		.line_len = (__u8)row->line_len,
		.prefix_len = (__u8)row->prefix.prefix_len,
		.rollout = (__u8)row->rollout,
		.flags = (__u8)row->flags & POSTERN_POOL_BLOCK_INBOUND,
	};
	unsigned int class = 0;

	if (steering_pool_get(r->c->steering, &row->prefix, &old) == 0 &&
	    (old.flags & POSTERN_POOL_CONF))
		return miss(r, &row->prefix, "it is in postern.conf too, and that goes first");
	if (change_class_find(r->c, row->class_name, &class)) {
		/* Filtered under the wrong class is better than not filtered. */
		miss(r, &row->prefix, "its class is gone; it has class \"default\" now");
		class = 0;
	}
	pool.class = (__u8)class;
	return map_edit_pool(r->c, &row->prefix, &pool) ?
	       miss(r, &row->prefix, r->c->error) : 0;
}

static int restore_destination(void *arg, const struct state_destination *row)
{
	struct restore *r = arg;
	struct postern_destination old, value = {
		.rule = (__u8)row->rule,
		.prefix_len = (__u8)row->prefix.prefix_len,
	};
	unsigned int class = 0;

	if (steering_destination_get(r->c->steering, &row->prefix, &old) == 0 &&
	    (old.rule == POSTERN_DEST_OWN || (old.flags & POSTERN_DEST_CONF)))
		return miss(r, &row->prefix, old.rule == POSTERN_DEST_OWN ?
			    "it is an address of this router now" :
			    "it is in postern.conf too, and that goes first");
	if (row->rule == POSTERN_DEST_CLASS &&
	    change_class_find(r->c, row->class_name, &class))
		return miss(r, &row->prefix, "its class is gone");
	value.class = (__u8)class;
	return map_edit_destination(r->c, &row->prefix, &value) ?
	       miss(r, &row->prefix, r->c->error) : 0;
}

static int restore_line(struct restore *r, const struct postern_prefix *line)
{
	struct postern_pool pool;
	int err = steering_pool_match(r->c->steering, &line->addr, &pool);

	if (err == -ENOENT)
		return miss(r, line, "no pool holds it");
	if (err)
		return miss(r, line, strerror(-err));
	if (pool.line_len != line->prefix_len)
		return miss(r, line, "its pool has lines of another length now");
	return change_line_refresh(r->c, line) ? miss(r, line, r->c->error) : 0;
}

static int restore_bound(void *arg, const struct postern_prefix *line, uint64_t subscriber)
{
	(void)subscriber;
	return restore_line(arg, line);
}

static int restore_prefix(struct restore *r, const struct postern_prefix *prefix)
{
	int err = change_prefix_refresh(r->c, prefix);

	if (err == -ENOENT)
		return miss(r, prefix, "no pool holds it");
	if (err == -EEXIST)
		return miss(r, prefix, "it is a pool now");
	return err ? miss(r, prefix, r->c->error) : 0;
}

static int restore_treatment(void *arg, const struct state_treatment *t)
{
	struct restore *r = arg;
	uint64_t bound;

	switch (t->scope) {
	case STATE_PREFIX:
		return restore_prefix(r, &t->prefix);
	case STATE_LINE:
		/* A bound line comes with the lines. */
		if (state_line_get(r->c->state, &t->prefix, &bound) == 0)
			return 0;
		return restore_line(r, &t->prefix);
	case STATE_SUBSCRIBER:
		return 0;
	}
	return 0;
}

static int note_stale(struct restore *r, const struct postern_prefix *key)
{
	size_t room = r->stale_room ? r->stale_room * 2 : 64;
	struct postern_prefix *more = r->stale;

	if (r->stale_count == r->stale_room) {
		more = reallocarray(r->stale, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		r->stale = more;
		r->stale_room = room;
	}
	r->stale[r->stale_count++] = *key;
	return 0;
}

static bool treated(struct restore *r, enum state_scope scope,
		    const struct postern_prefix *prefix)
{
	struct state_treatment t, key = { .scope = scope, .prefix = *prefix };

	return state_treatment_get(r->c->state, &key, &t) == 0;
}

/* An entry without a row: a change was killed between map and commit. */
static int check_line(void *arg, const struct postern_addr *addr,
		      const struct postern_line *value)
{
	struct restore *r = arg;
	struct postern_prefix line = { .addr = *addr };
	struct postern_pool pool;
	uint64_t bound;

	(void)value;
	if (steering_pool_match(r->c->steering, addr, &pool))
		return 0;
	line.prefix_len = pool.line_len;
	if (state_line_get(r->c->state, &line, &bound) == 0 || treated(r, STATE_LINE, &line))
		return 0;
	return note_stale(r, &line);
}

static int check_pool(void *arg, const struct postern_prefix *key,
		      const struct postern_pool *pool)
{
	struct restore *r = arg;

	if (!(pool->flags & POSTERN_POOL_OVERRIDE) || treated(r, STATE_PREFIX, key))
		return 0;
	return note_stale(r, key);
}

/* Remove what was gathered with @edit. */
static int drop_stale(struct restore *r,
		      int (*edit)(struct change *c, const struct postern_prefix *key))
{
	int err = 0;

	for (size_t i = 0; i < r->stale_count && !err; i++)
		err = edit(r->c, &r->stale[i]);
	r->stale_count = 0;
	return err;
}

static int drop_line(struct change *c, const struct postern_prefix *key)
{
	return map_edit_line(c, key, NULL);
}

static int drop_pool(struct change *c, const struct postern_prefix *key)
{
	return map_edit_pool(c, key, NULL);
}

/*
 * Only a store that is whole may take entries away: after a loss of the file
 * the maps are the better witness.
 */
static int reconcile(struct restore *r)
{
	int err;

	if (state_is_new(r->c->state))
		return 0;
	err = steering_line_each(r->c->steering, check_line, r);
	if (!err)
		err = drop_stale(r, drop_line);
	if (!err)
		err = steering_pool_each(r->c->steering, check_pool, r);
	if (!err)
		err = drop_stale(r, drop_pool);
	if (err && !r->c->error[0])
		change_fail(r->c, err, "cannot compare the maps with the state store: %s",
			    strerror(-err));
	return err;
}

static int restore_all(struct restore *r)
{
	struct state *s = r->c->state;
	int err = state_pool_each(s, restore_pool, r);

	if (!err)
		err = state_destination_each(s, restore_destination, r);
	if (!err)
		err = state_treatment_each(s, restore_treatment, r);
	if (!err)
		err = state_line_each(s, 0, restore_bound, r);
	return change_stored(r->c, err);
}

int change_restore(struct change *c, size_t *missing)
{
	struct restore r = { .c = c };
	int damaged, err = change_begin(c);

	*missing = 0;
	if (err)
		return err;
	c->one_way = true;
	damaged = state_check(c->state);
	err = damaged < 0 ? change_stored(c, damaged) : 0;
	if (damaged > 0) {
		change_say(c, "%d damaged rows of the state store were passed over", damaged);
		r.missing += (size_t)damaged;
	}
	if (!err)
		err = change_stored(c, state_forget(c->state, clock_wall() - FORGET_AFTER));
	if (!err)
		err = restore_all(&r);
	if (!err && !damaged)
		err = reconcile(&r);
	err = change_finish(c, err, "restored after up, %zu rows left out", r.missing);
	if (r.missing > SAID_MOST)
		change_say(c, "and %zu more were not restored", r.missing - SAID_MOST);
	c->one_way = false;
	free(r.stale);
	*missing = r.missing;
	return err;
}
