/* SPDX-License-Identifier: GPL-2.0 */
/* The keeper's state, shared by its start (keeper_start.c) and its loop (keeper.c). */
#ifndef CONTROL_KEEPER_PRIVATE_H
#define CONTROL_KEEPER_PRIVATE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/child.h"
#include "control/keeper.h"
#include "control/page.h"

enum keeper_phase {
	KEEPER_STARTING,	/* the inspector was not ready yet */
	KEEPER_SERVING,
	KEEPER_DRAINING,	/* the inspector was asked to end */
	KEEPER_ENDING,		/* the inspector is gone, the clerk was asked to end */
	KEEPER_ENDED,
};

struct keeper {
	const struct keeper_args *args;
	const struct conf *conf;
	struct steering	*steering;
	struct page	*page;			/* shared with the clerk */
	volatile uint64_t *tally;		/* inspector_restarted, message_aborted */
	uid_t		clerk_uid;
	gid_t		clerk_gid;
	pid_t		pid;
	int		pid_file;
	int		signals;
	int		control;		/* listening control socket, the clerk's */
	int		event_log;		/* the clerk's; -1 = none */
	int		records[2];		/* [0] the clerk reads, [1] the inspector writes */
	char		root[PATH_MAX];		/* the inspector's empty root directory */
	char		hostname[256];
	struct child	inspector, clerk;
	enum keeper_phase phase;
	uint64_t	deadline;		/* boot-time ns: end of this phase, by force */
	uint64_t	next_look;		/* at the heartbeats */
	uint32_t	silent;			/* workers said to be silent, a bit each */
	bool		failed;			/* ended before it served */
};

/*
 * Everything that root is needed for, then the rights are given up. Returns 0
 * or -errno after an error in the log; the process ends then.
 */
int keeper_start(struct keeper *k);

/* The children's bodies; exit status. */
int keeper_inspector(void *arg);
int keeper_clerk(void *arg);

#endif
