/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state store: what must outlive the kernel's maps, in one SQLite file.
 * It owns the file, its schema and its rows; it knows nothing of maps. Joining
 * the two is control/change.h.
 *
 * Each row carries a checksum of its own columns. A row whose checksum is
 * wrong is never returned: damage can make an exemption vanish, not appear.
 *
 * A handle belongs to one thread. Several processes may have the file open;
 * writers wait for one another for up to STATE_BUSY_MS.
 *
 * Every function returns 0 or -errno unless it says otherwise: -ENOENT no such
 * row, -EBUSY another writer, -EBADMSG damaged, -ENOSPC, -EIO, -EACCES, -ENOMEM.
 * state_error() has the words.
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "postern/abi.h"

#define STATE_FILE	"postern.db"
#define STATE_BUSY_MS	5000
#define STATE_NAME	254	/* RFC 2865, 5.1: a User-Name has at most 253 octets */
#define STATE_WHO	64
#define STATE_WHY	256

struct state;

/*
 * Open or create DIR/postern.db, creating DIR itself (0700) but not what leads
 * to it. Words for a failure go to @err. -EACCES also when others could write
 * to the directory or the file; -EPROTO when a later release made the file;
 * -EBADMSG when it is not a state store, or a damaged one.
 */
int state_open(const char *dir, struct state **out, char *err, size_t err_size);

/* Roll an open transaction back and release; NULL is fine. */
void state_close(struct state *s);

/* Words for the last failure of this handle; owned by it. */
const char *state_error(const struct state *s);

/* Was the file made by this state_open()? */
bool state_is_new(const struct state *s);

/*
 * Go through the whole file. Returns the number of damaged rows (they are
 * passed over), or -EBADMSG when the file's structure is damaged.
 */
int state_check(struct state *s);

/* One transaction at a time. state_rollback() is fine without one. */
int state_begin(struct state *s);
int state_commit(struct state *s);
void state_rollback(struct state *s);

/* Who did what: one line for the audit table. */
int state_audit(struct state *s, const char *who, const char *what);

/*
 * Subscribers. An id is never given out twice; 0 is nobody. Make one within a
 * transaction; -EEXIST when the name is taken.
 */
int state_subscriber_find(struct state *s, const char *name, uint64_t *id);
int state_subscriber_make(struct state *s, const char *name, uint64_t *id);
int state_subscriber_name(struct state *s, uint64_t id, char name[STATE_NAME]);
int state_subscriber_each(struct state *s,
			  int (*each)(void *arg, uint64_t id, const char *name), void *arg);

/*
 * Lines: which subscriber is on which line. The prefix is the line with the
 * length that its pool had. The walks return what @each returned if not 0;
 * @each must not write to the store.
 */
int state_line_set(struct state *s, const struct postern_prefix *line, uint64_t subscriber);
int state_line_get(struct state *s, const struct postern_prefix *line, uint64_t *subscriber);
int state_line_del(struct state *s, const struct postern_prefix *line);
int state_line_each(struct state *s, uint64_t subscriber /* 0 = all */,
		    int (*each)(void *arg, const struct postern_prefix *line,
				uint64_t subscriber), void *arg);

/* Exemptions and refusals: one for each line, prefix or subscriber. */
enum state_scope { STATE_LINE, STATE_PREFIX, STATE_SUBSCRIBER };

struct state_treatment {
	enum state_scope	scope;
	struct postern_prefix	prefix;		/* all zero for STATE_SUBSCRIBER */
	uint64_t		subscriber;	/* of STATE_LINE: who was on it, 0 = nobody */
	enum postern_treatment	treatment;	/* EXEMPT or REFUSE */
	uint64_t		since;		/* wall clock, ns */
	uint64_t		until;		/* wall clock, ns; 0 = no end */
	char			who[STATE_WHO];
	char			why[STATE_WHY];
};

int state_treatment_set(struct state *s, const struct state_treatment *t);
/* The key is scope and prefix, or scope and subscriber. Lapsed ones are found too. */
int state_treatment_get(struct state *s, const struct state_treatment *key,
			struct state_treatment *out);
int state_treatment_del(struct state *s, const struct state_treatment *key);
int state_treatment_each(struct state *s,
			 int (*each)(void *arg, const struct state_treatment *t), void *arg);

/* Delete treatments that ended before @wall (wall clock, ns). */
int state_forget(struct state *s, uint64_t wall);

/* Pools and destinations added by hand; classes by name, as their numbers may change. */
struct state_pool {
	struct postern_prefix	prefix;
	enum postern_treatment	treatment;
	char			class_name[POSTERN_CLASS_NAME];
	unsigned int		line_len;	/* mapped bits */
	unsigned int		rollout;	/* per cent */
	unsigned int		flags;		/* POSTERN_POOL_* */
};

int state_pool_set(struct state *s, const struct state_pool *pool);
int state_pool_del(struct state *s, const struct postern_prefix *prefix);
int state_pool_each(struct state *s, int (*each)(void *arg, const struct state_pool *pool),
		    void *arg);

struct state_destination {
	struct postern_prefix	prefix;
	enum postern_destination_rule rule;	/* PASS or CLASS */
	char			class_name[POSTERN_CLASS_NAME];	/* "" for PASS */
};

int state_destination_set(struct state *s, const struct state_destination *d);
int state_destination_del(struct state *s, const struct postern_prefix *prefix);
int state_destination_each(struct state *s,
			   int (*each)(void *arg, const struct state_destination *d), void *arg);

#endif
