// SPDX-License-Identifier: GPL-2.0
/*
 * The lock, the BPF file system, and paths in it. Knows nothing of what is
 * pinned. Runs as root, in up, down, check and open.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "steering/pins.h"

#define LOCK_WAIT	(20 * NS_PER_SEC)	/* a busy router may take some for each `up` */
#define LOCK_PAUSE	(20 * NS_PER_MS)
#define MOUNT_SOURCE	"postern"	/* marks a mount of our making */

void pins_init(struct pins *p, const struct conf *conf)
{
	memset(p, 0, sizeof(*p));
	p->lock = -1;
	/* The table of parameters bounds run_dir to 80 octets. */
	snprintf(p->run, sizeof(p->run), "%.100s", conf->run_dir);
	snprintf(p->bpf, sizeof(p->bpf), "%.100s/bpf", p->run);
	snprintf(p->dir, sizeof(p->dir), "%.110s/v%d", p->bpf, POSTERN_ABI);
	snprintf(p->lock_path, sizeof(p->lock_path), "%.100s/steering.lock", p->run);
}

char *pins_path(const struct pins *p, const char *name, int index, char *path)
{
	int size = snprintf(path, PINS_PATH, "%.120s/%.40s", p->dir, name);

	if (index >= 0)
		snprintf(path + size, PINS_PATH - (size_t)size, "-%d", index);
	return path;
}

/* ---- the lock ---- */

/* Is the locked file still the one that the name leads to? */
static bool lock_stands(const struct pins *p)
{
	struct stat held, named;

	return !fstat(p->lock, &held) && !stat(p->lock_path, &named) &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

/* Once; -EAGAIN when somebody holds it or took its file away meanwhile. */
static int lock_try(struct pins *p)
{
	p->lock = open(p->lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (p->lock < 0)
		return -errno;
	if (!flock(p->lock, LOCK_EX | LOCK_NB) && lock_stands(p))
		return 0;
	close(p->lock);
	p->lock = -1;
	return -EAGAIN;
}

int pins_lock(struct pins *p)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE };
	uint64_t end = clock_boot() + LOCK_WAIT;
	int err;

	if (mkdir(p->run, 0755) && errno != EEXIST)
		return -errno;
	while ((err = lock_try(p)) == -EAGAIN && clock_boot() < end)
		nanosleep(&pause, NULL);
	return err == -EAGAIN ? -EBUSY : err;
}

void pins_unlock(struct pins *p, bool remove)
{
	if (p->lock < 0)
		return;
	if (remove)
		unlink(p->lock_path);
	close(p->lock);
	p->lock = -1;
	if (remove)
		rmdir(p->run);
}

/* ---- the file system ---- */

enum pins_mount pins_mounted(const struct pins *p)
{
	struct statfs fs;

	if (statfs(p->bpf, &fs) || fs.f_type != BPF_FS_MAGIC)
		return PINS_NOTHING;
	return fs.f_flags & ST_RDONLY ? PINS_READ_ONLY : PINS_WRITABLE;
}

bool pins_exist(const struct pins *p)
{
	errno = 0;
	return pins_mounted(p) != PINS_NOTHING && !access(p->dir, F_OK);
}

/* "v" and a number, but not ours. */
static bool is_other_layout(const char *name)
{
	size_t digits = strspn(name + 1, "0123456789");

	return name[0] == 'v' && digits && !name[1 + digits] &&
	       strtoul(name + 1, NULL, 10) != POSTERN_ABI;
}

bool pins_other_layout(const struct pins *p, char *path)
{
	struct dirent *entry;
	bool other = false;
	DIR *dir;

	if (pins_mounted(p) == PINS_NOTHING)
		return false;
	dir = opendir(p->bpf);
	while (dir && !other && (entry = readdir(dir))) {
		other = is_other_layout(entry->d_name);
		if (other)
			snprintf(path, PINS_PATH, "%.100s/%.40s", p->bpf, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return other;
}

static int mount_bpf(struct pins *p)
{
	bool made = !mkdir(p->bpf, 0700);
	int err = made || errno == EEXIST ? 0 : -errno;

	if (!err && mount(MOUNT_SOURCE, p->bpf, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			  "mode=0700"))
		err = -errno;
	p->made_mount = !err;
	if (err && made)
		rmdir(p->bpf);
	return err;
}

int pins_make(struct pins *p)
{
	int err = pins_mounted(p) == PINS_NOTHING ? mount_bpf(p) : 0;

	if (err)
		return err;
	p->made_dir = !mkdir(p->dir, 0700);
	return p->made_dir || errno == EEXIST ? 0 : -errno;
}

/* Is the mount at our place of Postern's own making, now or earlier? */
static bool mount_is_ours(const struct pins *p)
{
	char *line = NULL, *place, *source, real[PATH_MAX];
	size_t size = 0;
	bool ours = false;
	FILE *f;

	if (!realpath(p->bpf, real))
		return false;
	f = fopen("/proc/self/mountinfo", "re");

	/* id parent dev root PLACE options fields... - type SOURCE options */
	while (f && getline(&line, &size, f) > 0) {
		source = strstr(line, " - bpf " MOUNT_SOURCE " ");
		place = strstr(line, real);
		if (source && place && place[-1] == ' ' && place[strlen(real)] == ' ')
			ours = true;
	}
	free(line);
	if (f)
		fclose(f);
	return ours;
}

static int unmount(struct pins *p)
{
	if (umount2(p->bpf, MNT_DETACH | UMOUNT_NOFOLLOW) && errno != EINVAL)
		return -errno;
	return rmdir(p->bpf) && errno != ENOENT ? -errno : 0;
}

int pins_remove(struct pins *p)
{
	if (pins_mounted(p) == PINS_NOTHING)	/* a killed run may leave the bare place */
		return rmdir(p->bpf) && errno != ENOENT && errno != ENOTEMPTY ? -errno : 0;
	if (rmdir(p->dir) && errno != ENOENT)
		return -errno;
	return mount_is_ours(p) ? unmount(p) : 0;
}

void pins_undo(struct pins *p)
{
	if (p->made_dir)
		rmdir(p->dir);
	if (p->made_mount)
		unmount(p);
	p->made_dir = p->made_mount = false;
}

int pins_each(const struct pins *p, const char *kind,
	      int (*each)(void *arg, int index, const char *path), void *arg)
{
	size_t length = strlen(kind);
	char path[PINS_PATH];
	struct dirent *entry;
	DIR *dir;
	int err = 0;

	dir = opendir(p->dir);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (entry = readdir(dir))) {
		int index;

		if (strncmp(entry->d_name, kind, length) || entry->d_name[length] != '-')
			continue;
		index = atoi(entry->d_name + length + 1);
		err = each(arg, index, pins_path(p, kind, index, path));
	}
	closedir(dir);
	return err;
}
