// SPDX-License-Identifier: GPL-2.0
/*
 * The keeper's start, a checklist to be read from top to bottom, and what each
 * child does before its work: close what is not its own, give up its rights.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rights.h"
#include "control/clerk.h"
#include "control/event_log.h"
#include "control/keeper_private.h"
#include "control/server.h"

#define RECORD_BUFFER	(4 * 1024 * 1024)	/* octets between inspector and clerk */

static int need_root(struct keeper *k)
{
	(void)k;
	if (geteuid() == 0)
		return 0;
	log_error("must be started as root; it gives up its rights by itself");
	return -EPERM;
}

/* Descriptors that whoever started us forgot. */
static int close_inherited(struct keeper *k)
{
	(void)k;
	return close_range(STDERR_FILENO + 1, ~0U, 0) ? -errno : 0;
}

static int find_users(struct keeper *k)
{
	uid_t uid;
	gid_t gid;
	int err = rights_user(k->conf->keeper_user, &uid, &gid);

	if (!err)
		err = rights_user(k->conf->inspector_user, &uid, &gid);
	if (!err)
		err = rights_user(k->conf->clerk_user, &k->clerk_uid, &k->clerk_gid);
	return err;
}

static int open_steering(struct keeper *k)
{
	int err = steering_open(k->conf, &k->steering);

	if (err == -ENOENT)
		log_error("steering is not loaded; run `postern up` first");
	else if (err == -EPROTO)
		log_error("steering of another release is loaded; run `postern down`, then "
			  "`postern up`");
	else if (err)
		log_error("steering cannot be opened: %s", strerror(-err));
	if (err)
		return err;
	k->tally = steering_tallies(k->steering, POSTERN_KEEPER_ROW);
	return 0;
}

/* A directory that other users can pass through and not write to. */
static int make_directory(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) && errno != EEXIST) {
		int err = -errno;

		log_error("directory %s cannot be made: %s", path, strerror(-err));
		return err;
	}
	if (lstat(path, &st) || !S_ISDIR(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & 0022) || !(st.st_mode & 0001)) {
		log_error("%s: expected a directory of root with mode %04o", path, mode);
		return -EPERM;
	}
	return 0;
}

static int make_directories(struct keeper *k)
{
	int err;

	umask(022);
	snprintf(k->root, sizeof(k->root), "%s/empty", k->conf->run_dir);
	err = make_directory(k->conf->run_dir, 0755);
	return err ? err : make_directory(k->root, 0555);
}

/* Also keeps a second keeper away: the lock lasts as long as a process of ours does. */
static int lock_pid_file(struct keeper *k)
{
	char path[PATH_MAX], text[16] = "";
	int len;

	snprintf(path, sizeof(path), "%s/posternd.pid", k->conf->run_dir);
	k->pid_file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (k->pid_file >= 0 && flock(k->pid_file, LOCK_EX | LOCK_NB) == 0) {
		len = snprintf(text, sizeof(text), "%d\n", (int)k->pid);
		if (ftruncate(k->pid_file, 0) == 0 &&
		    write(k->pid_file, text, (size_t)len) == len)
			return 0;
	}
	if (k->pid_file >= 0 && errno == EWOULDBLOCK) {
		if (read(k->pid_file, text, sizeof(text) - 1) > 0)
			text[strcspn(text, "\n")] = '\0';
		log_error("posternd runs already, process %s", text);
		return -EEXIST;
	}
	log_error("%s: %s", path, strerror(errno));
	return -errno;
}

/* A disk that is full now may have room later: the clerk tries again. */
static int open_event_log(struct keeper *k)
{
	k->event_log = -1;
	if (!*k->conf->event_log)
		return 0;
	k->event_log = event_log_create(k->conf->event_log, k->clerk_uid, k->clerk_gid);
	switch (k->event_log) {
	case -ENOSPC:
	case -EDQUOT:
	case -EROFS:
	case -EIO:
		k->event_log = -1;
		return 0;
	default:
		return k->event_log < 0 ? k->event_log : 0;
	}
}

static int open_control(struct keeper *k)
{
	k->control = server_listen(k->conf->run_dir);
	return k->control < 0 ? k->control : 0;
}

/* Big enough for the records of a second or two in which the clerk is started again. */
static int open_records(struct keeper *k)
{
	int size = RECORD_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, k->records))
		return -errno;
	if (setsockopt(k->records[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		log_warning("buffer of event records: %s", strerror(errno));
	return 0;
}

static int share_page(struct keeper *k)
{
	k->page = mmap(NULL, sizeof(*k->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (k->page == MAP_FAILED)
		return -errno;
	k->page->started = clock_boot();
	k->page->keeper = k->pid;
	return 0;
}

static int find_hostname(struct keeper *k)
{
	const char *name = k->conf->hostname;

	if (*name)
		snprintf(k->hostname, sizeof(k->hostname), "%s", name);
	else if (gethostname(k->hostname, sizeof(k->hostname) - 1) || !*k->hostname)
		snprintf(k->hostname, sizeof(k->hostname), "localhost");
	return 0;
}

/*
 * No core file can hold mail. As many descriptors as sessions need, if that is
 * allowed; the inspector says what its limit is good for.
 */
static int set_limits(struct keeper *k)
{
	rlim_t want = (rlim_t)k->conf->max_sessions * 2 + 1024;
	struct rlimit none = { 0, 0 }, files;

	if (setrlimit(RLIMIT_CORE, &none) || getrlimit(RLIMIT_NOFILE, &files))
		return -errno;
	if (files.rlim_max < want) {
		files.rlim_max = want;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return 0;
}

static int take_signals(struct keeper *k)
{
	static const int numbers[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&set, numbers[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return k->signals < 0 ? -errno : 0;
}

/* What starting the inspector again needs, and nothing else. */
static const cap_value_t keeper_keeps[] = {
	CAP_SETUID, CAP_SETGID,	/* another user */
	CAP_NET_RAW,		/* which the inspector keeps */
	CAP_SYS_CHROOT,
	CAP_KILL,		/* children of another user, also by our own death */
};
static const cap_value_t inspector_keeps[] = { CAP_NET_RAW };

static int give_up_rights(struct keeper *k)
{
	const struct rights rights = { k->conf->keeper_user, keeper_keeps,
				       sizeof(keeper_keeps) / sizeof(keeper_keeps[0]), NULL };

	tzset();	/* reads its file now; the inspector has none */
	return rights_drop(&rights);
}

static const struct {
	const char *what;
	int (*step)(struct keeper *k);
} checklist[] = {
	{ "be root",			need_root },
	{ "close what it inherited",	close_inherited },
	{ "find the users",		find_users },
	{ "open steering",		open_steering },
	{ "make its directories",	make_directories },
	{ "lock the pid file",		lock_pid_file },
	{ "open the event log",		open_event_log },
	{ "open the control socket",	open_control },
	{ "open the record socket",	open_records },
	{ "share a page",		share_page },
	{ "find its host's name",	find_hostname },
	{ "set limits",			set_limits },
	{ "take signals",		take_signals },
	{ "give up rights",		give_up_rights },
};

int keeper_start(struct keeper *k)
{
	int err;

	for (size_t i = 0; i < sizeof(checklist) / sizeof(checklist[0]); i++) {
		err = checklist[i].step(k);
		if (err) {
			log_error("cannot start: cannot %s", checklist[i].what);
			return err;
		}
	}
	return 0;
}

/* In a child: close what is not its own, give up rights, end with the keeper. */
static int become(const struct keeper *k, const char *name, const struct rights *rights,
		  const int *close_fds, size_t count)
{
	int err;

	log_init(name, k->args->level);
	for (size_t i = 0; i < count; i++)
		if (close_fds[i] >= 0)
			close(close_fds[i]);
	err = rights_drop(rights);
	if (!err)
		err = child_end_with(k->pid);
	return err;
}

int keeper_inspector(void *arg)
{
	const struct keeper *k = arg;
	const struct rights rights = { k->conf->inspector_user, inspector_keeps, 1, k->root };
	const int not_ours[] = { k->pid_file, k->signals, k->control, k->event_log, k->records[0] };

	if (become(k, "inspector", &rights, not_ours, sizeof(not_ours) / sizeof(not_ours[0])))
		return 1;
	return k->args->inspector(k->conf, k->steering, k->records[1], k->hostname);
}

int keeper_clerk(void *arg)
{
	const struct keeper *k = arg;
	const struct rights rights = { .user = k->conf->clerk_user };
	const int not_ours[] = { k->pid_file, k->signals, k->records[1] };
	const struct clerk_args args = {
		.conf = k->conf,
		.steering = k->steering,
		.page = k->page,
		.record_fd = k->records[0],
		.control_fd = k->control,
		.log_fd = k->event_log,
	};

	if (become(k, "clerk", &rights, not_ours, sizeof(not_ours) / sizeof(not_ours[0])))
		return 1;
	return clerk_run(&args);
}
