/* SPDX-License-Identifier: GPL-2.0 */
/* Dialling an exchanger from the subscriber's own address. No state. */
#ifndef SESSION_DIAL_H
#define SESSION_DIAL_H

#include <stdbool.h>

#include "postern/abi.h"
#include "postern/reason.h"

/*
 * Begin a connection from @from to port 25 of @to; both of one family. @port is
 * the port that it is to come from, or 0 for any; where it cannot be had (taken,
 * at rest after an earlier connection, or not ours to bind) another is used and
 * @port becomes 0 (E87). Needs CAP_NET_RAW, for a source that is not ours.
 * Returns a non-blocking socket that becomes writable when the exchanger has
 * answered, or -errno.
 */
int dial(const struct postern_addr *from, unsigned int *port, const struct postern_addr *to);

/* How did the dial on @fd end? 0 or the -errno. */
int dial_result(int fd);

/* The reason for a session that ends because its dial failed with @err (-errno). */
enum postern_reason dial_reason(int err);

/* Does @reason say that the exchanger, and not this machine, is at fault? */
bool dial_exchanger_dead(enum postern_reason reason);

#endif
