// SPDX-License-Identifier: GPL-2.0
/* Giving up rights. Each step is a row, so that the order can be read. */
#include "base/rights.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"

struct drop {
	const struct rights *rights;
	uid_t uid;
	gid_t gid;
	cap_t caps;		/* the sets that remain */
};

int rights_user(const char *user, uid_t *uid, gid_t *gid)
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	int err = getpwnam_r(user, &pw, buf, sizeof(buf), &found);

	if (found) {
		*uid = pw.pw_uid;
		*gid = pw.pw_gid;
		return 0;
	}
	if (err && err != ENOENT && err != ESRCH) {
		log_error("user %s cannot be looked up: %s", user, strerror(err));
		return -err;
	}
	log_error("user %s does not exist; make it with: useradd --system --user-group "
		  "--no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin %s",
		  user, user);
	return -ENOENT;
}

static int enter_root(const struct drop *d)
{
	if (!d->rights->root)
		return 0;
	return chroot(d->rights->root) || chdir("/") ? -errno : 0;
}

/* While the capability for it is still there. What is gone already needs none. */
static int empty_bounding_set(const struct drop *d)
{
	(void)d;
	for (int cap = 0; cap < cap_max_bits(); cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -errno;
	return 0;
}

static int change_groups(const struct drop *d)
{
	return setgroups(0, NULL) || setresgid(d->gid, d->gid, d->gid) ? -errno : 0;
}

static int change_user(const struct drop *d)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setresuid(d->uid, d->uid, d->uid) ||
	    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0))
		return -errno;
	return 0;
}

static int reduce_capabilities(const struct drop *d)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	return cap_set_proc(d->caps) ? -errno : 0;
}

static int close_ways_back(const struct drop *d)
{
	(void)d;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return 0;
}

static bool is_user(const struct drop *d)
{
	uid_t real, effective, saved;

	return !getresuid(&real, &effective, &saved) && real == d->uid && effective == d->uid &&
	       saved == d->uid;
}

static bool is_group(const struct drop *d)
{
	gid_t real, effective, saved;

	return !getresgid(&real, &effective, &saved) && real == d->gid && effective == d->gid &&
	       saved == d->gid && getgroups(0, NULL) == 0;
}

static bool has_capabilities(const struct drop *d)
{
	cap_t now = cap_get_proc();
	bool same = now && cap_compare(now, d->caps) == 0;

	for (int cap = 0; cap < cap_max_bits(); cap++)
		same = same && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1 &&
		       prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) != 1;
	cap_free(now);
	return same;
}

static int read_back(const struct drop *d)
{
	if (is_user(d) && is_group(d) && has_capabilities(d) &&
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)
		return 0;
	return -ENOTRECOVERABLE;
}

static const struct {
	const char *what;
	int (*step)(const struct drop *d);
} steps[] = {
	{ "change the root directory", enter_root },
	{ "empty the bounding set", empty_bounding_set },
	{ "change the group", change_groups },
	{ "change the user", change_user },
	{ "reduce the capabilities", reduce_capabilities },
	{ "close the ways back", close_ways_back },
	{ "find the rights given up", read_back },
};

/* Permitted and effective as kept, inheritable empty. NULL when memory is short. */
static cap_t kept_sets(const struct rights *r)
{
	cap_t caps = cap_init();
	int count = (int)r->keep_count;

	if (caps && count && (cap_set_flag(caps, CAP_PERMITTED, count, r->keep, CAP_SET) ||
			      cap_set_flag(caps, CAP_EFFECTIVE, count, r->keep, CAP_SET))) {
		cap_free(caps);
		caps = NULL;
	}
	return caps;
}

int rights_drop(const struct rights *r)
{
	struct drop d = { .rights = r };
	int err = rights_user(r->user, &d.uid, &d.gid);

	if (err)
		return err;
	d.caps = kept_sets(r);
	if (!d.caps)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !err; i++) {
		err = steps[i].step(&d);
		if (err)
			log_error("rights of user %s: cannot %s: %s", r->user, steps[i].what,
				  strerror(-err));
	}
	cap_free(d.caps);
	return err;
}
