/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clerk: event records into their file, answers on the control socket,
 * kernel decisions for watchers, the router's own addresses. Own user, no
 * capability, one thread, one poll loop that waits for nobody.
 */
#ifndef CONTROL_CLERK_H
#define CONTROL_CLERK_H

#include "base/conf.h"
#include "control/page.h"
#include "steering/steering.h"

struct clerk_args {
	const struct conf *conf;
	struct steering *steering;
	const struct page *page;
	int record_fd;		/* SOCK_SEQPACKET: one JSON object and its line feed a packet */
	int control_fd;		/* listening */
	int log_fd;		/* event log, or -1 */
};

/* Longest record; longer ones are dropped and counted. */
#define CLERK_RECORD	65536

/*
 * Serve until SIGTERM; SIGHUP opens the event log again. All rights are given
 * up already. Returns the exit status.
 */
int clerk_run(const struct clerk_args *args);

#endif
