/* SPDX-License-Identifier: GPL-2.0 */
/* Asking the running daemon over its control socket (doc/control.rst). */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include "base/conf.h"

/* Name of the socket in run_dir. */
#define CONTROL_SOCKET "control.sock"

/*
 * Send @request ("status", "watch") and give each line of the answer, without
 * its line feed, to @line until the daemon ends the answer or @line returns
 * non-zero. "watch" is endless, other answers begin within 5 s.
 *
 * Returns 0 at the end of the answer; what @line returned; -ENOENT or
 * -ECONNREFUSED when no daemon runs, -EACCES without root, -ETIMEDOUT,
 * -EMSGSIZE for a line of more than 64 KiB, -errno.
 */
int control_call(const struct conf *conf, const char *request,
		 int (*line)(void *arg, const char *json), void *arg);

#endif
