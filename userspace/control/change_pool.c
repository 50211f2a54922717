// SPDX-License-Identifier: GPL-2.0
/* Pools and destinations by hand, beside those of postern.conf. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "control/map_edit.h"

#define SHOWN_INSIDE	3	/* prefixes named in an error */

static int unreadable(struct change *c, const struct postern_prefix *prefix, int err)
{
	char text[ADDR_TEXT];

	return change_fail(c, err, "cannot read %s: %s", prefix_text(prefix, text),
			   strerror(-err));
}

/* The pool proper of exactly this prefix; -ENOENT with words. */
static int own_pool(struct change *c, const struct postern_prefix *prefix,
		    struct postern_pool *pool)
{
	char text[ADDR_TEXT];
	int err = steering_pool_get(c->steering, prefix, pool);

	prefix_text(prefix, text);
	if (err && err != -ENOENT)
		return unreadable(c, prefix, err);
	if (err)
		return change_fail(c, err, "%s is not a pool; `postern pool list` shows the pools",
				   text);
	if (pool->flags & POSTERN_POOL_OVERRIDE)
		return change_fail(c, -ENOENT, "%s is not a pool but %s prefix; `postern %s del "
				   "%s` removes it", text,
				   pool->treatment == POSTERN_EXEMPT ? "an exempt" : "a refused",
				   pool->treatment == POSTERN_EXEMPT ? "exempt" : "refuse", text);
	return 0;
}

int change_class_name(struct change *c, unsigned int id, char name[POSTERN_CLASS_NAME])
{
	struct postern_class value;
	int err = steering_class_get(c->steering, id, &value);

	if (err || !value.name[0])
		return change_fail(c, -ENOENT, "there is no class number %u", id);
	snprintf(name, POSTERN_CLASS_NAME, "%s", value.name);
	return 0;
}

int change_class_find(struct change *c, const char *name, unsigned int *id)
{
	for (*id = 0; *id < POSTERN_MAX_CLASSES; ++*id) {
		struct postern_class value;

		if (steering_class_get(c->steering, *id, &value) == 0 && value.name[0] &&
		    strcmp(value.name, name) == 0)
			return 0;
	}
	return change_fail(c, -ENOENT, "%s: no such class; `postern class list` shows them", name);
}

static int store_pool(struct change *c, const struct postern_prefix *prefix,
		      const struct postern_pool *pool)
{
	struct state_pool row = {
		.prefix = *prefix,
		.treatment = (enum postern_treatment)pool->treatment,
		.line_len = pool->line_len,
		.rollout = pool->rollout,
		.flags = pool->flags & POSTERN_POOL_BLOCK_INBOUND,
	};

	int err = change_class_name(c, pool->class, row.class_name);

	return err ? err : change_stored(c, state_pool_set(c->state, &row));
}

/* May a pool be put there by hand? */
static int may_set(struct change *c, const struct postern_prefix *prefix)
{
	struct postern_pool old;
	char text[ADDR_TEXT];
	int err = steering_pool_get(c->steering, prefix, &old);

	if (err == -ENOENT)
		return 0;
	if (err)
		return unreadable(c, prefix, err);
	prefix_text(prefix, text);
	if (old.flags & POSTERN_POOL_CONF)
		return change_fail(c, -EEXIST, "%s comes from %s; change it there and run "
				   "`postern up`", text, c->conf_file);
	if (old.flags & POSTERN_POOL_OVERRIDE)
		return own_pool(c, prefix, &old);
	return 0;
}

int change_pool_set(struct change *c, const struct postern_prefix *prefix,
		    const struct postern_pool *pool)
{
	char text[ADDR_TEXT];
	int err = change_begin(c);

	if (err)
		return err;
	err = may_set(c, prefix);
	if (!err)
		err = store_pool(c, prefix, pool);
	if (!err)
		err = map_edit_pool(c, prefix, pool);
	return change_finish(c, err, "pool %s set", prefix_text(prefix, text));
}

struct inside {
	struct change *c;
	const struct postern_prefix *prefix;
	size_t count;
	char text[SHOWN_INSIDE * ADDR_TEXT];
};

static int inside_row(void *arg, const struct postern_prefix *key,
		      const struct postern_pool *pool)
{
	struct inside *in = arg;
	struct postern_prefix around;
	struct postern_pool unused;
	char text[ADDR_TEXT];
	size_t len = strlen(in->text);

	if (!(pool->flags & POSTERN_POOL_OVERRIDE) || !prefix_holds(in->prefix, &key->addr) ||
	    key->prefix_len < in->prefix->prefix_len)
		return 0;
	/* Another pool, longer, may hold it: then it does not hang on ours. */
	if (change_pool_around(in->c, key, &around, &unused) == 0 &&
	    around.prefix_len != in->prefix->prefix_len)
		return 0;
	if (in->count++ < SHOWN_INSIDE)
		snprintf(in->text + len, sizeof(in->text) - len, " %s", prefix_text(key, text));
	return 0;
}

static int refuse_if_inside(struct change *c, const struct postern_prefix *prefix)
{
	struct inside in = { .c = c, .prefix = prefix };
	char text[ADDR_TEXT];
	int err = steering_pool_each(c->steering, inside_row, &in);

	if (err)
		return unreadable(c, prefix, err);
	if (!in.count)
		return 0;
	return change_fail(c, -EBUSY, "%zu exempt or refused %s in %s:%s%s; remove %s first",
			   in.count, in.count == 1 ? "prefix lies" : "prefixes lie",
			   prefix_text(prefix, text), in.text,
			   in.count > SHOWN_INSIDE ? " ..." : "",
			   in.count == 1 ? "it" : "them");
}

int change_pool_del(struct change *c, const struct postern_prefix *prefix, bool *from_file)
{
	struct postern_pool pool;
	char text[ADDR_TEXT];
	int err = change_begin(c);

	if (err)
		return err;
	err = own_pool(c, prefix, &pool);
	if (!err)
		err = refuse_if_inside(c, prefix);
	if (!err) {
		*from_file = pool.flags & POSTERN_POOL_CONF;
		err = state_pool_del(c->state, prefix);
		/* One from the file, or one whose row was damaged, is not stored. */
		err = err == -ENOENT ? 0 : change_stored(c, err);
	}
	if (!err)
		err = map_edit_pool(c, prefix, NULL);
	return change_finish(c, err, "pool %s removed", prefix_text(prefix, text));
}

struct share {
	struct change *c;
	const struct postern_prefix *prefix;
	unsigned int share;
	int err;
};

/* The entry of the pool itself, or of a prefix inside that took its share from it. */
static int share_row(void *arg, const struct postern_prefix *key,
		     const struct postern_pool *pool)
{
	struct share *share = arg;
	struct postern_prefix around;
	struct postern_pool new = *pool, unused;

	if (!prefix_holds(share->prefix, &key->addr) ||
	    change_pool_around(share->c, key, &around, &unused) ||
	    around.prefix_len != share->prefix->prefix_len)
		return 0;
	new.rollout = (__u8)share->share;
	share->err = map_edit_pool(share->c, key, &new);
	return share->err;
}

static int set_share(struct change *c, const struct postern_prefix *prefix,
		     struct postern_pool *pool, unsigned int share)
{
	struct share walk = { .c = c, .prefix = prefix, .share = share };
	int err = 0;

	pool->rollout = (__u8)share;
	if (!(pool->flags & POSTERN_POOL_CONF))
		err = store_pool(c, prefix, pool);
	if (!err)
		err = steering_pool_each(c->steering, share_row, &walk);
	return err && !walk.err && !c->error[0] ? unreadable(c, prefix, err) : err;
}

int change_pool_rollout(struct change *c, const struct postern_prefix *prefix,
			unsigned int share, bool *from_file)
{
	struct postern_pool pool;
	char text[ADDR_TEXT];
	int err = change_begin(c);

	if (err)
		return err;
	err = own_pool(c, prefix, &pool);
	if (!err) {
		*from_file = pool.flags & POSTERN_POOL_CONF;
		err = set_share(c, prefix, &pool, share);
	}
	return change_finish(c, err, "pool %s enforced for %u per cent",
			     prefix_text(prefix, text), share);
}

/* Does the entry belong to somebody else than the operator's hand? */
static int may_set_destination(struct change *c, const struct postern_prefix *prefix,
			       struct postern_destination *old)
{
	char text[ADDR_TEXT];
	int err = steering_destination_get(c->steering, prefix, old);

	prefix_text(prefix, text);
	if (err == -ENOENT)
		return err;
	if (err)
		return unreadable(c, prefix, err);
	if (old->rule == POSTERN_DEST_OWN)
		return change_fail(c, -EEXIST, "%s is an address of this router and is never "
				   "steered; it needs no rule", text);
	return 0;
}

int change_destination_set(struct change *c, const struct postern_prefix *prefix,
			   const struct postern_destination *value)
{
	struct state_destination row = { .prefix = *prefix,
		.rule = (enum postern_destination_rule)value->rule };
	struct postern_destination old;
	char text[ADDR_TEXT];
	int err = value->rule != POSTERN_DEST_CLASS ? 0 :
		  change_class_name(c, value->class, row.class_name);

	if (!err)
		err = change_begin(c);
	if (err)
		return err;
	prefix_text(prefix, text);
	err = may_set_destination(c, prefix, &old);
	if (!err && (old.flags & POSTERN_DEST_CONF))
		err = change_fail(c, -EEXIST, "%s comes from %s; change it there and run "
				  "`postern up`", text, c->conf_file);
	if (!err || err == -ENOENT)
		err = change_stored(c, state_destination_set(c->state, &row));
	if (!err)
		err = map_edit_destination(c, prefix, value);
	return change_finish(c, err, "destination %s set", text);
}

int change_destination_del(struct change *c, const struct postern_prefix *prefix,
			   bool *from_file)
{
	struct postern_destination old;
	char text[ADDR_TEXT];
	int err = change_begin(c);

	if (err)
		return err;
	prefix_text(prefix, text);
	err = may_set_destination(c, prefix, &old);
	if (err == -ENOENT)
		change_fail(c, err, "%s has no rule; `postern destination list` shows them", text);
	if (!err) {
		*from_file = old.flags & POSTERN_DEST_CONF;
		err = state_destination_del(c->state, prefix);
		err = err == -ENOENT ? 0 : change_stored(c, err);
	}
	if (!err)
		err = map_edit_destination(c, prefix, NULL);
	return change_finish(c, err, "destination %s removed", text);
}
