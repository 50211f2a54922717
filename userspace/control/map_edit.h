/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Edits of the kernel's maps that can be taken back: each keeps what stood
 * there before. Within control/change*.c only.
 */
#ifndef CONTROL_MAP_EDIT_H
#define CONTROL_MAP_EDIT_H

#include "control/change.h"

/* Set an entry, or delete it where @value is NULL (fine when there is none). */
int map_edit_pool(struct change *c, const struct postern_prefix *key,
		  const struct postern_pool *value);
int map_edit_line(struct change *c, const struct postern_prefix *line,
		  const struct postern_line *value);
int map_edit_destination(struct change *c, const struct postern_prefix *key,
			 const struct postern_destination *value);

/* Take back every edit since the last map_edit_keep(), newest first. */
void map_edit_undo(struct change *c);

/* The edits stay: forget what stood there before. */
void map_edit_keep(struct change *c);

/* Put words into c->error; returns @err. */
int change_fail(struct change *c, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A remark through c->say. */
void change_say(struct change *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* -errno of the store, with the store's words in c->error. */
int change_stored(struct change *c, int err);

/* A transaction: change_begin(), edits of store and maps, change_finish() with
 * the edits' result; it commits, or takes everything back. @fmt: for the audit. */
int change_begin(struct change *c);
int change_finish(struct change *c, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The line of @addr by the pool that holds it; -ENOENT, with words. */
int change_line_of(struct change *c, const struct postern_addr *addr,
		   struct postern_prefix *line);

/*
 * The pool proper (no exempt or refused prefix) around @prefix; -ENOENT. The
 * pool of exactly that prefix counts.
 */
int change_pool_around(struct change *c, const struct postern_prefix *prefix,
		       struct postern_prefix *key, struct postern_pool *pool);

/* Make the map's entry what the store says. */
int change_line_refresh(struct change *c, const struct postern_prefix *line);
int change_prefix_refresh(struct change *c, const struct postern_prefix *prefix);

/* Boot-time end of a treatment, 0 = none. False: it has lapsed. */
bool change_in_force(const struct state_treatment *t, uint64_t *until);

#endif
