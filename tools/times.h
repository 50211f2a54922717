/* SPDX-License-Identifier: GPL-2.0 */
/* Within tools/: lengths and points of time as people write them. */
#ifndef TOOLS_TIMES_H
#define TOOLS_TIMES_H

#include <stdint.h>

#define TIMES_TEXT	64

#define TIMES_SPAN_FORM	"expected a length of time such as 30s, 10m, 2h, 7d or 1h30m"
#define TIMES_MOMENT_FORM \
	"expected a time such as 2027-01-31, \"2027-01-31 18:00\" (local) or 2027-01-31T17:00:00Z"

/* "10m", "1h30m": nanoseconds, 1 s to 3650 days. -EINVAL or -ERANGE. */
int times_span(const char *text, uint64_t *ns);

/* A point of time: wall clock ns. Local unless it ends in Z. -EINVAL. */
int times_moment(const char *text, uint64_t *wall);

/* "2027-01-31 18:00:00 +0100"; @buf has TIMES_TEXT octets. Returns @buf. */
char *times_local(uint64_t wall, char *buf);
/* "2027-01-31T17:00:00Z". */
char *times_utc(uint64_t wall, char *buf);
/* "2h 3m", the two largest units; "less than 1s". */
char *times_length(uint64_t ns, char *buf);

/* Wall clock of a boot-time stamp, and the other way. 0 stays 0. */
uint64_t times_wall_of_boot(uint64_t boot);
uint64_t times_boot_of_wall(uint64_t wall);

#endif
