/* SPDX-License-Identifier: GPL-2.0 */
/* A kernel decision as the JSON line that `watch` shows (doc/control.rst). Pure. */
#ifndef CONTROL_DECISION_H
#define CONTROL_DECISION_H

#include <stddef.h>
#include <stdint.h>

#include "postern/abi.h"

#define DECISION_LINE	512	/* holds every decision */

/*
 * Write @e with its line feed. @wall is the wall time in ns of the decision.
 * Returns the length or -ENOSPC.
 */
int decision_line(const struct postern_event *e, uint64_t wall, char *buf, size_t size);

#endif
