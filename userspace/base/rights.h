/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Giving up rights, in one visible call: root directory, groups, user,
 * capabilities, and the ways back to any of them.
 */
#ifndef BASE_RIGHTS_H
#define BASE_RIGHTS_H

#include <stddef.h>
#include <sys/capability.h>
#include <sys/types.h>

/* What remains. */
struct rights {
	const char		*user;		/* becomes this user and his group */
	const cap_value_t	*keep;		/* capabilities kept, permitted and effective */
	size_t			keep_count;
	const char		*root;		/* becomes the root directory; NULL = none */
};

/*
 * Numbers of @user. Returns 0; or -ENOENT after an error in the log that names
 * the user and how to make it; -errno.
 */
int rights_user(const char *user, uid_t *uid, gid_t *gid);

/*
 * Keep what @r says and give up the rest for good: supplementary groups, all
 * other capabilities of every set (bounding, inheritable and ambient are left
 * empty), new rights by execve(), core dumps and being traced. Afterwards all
 * of it is read back and compared. For a process of one thread.
 *
 * Returns 0, or -errno after an error in the log; the process is then between
 * two states and must end.
 */
int rights_drop(const struct rights *r);

#endif
