// SPDX-License-Identifier: GPL-2.0
/* The file of event records. The clerk's one thread. */
#include "control/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define EVENT_LOG_MODE	0640
#define OPEN_FLAGS	(O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

/* Make the last directory of @path if it is missing. What is wrong with it shows at open(). */
static void make_directory(const char *path, uid_t owner, gid_t group)
{
	const char *slash = strrchr(path, '/');
	char dir[256];
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len == 0 || len >= sizeof(dir))
		return;
	memcpy(dir, path, len);
	dir[len] = '\0';
	if (mkdir(dir, 0750) == 0 && lchown(dir, owner, group))
		log_warning("event log: %s cannot be given to its user: %s", dir, strerror(errno));
}

/* Is it a plain file that nobody but root or the clerk can have put there? */
static int check_file(int fd, uid_t owner, gid_t group)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || (st.st_uid != 0 && st.st_uid != owner))
		return -EPERM;
	return fchown(fd, owner, group) ? -errno : 0;
}

int event_log_create(const char *path, uid_t owner, gid_t group)
{
	int fd, err;

	make_directory(path, owner, group);
	fd = open(path, OPEN_FLAGS | O_CREAT, EVENT_LOG_MODE);
	if (fd < 0) {
		err = -errno;
		log_error("event log %s: %s", path, strerror(errno));
		return err;
	}
	err = check_file(fd, owner, group);
	if (err) {
		log_error("event log %s: expected a plain file of root or of clerk_user with one "
			  "name: %s", path, strerror(-err));
		close(fd);
		return err;
	}
	return fd;
}

void event_log_reopen(struct event_log *log)
{
	int fd;

	if (!*log->path)
		return;
	fd = open(log->path, OPEN_FLAGS | O_CREAT, EVENT_LOG_MODE);
	if (fd < 0) {
		if (!log->failing)
			log_warning("event log %s cannot be opened again, goes on with the old "
				    "file: %s", log->path, strerror(errno));
		return;
	}
	if (log->fd >= 0)
		close(log->fd);
	log->fd = fd;
}

/* Whole or not at all: what a full disk cut short is taken back. Returns 0 or -errno. */
static int append(int fd, const char *record, size_t len)
{
	ssize_t done = write(fd, record, len);
	struct stat st;

	if (done == (ssize_t)len)
		return 0;
	if (done < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_size >= done && ftruncate(fd, st.st_size - done) == 0)
		return -ENOSPC;
	return -EIO;
}

static void note_failure(struct event_log *log, int err)
{
	if (!log->failing)
		log_error("event log %s: %s; records are dropped until it can be written again",
			  log->path, strerror(-err));
	log->failing = true;
	log->dropped++;
	log->dropped_now++;
}

static void note_success(struct event_log *log)
{
	if (log->failing)
		log_info("event log %s is written again; %llu records were dropped", log->path,
			 (unsigned long long)log->dropped_now);
	log->failing = false;
	log->dropped_now = 0;
}

bool event_log_write(struct event_log *log, const char *record, size_t len)
{
	uint64_t now = clock_boot();
	int err = -EBADF;

	if (!*log->path)
		return true;
	if (log->fd < 0 && now >= log->retry) {
		log->retry = now + NS_PER_SEC;
		event_log_reopen(log);
	}
	if (log->fd >= 0)
		err = append(log->fd, record, len);
	if (err) {
		note_failure(log, err);
		return false;
	}
	note_success(log);
	return true;
}
