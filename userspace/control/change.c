// SPDX-License-Identifier: GPL-2.0
/*
 * The transaction around a change, and what the store says of one line or
 * prefix made true in the maps. Runs in whoever asks: the CLI, the clerk.
 */
#include "control/change.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "control/map_edit.h"

int change_fail(struct change *c, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, args);
	va_end(args);
	return err;
}

void change_say(struct change *c, const char *fmt, ...)
{
	char line[CHANGE_TEXT];
	va_list args;

	if (!c->say)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	c->say(c->arg, line);
}

int change_stored(struct change *c, int err)
{
	return err ? change_fail(c, err, "state store: %s", state_error(c->state)) : 0;
}

void change_end(struct change *c)
{
	free(c->undo);
	c->undo = NULL;
	c->undo_count = c->undo_room = 0;
}

int change_begin(struct change *c)
{
	c->error[0] = '\0';
	map_edit_keep(c);
	return change_stored(c, state_begin(c->state));
}

int change_finish(struct change *c, int err, const char *fmt, ...)
{
	char what[CHANGE_TEXT];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (!err)
		err = change_stored(c, state_audit(c->state, c->who, what));
	if (!err)
		err = change_stored(c, state_commit(c->state));
	if (err) {
		/* Maps first: while the lock is held nobody else edits them. */
		map_edit_undo(c);
		state_rollback(c->state);
	}
	map_edit_keep(c);
	return err;
}

int change_line_of(struct change *c, const struct postern_addr *addr,
		   struct postern_prefix *line)
{
	struct postern_pool pool;
	char text[ADDR_TEXT];
	int err = steering_pool_match(c->steering, addr, &pool);

	if (err == -ENOENT)
		return change_fail(c, err, "%s is in no pool, so it is not filtered; "
				   "`postern pool list` shows the pools, `postern pool add` "
				   "makes one", addr_text(addr, text));
	if (err)
		return change_fail(c, err, "cannot look %s up: %s", addr_text(addr, text),
				   strerror(-err));
	line->addr = *addr;
	line->prefix_len = pool.line_len;
	addr_mask(&line->addr, line->prefix_len);
	return 0;
}

int change_pool_around(struct change *c, const struct postern_prefix *prefix,
		       struct postern_prefix *key, struct postern_pool *pool)
{
	char text[ADDR_TEXT];

	/* By length, longest first: a walk over all pools is far dearer. */
	for (int bits = (int)prefix->prefix_len; bits >= 0; bits--) {
		int err;

		*key = *prefix;
		key->prefix_len = (__u32)bits;
		addr_mask(&key->addr, key->prefix_len);
		err = steering_pool_get(c->steering, key, pool);
		if (!err && !(pool->flags & POSTERN_POOL_OVERRIDE))
			return 0;
		if (err && err != -ENOENT)
			return change_fail(c, err, "cannot read the pools around %s: %s",
					   prefix_text(prefix, text), strerror(-err));
	}
	return -ENOENT;
}

bool change_in_force(const struct state_treatment *t, uint64_t *until)
{
	uint64_t now = clock_wall();

	*until = 0;
	if (!t->until)
		return true;
	/* A wall clock that was set back does not make a treatment longer. */
	if (now < t->since)
		now = t->since;
	if (now >= t->until)
		return false;
	*until = clock_boot() + (t->until - now);
	return true;
}

/* Later of two ends; 0 is no end. */
static uint64_t later(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return 0;
	return a > b ? a : b;
}

/* Let @t, if there is one in force, bear on @line: a refusal wins. */
static int combine(struct change *c, const struct state_treatment *key,
		   struct postern_line *line)
{
	struct state_treatment t;
	uint64_t until;
	int err = state_treatment_get(c->state, key, &t);

	if (err == -ENOENT)
		return 0;
	if (err)
		return change_stored(c, err);
	if (!change_in_force(&t, &until) || line->treatment > t.treatment)
		return 0;
	line->until = line->treatment == t.treatment ? later(line->until, until) : until;
	line->treatment = (__u8)t.treatment;
	return 0;
}

/*
 * Does its pool still cut lines so? If not, its address stands for another line
 * now, and what was said of this one must not be said of that. A line that no
 * pool holds has no effect.
 */
static bool is_line_now(struct change *c, const struct postern_prefix *line)
{
	struct postern_pool pool;

	return steering_pool_match(c->steering, &line->addr, &pool) ||
	       pool.line_len == line->prefix_len;
}

int change_line_refresh(struct change *c, const struct postern_prefix *line)
{
	struct state_treatment own = { .scope = STATE_LINE, .prefix = *line };
	struct state_treatment his = { .scope = STATE_SUBSCRIBER };
	struct postern_line value = { .class = POSTERN_CLASS_INHERIT };
	int err = state_line_get(c->state, line, &his.subscriber);

	if (err && err != -ENOENT)
		return change_stored(c, err);
	if (!is_line_now(c, line))
		return 0;
	value.subscriber = his.subscriber;
	err = combine(c, &own, &value);
	if (!err && his.subscriber)
		err = combine(c, &his, &value);
	if (err)
		return err;
	if (!value.subscriber && value.treatment == POSTERN_INHERIT)
		return map_edit_line(c, line, NULL);
	return map_edit_line(c, line, &value);
}

/* Nothing is said of the prefix any more: the entry goes, unless it is a pool's own. */
static int prefix_remove(struct change *c, const struct postern_prefix *prefix)
{
	struct postern_pool old;
	int err = steering_pool_get(c->steering, prefix, &old);

	if (!err && !(old.flags & POSTERN_POOL_OVERRIDE))
		return 0;
	return map_edit_pool(c, prefix, NULL);
}

int change_prefix_refresh(struct change *c, const struct postern_prefix *prefix)
{
	struct state_treatment t, key = { .scope = STATE_PREFIX, .prefix = *prefix };
	struct postern_prefix around;
	struct postern_pool pool;
	uint64_t until;
	int err = state_treatment_get(c->state, &key, &t);

	if (err && err != -ENOENT)
		return change_stored(c, err);
	if (err || !change_in_force(&t, &until))
		return prefix_remove(c, prefix);
	err = change_pool_around(c, prefix, &around, &pool);
	if (err)
		return err;
	if (around.prefix_len == prefix->prefix_len)
		return -EEXIST;
	/* An exempt prefix may run mail servers: nothing of it is blocked. */
	pool.flags &= t.treatment == POSTERN_REFUSE ? POSTERN_POOL_BLOCK_INBOUND : 0;
	pool.flags |= POSTERN_POOL_OVERRIDE;
	pool.treatment = (__u8)t.treatment;
	pool.prefix_len = (__u8)prefix->prefix_len;
	pool.until = until;
	return map_edit_pool(c, prefix, &pool);
}
