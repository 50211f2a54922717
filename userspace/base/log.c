// SPDX-License-Identifier: GPL-2.0
/* The operator's log. One write() a line, so that processes do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *process_name = "postern";
static enum log_level shown = LOG_LEVEL_INFO;

static const struct {
	const char *word;
	int journal;		/* syslog's number */
} levels[] = {
	[LOG_LEVEL_PANIC] = { "panic", 2 },
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

void log_init(const char *process, enum log_level level)
{
	process_name = process;
	shown = level;
}

static void log_line(enum log_level level, const char *fmt, va_list args)
{
	char line[1024];
	int len = 0, more;

	if (level > shown)
		return;
	if (getenv("JOURNAL_STREAM"))
		len = snprintf(line, sizeof(line), "<%d>", levels[level].journal);
	len += snprintf(line + len, sizeof(line) - (size_t)len, "%s[%d]: %s: ", process_name,
			(int)getpid(), levels[level].word);
	more = vsnprintf(line + len, sizeof(line) - (size_t)len - 1, fmt, args);
	len += more < 0 ? 0 : more;
	if (len > (int)sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;		/* nobody is left to be told */
}

#define LOG_FUNCTION(name, level)			\
	void log_##name(const char *fmt, ...)		\
	{						\
		va_list args;				\
							\
		va_start(args, fmt);			\
		log_line(level, fmt, args);		\
		va_end(args);				\
	}

LOG_FUNCTION(debug, LOG_LEVEL_DEBUG)
LOG_FUNCTION(info, LOG_LEVEL_INFO)
LOG_FUNCTION(warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(error, LOG_LEVEL_ERROR)

void log_panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_line(LOG_LEVEL_PANIC, fmt, args);
	va_end(args);
	abort();
}
