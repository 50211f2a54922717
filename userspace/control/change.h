/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one path by which policy changes, whoever asks (CLI, RADIUS, portal):
 * journalled in the state store, put in the kernel's maps, then committed. A
 * failure at any step leaves neither: the maps are set back, the transaction
 * is rolled back. Changes of several processes follow one another, because
 * each holds the store's write lock while it edits maps.
 *
 * Between the scopes of a treatment: what was said of a line and what was said
 * of its subscriber are combined, and a refusal wins; both go before what was
 * said of a prefix, which goes before the pool.
 *
 * Every function returns 0 or -errno, with words in `error`.
 */
#ifndef CONTROL_CHANGE_H
#define CONTROL_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/state.h"
#include "steering/steering.h"

#define CHANGE_TEXT	640	/* holds a remark with the longest names */

struct change {
	struct state		*state;		/* borrowed */
	struct steering		*steering;	/* borrowed */
	const char		*conf_file;	/* borrowed; for remarks */
	const char		*who;		/* borrowed; for the audit table */
	/* Remarks on what a change means beyond what was asked for. NULL is fine. */
	void			(*say)(void *arg, const char *line);
	void			*arg;
	char			error[CHANGE_TEXT];
	struct map_undo		*undo;		/* own, as all below; zero at start */
	size_t			undo_count;
	size_t			undo_room;
	bool			one_way;	/* edits are not to be undone */
};

/* Release what the change itself holds. */
void change_end(struct change *c);

/* What an exemption or refusal is about. */
struct change_target {
	enum state_scope	scope;
	struct postern_prefix	prefix;		/* line or prefix */
	uint64_t		subscriber;	/* 0: to be made under `name` */
	char			name[STATE_NAME];
};

enum {
	CHANGE_NAME = 0x1,	/* the text is a subscriber's name, whatever it looks like */
	CHANGE_MAKE = 0x2,	/* a subscriber who is not known is new */
	CHANGE_KNOWN = 0x4,	/* what the store has goes first, though no pool may hold it
				 * any more, or cut it that way */
};

/*
 * Read "ADDRESS", "PREFIX" or a subscriber's name. An address becomes its
 * line. -EINVAL: none of them; -ENOENT: no pool holds it, or no such subscriber;
 * -EEXIST: the prefix is a pool of its own.
 */
int change_target_find(struct change *c, const char *text, unsigned int flags,
		       struct change_target *out);

/* As text for people: the line, the prefix, or the name. Returns @buf of STATE_NAME octets. */
const char *change_target_text(const struct change_target *t, char *buf);

/*
 * Set a treatment (EXEMPT or REFUSE) until @until (wall clock, ns; 0 = no
 * end); it takes the place of the one the target had.
 */
int change_treat(struct change *c, const struct change_target *t,
		 enum postern_treatment treatment, uint64_t until, const char *why);

/* Take it away, what lies beneath is in force again. -ENOENT: the target has none. */
int change_untreat(struct change *c, const struct change_target *t,
		   enum postern_treatment treatment);

/*
 * Put @name (made if new) on the line of @addr. If somebody else is on it he
 * is taken off first, in a change of its own: his exemption has left the line
 * before the new subscriber is on it, and stays away if that fails.
 */
int change_bind(struct change *c, const char *name, const struct postern_addr *addr);

/*
 * Take whoever is on a line off it: the line that @line is, as it was when it
 * was bound, else the line of its address. -ENOENT: nobody is.
 */
int change_unbind(struct change *c, const struct postern_prefix *line);

/* Classes as they are loaded now. -ENOENT. */
int change_class_find(struct change *c, const char *name, unsigned int *id);
int change_class_name(struct change *c, unsigned int id, char name[POSTERN_CLASS_NAME]);

/* A pool by hand. -EEXIST: it comes from the file, or is an exempt or refused prefix. */
int change_pool_set(struct change *c, const struct postern_prefix *prefix,
		    const struct postern_pool *pool);
/*
 * -ENOENT: no such pool; -EBUSY: exempt or refused prefixes lie inside. A pool
 * from the file goes as well, until the next `postern up`; *from_file says so.
 */
int change_pool_del(struct change *c, const struct postern_prefix *prefix, bool *from_file);
/* Change the share; of the prefixes inside as well. */
int change_pool_rollout(struct change *c, const struct postern_prefix *prefix,
			unsigned int share, bool *from_file);

/* A destination by hand. -EEXIST: an own address, or it comes from the file. */
int change_destination_set(struct change *c, const struct postern_prefix *prefix,
			   const struct postern_destination *value);
int change_destination_del(struct change *c, const struct postern_prefix *prefix,
			   bool *from_file);

/*
 * Put all that the store holds into the maps of a steering that just came up,
 * and take out of them what the store no longer holds. What cannot be restored
 * is said through `say` and counted in *missing; the rest goes on.
 */
int change_restore(struct change *c, size_t *missing);

#endif
