/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a steering backend does. The CLI uses it to load, edit and read; the
 * daemon to register listeners and to beat. The state lives in the kernel:
 * a handle is a view of it, and several processes may hold one at a time.
 *
 * Every function returns 0 or -errno unless it says otherwise.
 */
#ifndef STEERING_STEERING_H
#define STEERING_STEERING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "postern/abi.h"
#include "postern/reason.h"

struct steering;		/* open view of a loaded backend */

/* A list of findings, one line each, gathered rather than met one at a time. */
struct steering_report {
	void (*say)(void *arg, bool fatal, const char *line);
	void *arg;
};

/*
 * Check what `up` needs (rights, kernel features, file system, interfaces,
 * forwarding, rp_filter, foreign programs) and say all that is wrong at once.
 * Changes nothing. Returns the number of fatal findings.
 */
int steering_check(const struct conf *conf, const struct steering_report *report);

/*
 * Load, pin and attach; routes and rules; classes, pools and destinations of
 * the configuration into the maps. Idempotent: an existing steering is replaced
 * in place and keeps its lines, counters and listeners. Finds and repairs what
 * a killed `up` or `down` left. On error everything that this call attached is
 * undone and the report says why.
 */
int steering_up(const struct conf *conf, const struct steering_report *report);

/* Detach and remove everything that steering_up() made. Fine when nothing is there. */
int steering_down(const struct conf *conf, const struct steering_report *report);

/* An interface of the configuration as it is now. */
struct steering_interface {
	const char	*name;
	enum conf_side	side;
	bool		there;		/* it exists and is up */
	bool		filtered;	/* our program stands at its ingress */
	const char	*xdp;		/* the screen: "native", "generic" or "off" */
};

/* Walk the interfaces; @each returns non-zero to stop, and that is returned. */
int steering_interface_each(const struct conf *conf,
			    int (*each)(void *arg, const struct steering_interface *row),
			    void *arg);

/* Open what is loaded; -ENOENT when nothing is, -EPROTO when another version is. */
int steering_open(const struct conf *conf, struct steering **out);
void steering_close(struct steering *s);

/* Edit and read policy. get: -ENOENT when there is none. */
int steering_pool_set(struct steering *s, const struct postern_prefix *key,
		      const struct postern_pool *pool);
int steering_pool_get(struct steering *s, const struct postern_prefix *key,
		      struct postern_pool *pool);
int steering_pool_del(struct steering *s, const struct postern_prefix *key);
/* The entry in force for @a (expired overrides are looked through, as the kernel does). */
int steering_pool_match(struct steering *s, const struct postern_addr *a,
			struct postern_pool *pool);
int steering_line_set(struct steering *s, const struct postern_addr *line,
		      const struct postern_line *value);
int steering_line_get(struct steering *s, const struct postern_addr *line,
		      struct postern_line *value);
int steering_line_del(struct steering *s, const struct postern_addr *line);
int steering_destination_set(struct steering *s, const struct postern_prefix *key,
			     const struct postern_destination *value);
int steering_destination_get(struct steering *s, const struct postern_prefix *key,
			     struct postern_destination *value);
int steering_destination_del(struct steering *s, const struct postern_prefix *key);
/*
 * Read this network namespace's addresses and make the POSTERN_DEST_OWN rows
 * match them; rows of other rules stay, also where one has such an address.
 * For every RTM_NEWADDR and RTM_DELADDR. Needs no rights beyond map descriptors.
 */
int steering_own_refresh(struct steering *s);
int steering_class_get(struct steering *s, unsigned int id, struct postern_class *value);
int steering_class_set(struct steering *s, unsigned int id, const struct postern_class *value);

/* Walk a table; @each returns non-zero to stop, and that is returned. */
int steering_pool_each(struct steering *s,
		       int (*each)(void *arg, const struct postern_prefix *key,
				   const struct postern_pool *value), void *arg);
int steering_line_each(struct steering *s,
		       int (*each)(void *arg, const struct postern_addr *key,
				   const struct postern_line *value), void *arg);
int steering_destination_each(struct steering *s,
			      int (*each)(void *arg, const struct postern_prefix *key,
					  const struct postern_destination *value), void *arg);

/* The one settings row. */
int steering_settings_get(struct steering *s, struct postern_settings *value);
int steering_settings_set(struct steering *s, const struct postern_settings *value);

/*
 * A connection's line and what is in force for it, as the inspector needs it.
 * -ENOENT: the source is in no pool.
 */
struct steering_line {
	struct postern_addr	line;		/* masked to the line's length */
	uint64_t		subscriber;
	unsigned int		class_id;
	enum postern_treatment	treatment;
	bool			shadow;		/* by mode, class or rollout */
};
int steering_resolve(struct steering *s, const struct postern_addr *src,
		     const struct postern_addr *dst, struct steering_line *out);

/* The daemon's part. A listener leaves by itself when its socket is closed. */
int steering_listener_set(struct steering *s, unsigned int worker, int fd);
/* Array of POSTERN_MAX_WORKERS boot-time stamps, shared with the kernel. */
volatile uint64_t *steering_heartbeats(struct steering *s);
/* Row of a worker (POSTERN_REASONS_MAX counters) that only that worker writes. */
volatile uint64_t *steering_tallies(struct steering *s, unsigned int worker);
/*
 * Remember until @until (boot-time ns) that an exchanger is dead to a line. To
 * that line alone: an exchanger that blocks one is no reason to shut out others.
 */
int steering_dead_set(struct steering *s, const struct postern_addr *line,
		      const struct postern_addr *dst, uint64_t until);

/* Sum of kernel and worker counters, POSTERN_R_COUNT of them. */
int steering_counters(struct steering *s, uint64_t *counters);

/*
 * Sampled kernel decisions. One consumer at a time. The descriptor polls
 * readable; steering_events_read() calls @each per event, returns their number.
 */
struct steering_events;
int steering_events_open(struct steering *s, struct steering_events **out);
int steering_events_fd(const struct steering_events *e);
int steering_events_read(struct steering_events *e,
			 void (*each)(void *arg, const struct postern_event *event), void *arg);
void steering_events_close(struct steering_events *e);

/*
 * Descriptors that the inspector needs after it gave up its rights. A view
 * opened by the keeper and inherited over fork() just works: all of the above
 * but check, up, down and open use map descriptors alone.
 */

#endif
