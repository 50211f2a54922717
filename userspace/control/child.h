/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that the keeper starts and starts again. No signal handling and no
 * waiting here: the keeper's loop does both and tells.
 */
#ifndef CONTROL_CHILD_H
#define CONTROL_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
	const char	*name;
	int		(*run)(void *arg);	/* in the child; its exit status */
	void		*arg;
	pid_t		pid;		/* 0 = not running */
	uint64_t	started;	/* boot-time ns */
	uint64_t	due;		/* when to start again, boot-time ns; 0 = not at all */
	unsigned int	quick;		/* deaths in a row, each soon after the start */
};

/* A child that lived so long has not died quickly. */
#define CHILD_SETTLED_NS	10000000000ULL

/*
 * Pause before the next start, in ns: none after the first quick death, then
 * 100 ms, doubling, at most a second.
 */
uint64_t child_pause(unsigned int quick);

/*
 * Fork and run. The child begins with no signal blocked and default
 * dispositions, but ignores what a terminal sends (SIGINT, SIGQUIT, SIGHUP).
 * Returns 0 or -errno; @c is then due again after a second.
 */
int child_start(struct child *c, uint64_t now);

/* The child is gone with wait status @status: say how in the log, set `due`. */
void child_ended(struct child *c, int status, uint64_t now);

/* Send a signal if it runs. */
void child_signal(const struct child *c, int sig);

/*
 * To be called in the child once its rights are given up (a change of user
 * undoes it): end with the parent, however that ends. Returns 0, or -ESRCH
 * when it has ended already, or -errno.
 */
int child_end_with(pid_t parent);

#endif
