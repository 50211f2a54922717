// SPDX-License-Identifier: GPL-2.0
/* control/event_log.c: whole records or none, on disks that fill up and come back. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "control/event_log.h"

static char dir[64], path[96];

static void init(void)
{
	log_init("test", LOG_LEVEL_PANIC);
	strcpy(dir, "/tmp/postern-log-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/events.json", dir);
}

static void fini(void)
{
	umount2(dir, MNT_DETACH);
	unlink(path);
	rmdir(dir);
}

TestSuite(control_event_log, .init = init, .fini = fini, .timeout = 20);

static int create(void)
{
	return event_log_create(path, getuid(), getgid());
}

static void put(struct event_log *log, const char *line, bool written)
{
	cr_expect_eq(event_log_write(log, line, strlen(line)), written, "%s", line);
}

static off_t size_of(const char *file)
{
	struct stat st;

	return stat(file, &st) ? -1 : st.st_size;
}

Test(control_event_log, appends)
{
	struct event_log log = { .path = path, .fd = create() };

	cr_assert_geq(log.fd, 0);
	put(&log, "{\"a\":1}\n", true);
	close(log.fd);
	log.fd = create();
	put(&log, "{\"b\":2}\n", true);
	cr_expect_eq(size_of(path), 16);
	cr_expect_eq(log.dropped, 0);
}

Test(control_event_log, off)
{
	struct event_log log = { .path = "", .fd = -1 };

	put(&log, "{}\n", true);
	event_log_reopen(&log);
	cr_expect_eq(log.fd, -1);
}

Test(control_event_log, makes_its_directory)
{
	char deep[128], file[192];
	int fd;

	snprintf(deep, sizeof(deep), "%s/new", dir);
	snprintf(file, sizeof(file), "%s/events.json", deep);
	fd = event_log_create(file, getuid(), getgid());
	cr_expect_geq(fd, 0);
	close(fd);
	unlink(file);
	rmdir(deep);
	snprintf(file, sizeof(file), "%s/no/such/events.json", dir);
	cr_expect_eq(event_log_create(file, getuid(), getgid()), -ENOENT);
}

/* The clerk may own the directory: what it could put there must not be opened by root. */
Test(control_event_log, refuses_what_is_not_a_plain_file)
{
	char other[96];

	snprintf(other, sizeof(other), "%s/other", dir);
	close(open(other, O_CREAT | O_WRONLY, 0600));
	cr_assert_eq(symlink(other, path), 0);
	cr_expect_eq(create(), -ELOOP);
	unlink(path);
	cr_assert_eq(link(other, path), 0);
	cr_expect_eq(create(), -EPERM, "two names");
	unlink(path);
	unlink(other);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(create(), -ENXIO);
	unlink(path);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(create(), -EISDIR);
	rmdir(path);
	if (geteuid() == 0) {
		close(open(path, O_CREAT | O_WRONLY, 0600));
		cr_assert_eq(chown(path, 65534, 65534), 0);
		cr_expect_eq(create(), -EPERM, "another user's file");
	}
}

Test(control_event_log, rotation)
{
	struct event_log log = { .path = path, .fd = create() };
	char old[128];

	snprintf(old, sizeof(old), "%s.1", path);
	put(&log, "{\"a\":1}\n", true);
	cr_assert_eq(rename(path, old), 0);
	put(&log, "{\"b\":2}\n", true);
	event_log_reopen(&log);
	put(&log, "{\"c\":3}\n", true);
	cr_expect_eq(size_of(old), 16);
	cr_expect_eq(size_of(path), 8);
	unlink(old);
}

/* A file system of our own with room for a few pages. */
static void small_disk(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("tmpfs", dir, "tmpfs", 0, "size=16k"), 0);
}

static size_t lines_of(const char *file, size_t each)
{
	static char text[65536];
	int fd = open(file, O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text));
	size_t lines = 0;

	close(fd);
	cr_assert_geq(len, 0);
	for (ssize_t at = 0; at < len; at += (ssize_t)each, lines++) {
		cr_assert_eq(text[at], '{', "record %zu is whole", lines);
		cr_assert_eq(text[at + (ssize_t)each - 1], '\n');
	}
	return lines;
}

Test(control_event_log, disk_full_and_back)
{
	struct event_log log = { .path = path };
	char record[301], ballast[96];
	unsigned int written = 0, failed = 0;
	int fd;

	small_disk();
	snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
	fd = open(ballast, O_CREAT | O_WRONLY, 0600);
	cr_assert_eq(write(fd, record, sizeof(record)), (ssize_t)sizeof(record));
	close(fd);
	log.fd = create();
	memset(record, 'x', 300);
	record[0] = '{';
	record[299] = '\n';
	for (int i = 0; i < 200; i++)
		if (event_log_write(&log, record, 300))
			written++;
		else
			failed++;
	cr_expect_gt(written, 10);
	cr_expect_gt(failed, 10);
	cr_expect_eq(log.dropped, failed);
	cr_expect(log.failing);
	cr_expect_eq(lines_of(path, 300), written, "no part of a record");
	unlink(ballast);
	cr_expect(event_log_write(&log, record, 300), "room again");
	cr_expect_not(log.failing);
	cr_expect_eq(log.dropped_now, 0);
	cr_expect_eq(log.dropped, failed);
	cr_expect_eq(lines_of(path, 300), written + 1);
}

Test(control_event_log, opens_when_it_can)
{
	char late[128], file[192];
	struct event_log log = { .path = file, .fd = -1 };

	snprintf(late, sizeof(late), "%s/late", dir);
	snprintf(file, sizeof(file), "%s/events.json", late);
	put(&log, "{\"a\":1}\n", false);
	cr_expect_eq(log.dropped, 1);
	cr_assert_eq(mkdir(late, 0700), 0);
	put(&log, "{\"b\":2}\n", false);	/* not before a second has passed */
	log.retry = 0;
	put(&log, "{\"c\":3}\n", true);
	cr_expect_eq(log.dropped, 2);
	cr_expect_eq(size_of(file), 8);
	unlink(file);
	rmdir(late);
}
