// SPDX-License-Identifier: GPL-2.0
/* Lengths and points of time as people write them. Pure but for the clocks. */
#include "times.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static const struct {
	char letter;
	uint64_t seconds;
} units[] = {
	{ 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
};

#define UNITS		(sizeof(units) / sizeof(units[0]))
#define LONGEST		(3650ULL * 86400)

static uint64_t unit_seconds(char letter)
{
	for (size_t i = 0; i < UNITS; i++)
		if (units[i].letter == letter)
			return units[i].seconds;
	return 0;
}

int times_span(const char *text, uint64_t *ns)
{
	uint64_t total = 0;

	if (!*text)
		return -EINVAL;
	while (*text) {
		size_t digits = strspn(text, "0123456789");
		uint64_t unit = unit_seconds(text[digits]);

		if (!digits || !unit)
			return -EINVAL;
		/* Nine digits of days fit; more are out of range anyway. */
		if (digits > 9)
			return -ERANGE;
		total += strtoull(text, NULL, 10) * unit;
		text += digits + 1;
	}
	if (!total || total > LONGEST)
		return -ERANGE;
	*ns = total * NS_PER_SEC;
	return 0;
}

static const char *const forms[] = {
	"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
};

/* mktime() makes 3 March of 30 February: then the fields differ. */
static int to_time(const struct tm *want, int utc, uint64_t *wall)
{
	struct tm tm = *want;
	time_t t = utc ? timegm(&tm) : mktime(&tm);

	if (t <= 0 || tm.tm_mday != want->tm_mday || tm.tm_mon != want->tm_mon ||
	    tm.tm_hour != want->tm_hour || tm.tm_min != want->tm_min)
		return -EINVAL;
	*wall = (uint64_t)t * NS_PER_SEC;
	return 0;
}

int times_moment(const char *text, uint64_t *wall)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, forms[i], &tm);

		if (end && !*end)
			return to_time(&tm, 0, wall);
		if (end && strcmp(end, "Z") == 0)
			return to_time(&tm, 1, wall);
	}
	return -EINVAL;
}

static char *moment(uint64_t wall, struct tm *(*broken_down)(const time_t *t, struct tm *tm),
		    const char *form, char *buf)
{
	time_t t = (time_t)(wall / NS_PER_SEC);
	struct tm tm;

	if (!broken_down(&t, &tm) || !strftime(buf, TIMES_TEXT, form, &tm))
		strcpy(buf, "?");
	return buf;
}

char *times_local(uint64_t wall, char *buf)
{
	return moment(wall, localtime_r, "%Y-%m-%d %H:%M:%S %z", buf);
}

char *times_utc(uint64_t wall, char *buf)
{
	return moment(wall, gmtime_r, "%Y-%m-%dT%H:%M:%SZ", buf);
}

char *times_length(uint64_t ns, char *buf)
{
	uint64_t seconds = ns / NS_PER_SEC;
	size_t len = 0, i = 0;

	if (!seconds)
		return strcpy(buf, "less than 1s");
	while (i < UNITS - 1 && seconds < units[i].seconds)
		i++;
	for (size_t shown = 0; shown < 2 && i < UNITS; shown++, i++) {
		uint64_t count = seconds / units[i].seconds;

		seconds %= units[i].seconds;
		if (count)
			len += (size_t)snprintf(buf + len, TIMES_TEXT - len, "%s%llu%c",
						len ? " " : "", (unsigned long long)count,
						units[i].letter);
	}
	return buf;
}

uint64_t times_wall_of_boot(uint64_t boot)
{
	return boot ? clock_wall() - clock_boot() + boot : 0;
}

uint64_t times_boot_of_wall(uint64_t wall)
{
	return wall ? clock_boot() - clock_wall() + wall : 0;
}
