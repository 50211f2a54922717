/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The operator's log: one line an entry, to standard error, with the journal's
 * "<N>" level prefix when that is the journal. Not for sessions: those have
 * event records. Peer octets never come here unescaped.
 *
 * Five severities, fixed meanings: debug (for us), info (normal and rare),
 * warning (works, but look), error (something failed and was handled), panic
 * (our own mistake; the process ends).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_PANIC, LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
		 LOG_LEVEL_DEBUG };

/* Name of the process in each line ("keeper", ...), and the least severe level shown. */
void log_init(const char *process, enum log_level level);

void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
