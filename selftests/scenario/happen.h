/* SPDX-License-Identifier: GPL-2.0 */
/* What happens in a scenario besides octets: the words behind "!" and "T". */
#ifndef SCENARIO_HAPPEN_H
#define SCENARIO_HAPPEN_H

#include <stdbool.h>

/* Does this happen before the connection, when no session was begun? */
bool happen_before(const char *text);

/* Let it happen. NULL, or what is wrong with @text. */
const char *happen(const char *text);

/* Let the time @text pass. NULL, or what is wrong with it. */
const char *happen_time(const char *text);

#endif
