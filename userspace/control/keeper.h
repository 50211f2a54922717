/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The keeper: starts as root, opens what needs it, gives up its rights but for
 * those that starting children needs, then starts and restarts inspector and
 * clerk. One thread. Touches no octet of a subscriber.
 */
#ifndef CONTROL_KEEPER_H
#define CONTROL_KEEPER_H

#include "base/conf.h"
#include "base/log.h"
#include "steering/steering.h"

struct keeper_args {
	const struct conf *conf;
	enum log_level level;		/* of the children's logs too */
	/* The inspector, called in its process with its rights given up; its exit status. */
	int (*inspector)(const struct conf *conf, struct steering *steering, int record_fd,
			 const char *hostname);
};

/*
 * Serve until SIGTERM or SIGINT; then the inspector drains, and all end.
 * Returns 0 then, or -errno after an error in the log.
 */
int keeper_run(const struct keeper_args *args);

#endif
