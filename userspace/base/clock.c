// SPDX-License-Identifier: GPL-2.0
/* Wall time as text. Pure; any thread. */
#include "base/clock.h"

#include <stdio.h>

const char *clock_text(uint64_t wall, char *buf)
{
	time_t seconds = (time_t)(wall / NS_PER_SEC);
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(buf, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, CLOCK_TEXT - len, ".%03uZ",
		 (unsigned int)(wall % NS_PER_SEC / NS_PER_MS));
	return buf;
}
