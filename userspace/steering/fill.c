// SPDX-License-Identifier: GPL-2.0
/*
 * Policy from the configuration into the maps. Rows are overwritten first and
 * stale ones dropped after, so that there is no moment without them.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "steering/fill.h"
#include "steering/say.h"

struct fill {
	struct steering *s;
	const struct conf *conf;
	/* Old class number -> new one; INHERIT where the class is no more. */
	__u8 renumber[POSTERN_MAX_CLASSES];
	bool renumbered;
};

/* ---- classes ---- */

static struct postern_class class_row(const struct conf_class *conf)
{
	struct postern_class row = {
		.fail = (__u8)conf->fail,
		.mode = (__u8)conf->mode,
		.refused = (__u8)conf->refused,
	};

	strncpy(row.name, conf->title, sizeof(row.name) - 1);
	if (conf->syn_rate) {
		row.syn_interval = NS_PER_SEC / (uint64_t)conf->syn_rate;
		row.syn_tolerance = (uint64_t)conf->syn_burst * row.syn_interval;
	}
	return row;
}

/* Before the rows change: where does each class that is in use go? */
static int plan_renumbering(struct fill *f)
{
	struct postern_class old;
	unsigned int i;
	int found, err;

	for (i = 0; i < POSTERN_MAX_CLASSES; i++) {
		err = steering_class_get(f->s, i, &old);
		if (err && err != -ENOENT)
			return err;
		old.name[sizeof(old.name) - 1] = '\0';
		found = err ? (int)i : conf_class_find(f->conf, old.name);
		f->renumber[i] = found < 0 ? POSTERN_CLASS_INHERIT : (__u8)found;
		f->renumbered |= found != (int)i;
	}
	return 0;
}

static int fill_classes(struct fill *f)
{
	struct postern_class row;
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < POSTERN_MAX_CLASSES; i++) {
		memset(&row, 0, sizeof(row));
		if (i < f->conf->class_count)
			row = class_row(&f->conf->classes[i]);
		err = steering_class_set(f->s, i, &row);
	}
	return err;
}

static __u8 new_class(const struct fill *f, __u8 old, __u8 vanished)
{
	__u8 to = old < POSTERN_MAX_CLASSES ? f->renumber[old] : old;

	return to == POSTERN_CLASS_INHERIT ? vanished : to;
}

static int renumber_line(void *arg, const struct postern_addr *key,
			 const struct postern_line *value)
{
	struct fill *f = arg;
	struct postern_line row = *value;

	row.class = new_class(f, row.class, POSTERN_CLASS_INHERIT);
	return row.class == value->class ? 0 : steering_line_set(f->s, key, &row);
}

/* ---- pools ---- */

static __u8 line_length(const struct conf_pool *pool)
{
	if (pool->prefix.prefix_len >= 96 && addr_is_v4(&pool->prefix.addr))
		return (__u8)(pool->line ? 96 + pool->line : 128);
	return (__u8)(pool->line ? pool->line : 64);
}

static struct postern_pool pool_row(const struct conf_pool *pool)
{
	return (struct postern_pool) {
		.treatment = (__u8)(POSTERN_STEER + pool->treatment),
		.class = (__u8)pool->class_id,
		.line_len = line_length(pool),
		.prefix_len = (__u8)pool->prefix.prefix_len,
		.rollout = (__u8)pool->rollout,
		.flags = POSTERN_POOL_CONF |
			 (pool->block_inbound ? POSTERN_POOL_BLOCK_INBOUND : 0),
	};
}

/* What was exempted or refused by hand at the very prefix of a pool stays in force. */
static bool overridden(struct steering *s, const struct postern_prefix *key)
{
	struct postern_pool there;

	return !steering_pool_get(s, key, &there) && there.flags & POSTERN_POOL_OVERRIDE &&
	       (!there.until || there.until > clock_boot());
}

static int set_pools(struct fill *f)
{
	struct postern_pool row;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < f->conf->pool_count; i++) {
		if (overridden(f->s, &f->conf->pools[i].prefix))
			continue;
		row = pool_row(&f->conf->pools[i]);
		err = steering_pool_set(f->s, &f->conf->pools[i].prefix, &row);
	}
	return err;
}

static bool prefix_equal(const struct postern_prefix *a, const struct postern_prefix *b)
{
	return a->prefix_len == b->prefix_len && addr_equal(&a->addr, &b->addr);
}

static int keep_or_drop_pool(void *arg, const struct postern_prefix *key,
			     const struct postern_pool *value)
{
	struct fill *f = arg;
	struct postern_pool row = *value;
	size_t i;

	if (!(value->flags & POSTERN_POOL_CONF)) {
		row.class = new_class(f, row.class, 0);
		return row.class == value->class ? 0 : steering_pool_set(f->s, key, &row);
	}
	for (i = 0; i < f->conf->pool_count; i++) {
		if (prefix_equal(&f->conf->pools[i].prefix, key))
			return 0;
	}
	return steering_pool_del(f->s, key);
}

/* ---- destinations ---- */

static int set_destinations(struct fill *f)
{
	struct postern_destination row;
	const struct conf_destination *from;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < f->conf->destination_count; i++) {
		from = &f->conf->destinations[i];
		row = (struct postern_destination) {
			.rule = (__u8)(POSTERN_DEST_PASS + from->rule),
			.class = from->class_id < 0 ? 0 : (__u8)from->class_id,
			.flags = POSTERN_DEST_CONF,
		};
		err = steering_destination_set(f->s, &from->prefix, &row);
	}
	return err;
}

static int keep_or_drop_destination(void *arg, const struct postern_prefix *key,
				    const struct postern_destination *value)
{
	struct fill *f = arg;
	struct postern_destination row = *value;
	size_t i;

	if (!(value->flags & POSTERN_DEST_CONF)) {
		row.class = new_class(f, row.class, 0);
		return row.class == value->class ? 0 : steering_destination_set(f->s, key, &row);
	}
	for (i = 0; i < f->conf->destination_count; i++) {
		if (prefix_equal(&f->conf->destinations[i].prefix, key))
			return 0;
	}
	return steering_destination_del(f->s, key);
}

/* ---- in order ---- */

static int each_pool(struct fill *f)
{
	return steering_pool_each(f->s, keep_or_drop_pool, f);
}

static int each_destination(struct fill *f)
{
	return steering_destination_each(f->s, keep_or_drop_destination, f);
}

static int each_line(struct fill *f)
{
	return f->renumbered ? steering_line_each(f->s, renumber_line, f) : 0;
}

static int refresh_own(struct fill *f)
{
	return steering_own_refresh(f->s);
}

int fill_policy(struct steering *s, const struct conf *conf,
		const struct steering_report *report)
{
	static const struct {
		const char *what;
		int (*fill)(struct fill *f);
	} steps[] = {
		{ "read the classes", plan_renumbering },
		{ "write the classes", fill_classes },
		{ "write the pools", set_pools },
		{ "drop stale pools", each_pool },
		{ "write the destinations", set_destinations },
		{ "drop stale destinations", each_destination },
		{ "renumber the lines' classes", each_line },
		{ "write this router's own addresses", refresh_own },
	};
	struct fill f = { .s = s, .conf = conf };
	size_t i;
	int err;

	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		err = steps[i].fill(&f);
		if (err) {
			say_fault(report, "cannot %s: %s", steps[i].what, strerror(-err));
			return err;
		}
	}
	return 0;
}

unsigned int fill_workers(const struct conf *conf)
{
	long workers = conf->workers ? (long)conf->workers : sysconf(_SC_NPROCESSORS_ONLN);

	if (workers < 1)
		return 1;
	return workers > POSTERN_MAX_WORKERS ? POSTERN_MAX_WORKERS : (unsigned int)workers;
}

int fill_settings(struct steering *s, const struct conf *conf)
{
	struct postern_settings old, row;
	bool fresh;
	int err;

	err = steering_settings_get(s, &old);
	if (err)
		return err;
	fresh = old.abi != POSTERN_ABI;
	row = (struct postern_settings) {
		.abi = POSTERN_ABI,
		.mode = (__u32)conf->mode,
		.bypass_until = fresh ? 0 : old.bypass_until,
		.stale_ns = conf->heartbeat,
		.grace_until = fresh ? clock_boot() + conf->grace : old.grace_until,
		.mark = (__u32)conf->mark,
		.mark_mask = (__u32)conf->mark_mask,
		.workers = fill_workers(conf),
		.sample = (__u32)conf->sample,
	};
	return steering_settings_set(s, &row);
}
