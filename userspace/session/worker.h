/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A worker: one thread with its listener, its sessions, its timers, its memory
 * and its counters. Nothing of it is touched by another thread, but for what
 * struct workers says.
 */
#ifndef SESSION_WORKER_H
#define SESSION_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "postern/reason.h"
#include "session/chain.h"
#include "session/own.h"
#include "session/pool.h"
#include "session/ticket.h"
#include "session/wheel.h"
#include "smtp/smtp.h"
#include "steering/steering.h"
#include "verdict/verdict.h"

struct session;

/*
 * What a worker asks of the world outside its process, so that a test can
 * answer. All return 0 or -errno, dial a socket (see session/dial.h).
 */
struct outside {
	int (*resolve)(void *arg, const struct postern_addr *src,
		       const struct postern_addr *dst, struct steering_line *out);
	int (*dial)(void *arg, const struct postern_addr *from, unsigned int *port,
		    const struct postern_addr *to);
	int (*dead)(void *arg, const struct postern_addr *line, const struct postern_addr *dst,
		    uint64_t until);
	void *arg;
};

/* Rows of workers.answered. Two exchangers that share one only cost a mark of `dead`. */
#define WORKERS_ANSWERED	1024

/* What all workers share. Const while they run, but for the atomics. */
struct workers {
	const struct conf	*conf;
	const char		*hostname;
	struct outside		outside;
	struct ticket_key	ticket_key;
	int			record_fd;
	unsigned int		count;
	atomic_bool		drain;		/* asked to stop */
	atomic_long		sessions;	/* alive, of all workers */
	atomic_long		refusals;	/* of those, being refused with a 421 */
	/* By hash of the exchanger: boot-time ns at which one took a dial last. */
	_Atomic uint64_t	answered[WORKERS_ANSWERED];
};

/* Scratch of one turn. What outlives the turn goes to a chain. */
#define WORKER_OUTPUT	(64 * 1024)
struct worker_scratch {
	char	in_client[SMTP_CLIENT_INPUT];
	char	in_server[SMTP_SERVER_INPUT];
	char	to_client[WORKER_OUTPUT];
	char	to_server[WORKER_OUTPUT];
};

struct worker {
	struct workers		*all;
	unsigned int		index;
	int			listener;	/* -1: closed */
	int			epoll;
	int			wake;		/* eventfd: look at all->drain */
	int			spare;		/* given up to accept and refuse at EMFILE */
	bool			draining;
	unsigned int		accepts;	/* connections tried in the next batch */
	uint64_t		now;		/* boot-time ns, once per loop turn */
	uint64_t		wall;		/* ns since 1970, likewise */
	volatile uint64_t	*heartbeat;
	volatile uint64_t	*tallies;	/* POSTERN_REASONS_MAX counters */
	struct wheel		wheel;
	struct timer		second;		/* trims the pools */
	struct timer		resume;		/* accepts again after EMFILE */
	struct timer		deadline;	/* ends the drain */
	struct pool		slots;		/* struct session */
	struct store		store;
	struct session		*sessions;	/* all of them */
	struct session		*runnable;	/* have more to do, first come first served */
	struct session		**runnable_end;
	struct session		*released;	/* slots to be reused after this batch */
	struct verdict_bench	*bench;
	uint64_t		tickets;	/* drawn so far */
	struct own		own;
	struct worker_scratch	scratch;
};

/*
 * Prepare: epoll, own addresses, memory. @listener -1 for a worker without one;
 * it belongs to the worker from here on. Returns 0 or -errno; then nothing is held.
 */
int worker_init(struct worker *w, struct workers *all, unsigned int index, int listener,
		struct verdict_bench *bench, volatile uint64_t *heartbeat,
		volatile uint64_t *tallies);

/* Run until drained. A pthread start routine; @arg is the struct worker. */
void *worker_run(void *arg);

/* One turn of the loop, waiting @timeout_ms at most. False when it is drained. */
bool worker_turn(struct worker *w, int timeout_ms);

/* Release all; sessions that are left are reset. */
void worker_destroy(struct worker *w);

/* Make the worker look at all->drain. From any thread. */
void worker_wake(struct worker *w);

/* Let the session run again, after the others. Once is enough. */
void worker_queue(struct worker *w, struct session *s);

/* Count a row. */
static inline void worker_tally(struct worker *w, enum postern_reason reason)
{
	w->tallies[reason]++;
}

#endif
