// SPDX-License-Identifier: GPL-2.0
/*
 * Edits of the kernel's maps with the way back. One row per map; the walk
 * back uses the same rows.
 */
#include "control/map_edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

enum map { MAP_POOLS, MAP_LINES, MAP_DESTINATIONS };

union map_value {
	struct postern_pool		pool;
	struct postern_line		line;
	struct postern_destination	destination;
};

struct map_undo {
	enum map		map;
	bool			had;	/* there was an entry: `old` */
	struct postern_prefix	key;
	union map_value		old;
};

static int pool_get(struct steering *s, const struct postern_prefix *key, union map_value *v)
{
	return steering_pool_get(s, key, &v->pool);
}

static int pool_set(struct steering *s, const struct postern_prefix *key, const void *v)
{
	return steering_pool_set(s, key, v);
}

static int line_get(struct steering *s, const struct postern_prefix *key, union map_value *v)
{
	return steering_line_get(s, &key->addr, &v->line);
}

static int line_set(struct steering *s, const struct postern_prefix *key, const void *v)
{
	return steering_line_set(s, &key->addr, v);
}

static int line_del(struct steering *s, const struct postern_prefix *key)
{
	return steering_line_del(s, &key->addr);
}

static int destination_get(struct steering *s, const struct postern_prefix *key,
			   union map_value *v)
{
	return steering_destination_get(s, key, &v->destination);
}

static int destination_set(struct steering *s, const struct postern_prefix *key, const void *v)
{
	return steering_destination_set(s, key, v);
}

static const struct {
	const char *name;
	unsigned int room;
	int (*get)(struct steering *s, const struct postern_prefix *key, union map_value *v);
	int (*set)(struct steering *s, const struct postern_prefix *key, const void *v);
	int (*del)(struct steering *s, const struct postern_prefix *key);
} maps[] = {
	[MAP_POOLS] = { "pools", POSTERN_MAX_POOLS, pool_get, pool_set, steering_pool_del },
	[MAP_LINES] = { "lines", POSTERN_MAX_LINES, line_get, line_set, line_del },
	[MAP_DESTINATIONS] = { "destinations", POSTERN_MAX_DESTINATIONS, destination_get,
			       destination_set, steering_destination_del },
};

static int explain(struct change *c, enum map map, const struct postern_prefix *key, int err)
{
	char text[ADDR_TEXT];

	if (err == -E2BIG || err == -ENOSPC)
		return change_fail(c, err, "the table of %s is full (%u entries)",
				   maps[map].name, maps[map].room);
	return change_fail(c, err, "cannot change %s in the table of %s: %s",
			   prefix_text(key, text), maps[map].name, strerror(-err));
}

static struct map_undo *undo_room(struct change *c)
{
	size_t room = c->undo_room ? c->undo_room * 2 : 16;
	struct map_undo *more;

	if (c->undo_count < c->undo_room)
		return &c->undo[c->undo_count];
	more = reallocarray(c->undo, room, sizeof(*more));
	if (!more)
		return NULL;
	c->undo = more;
	c->undo_room = room;
	return &c->undo[c->undo_count];
}

static int write_entry(struct change *c, enum map map, const struct postern_prefix *key,
		       const void *value)
{
	int err = value ? maps[map].set(c->steering, key, value) :
			  maps[map].del(c->steering, key);

	return !value && err == -ENOENT ? 0 : err;
}

static int edit(struct change *c, enum map map, const struct postern_prefix *key,
		const void *value)
{
	struct map_undo *undo = undo_room(c);
	int err;

	if (!undo)
		return change_fail(c, -ENOMEM, "out of memory");
	*undo = (struct map_undo){ .map = map, .key = *key };
	err = maps[map].get(c->steering, key, &undo->old);
	undo->had = !err;
	if (!err || err == -ENOENT)
		err = write_entry(c, map, key, value);
	if (err)
		return explain(c, map, key, err);
	if (!c->one_way)
		c->undo_count++;
	return 0;
}

int map_edit_pool(struct change *c, const struct postern_prefix *key,
		  const struct postern_pool *value)
{
	return edit(c, MAP_POOLS, key, value);
}

int map_edit_line(struct change *c, const struct postern_prefix *line,
		  const struct postern_line *value)
{
	return edit(c, MAP_LINES, line, value);
}

int map_edit_destination(struct change *c, const struct postern_prefix *key,
			 const struct postern_destination *value)
{
	return edit(c, MAP_DESTINATIONS, key, value);
}

void map_edit_undo(struct change *c)
{
	while (c->undo_count) {
		struct map_undo *undo = &c->undo[--c->undo_count];
		int err = write_entry(c, undo->map, &undo->key, undo->had ? &undo->old : NULL);
		char text[ADDR_TEXT];

		if (err)
			change_say(c, "%s could not be set back in the table of %s: %s; run "
				   "`postern up`", prefix_text(&undo->key, text),
				   maps[undo->map].name, strerror(-err));
	}
}

void map_edit_keep(struct change *c)
{
	c->undo_count = 0;
}
