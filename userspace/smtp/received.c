// SPDX-License-Identifier: GPL-2.0
/*
 * The Received: line in front of a message (RFC 5321, 4.4; date as in RFC
 * 5322, 3.3). The HELO argument is the client's: what could end the line or
 * a comment, or is not printable ASCII, stands there as "?".
 */
#include <stdio.h>
#include <time.h>

#include "smtp/engine.h"

static void clean_helo(const struct smtp *s, char *buf)
{
	size_t i;

	for (i = 0; i < s->helo_len; i++) {
		unsigned char c = (unsigned char)s->helo[i];

		buf[i] = c > ' ' && c < 0x7f && !strchr("()<>@,;\\\"", c) ? (char)c : '?';
	}
	buf[i] = '\0';
	if (!i)
		strcpy(buf, "unknown");
}

/* UTC, whatever locale and zone the process has. */
static void date(uint64_t wall, char *buf, size_t size)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
					  "Sep", "Oct", "Nov", "Dec" };
	time_t when = (time_t)wall;
	struct tm tm;

	if (!gmtime_r(&when, &tm))
		memset(&tm, 0, sizeof(tm));
	snprintf(buf, size, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
		 months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* RFC 3848, RFC 6531 section 4.3. */
static const char *protocol(const struct smtp *s)
{
	if (s->utf8)
		return s->authenticated ? "UTF8SMTPA" : "UTF8SMTP";
	if (!s->esmtp)
		return "SMTP";
	return s->authenticated ? "ESMTPA" : "ESMTP";
}

size_t smtp_received_text(const struct smtp *s, uint64_t wall, char *buf)
{
	const char *client = s->env->client;
	bool v6 = strchr(client, ':') != NULL;
	char helo[FACTS_HELO], when[160];
	int len;

	clean_helo(s, helo);
	date(wall, when, sizeof(when));
	len = snprintf(buf, SMTP_RECEIVED_ROOM,
		       "Received: from %s ([%s%.64s])\r\n"
		       "\tby %.255s with %s id %.64s;\r\n\t%s\r\n",
		       helo, v6 ? "IPv6:" : "", client, s->env->hostname, protocol(s),
		       s->env->ticket, when);
	return (size_t)len;
}
