/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of tbl/reasons.h as text, for logs, counters and the CLI. */
#ifndef BASE_REASON_H
#define BASE_REASON_H

#include "postern/reason.h"

/* Name, origin ("STEER"), effect ("PASS") and sentence of a row; "unknown" past the last. */
const char *reason_name(unsigned int reason);
const char *reason_origin(unsigned int reason);
const char *reason_effect(unsigned int reason);
const char *reason_text(unsigned int reason);

#endif
