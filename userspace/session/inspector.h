/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The door of session/: the process that owns listeners and sessions.
 * control/keeper.c forks, gives up the rights that the inspector must not
 * have (base/rights.h: own user, CAP_NET_RAW alone, an empty directory as its
 * root) and calls this.
 */
#ifndef SESSION_INSPECTOR_H
#define SESSION_INSPECTOR_H

#include "base/conf.h"
#include "steering/steering.h"

struct inspector_args {
	const struct conf *conf;
	struct steering *steering;	/* opened by the keeper, inherited */
	int record_fd;			/* SOCK_SEQPACKET to the clerk: one JSON object and its
					 * line feed a packet; never waited for */
	const char *hostname;		/* in our replies and in Received; not empty */
};

/*
 * Serve until SIGTERM: then no new sessions, running transactions have
 * drain_timeout to end. A worker beats for the first time when its listener is
 * registered: the keeper takes that as ready. On entry: default signal
 * dispositions (SIGINT, SIGQUIT and SIGHUP ignored), no signal blocked, one
 * thread. Opens nothing by path. Returns the exit status: 0 after SIGTERM, 1
 * after an error in the log.
 */
int inspector_run(const struct inspector_args *args);

#endif
