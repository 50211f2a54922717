/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The file of event records. A record is in it whole or not at all: when it
 * cannot be written the record is dropped and counted, with one alarm at the
 * first and one line when it works again. Belongs to the clerk.
 */
#ifndef CONTROL_EVENT_LOG_H
#define CONTROL_EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct event_log {
	const char	*path;		/* "" = no log wanted */
	int		fd;		/* -1 = not open */
	bool		failing;
	uint64_t	dropped;	/* records, since the start */
	uint64_t	dropped_now;	/* since it began to fail */
	uint64_t	retry;		/* boot-time ns: not opened again before */
};

/*
 * As root, before the clerk exists: open or make the file at @path for @owner,
 * its directory too if that alone is missing. Refuses what is not a plain file
 * of root or @owner with one name, since the directory may be the owner's.
 * Returns a descriptor, or -errno after an error in the log.
 */
int event_log_create(const char *path, uid_t owner, gid_t group);

/* Append a record that ends in a line feed. Returns false when it was dropped. */
bool event_log_write(struct event_log *log, const char *record, size_t len);

/* The file was renamed by log rotation: open the path again; keep the old one if that fails. */
void event_log_reopen(struct event_log *log);

#endif
