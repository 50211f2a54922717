// SPDX-License-Identifier: GPL-2.0
/* base/rights.c: what is left in a child that gave up its rights. Needs root. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rights.h"

static const cap_value_t raw_only[] = { CAP_NET_RAW };

/* Run @body in a child; its exit status, 255 when it was killed. */
static int in_child(int (*body)(const void *arg), const void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		log_init("test", LOG_LEVEL_PANIC);
		_exit(body(arg));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void need_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
}

static int drop_status(const void *arg)
{
	return -rights_drop(arg);
}

/* Value of a line of /proc/self/status, opened before the root changed. */
static unsigned long long status_hex(FILE *status, const char *key)
{
	char line[256];
	unsigned long long value = ~0ULL;

	rewind(status);
	while (fgets(line, sizeof(line), status))
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoull(line + strlen(key), NULL, 16);
	return value;
}

static int sets_are(const void *arg)
{
	static const char *const empty[] = { "CapInh:", "CapBnd:", "CapAmb:" };
	const struct rights *r = arg;
	FILE *status = fopen("/proc/self/status", "r");
	unsigned long long want = 0;

	for (size_t i = 0; i < r->keep_count; i++)
		want |= 1ULL << r->keep[i];
	if (rights_drop(r))
		return 1;
	for (size_t i = 0; i < 3; i++)
		if (status_hex(status, empty[i]) != 0)
			return 2;
	if (status_hex(status, "CapPrm:") != want || status_hex(status, "CapEff:") != want)
		return 3;
	if (status_hex(status, "NoNewPrivs:") != 1 || getgroups(0, NULL) != 0)
		return 4;
	return prctl(PR_GET_DUMPABLE) ? 5 : 0;
}

Test(control_rights, sets)
{
	const struct rights with = { "postern-inspector", raw_only, 1, NULL };
	const struct rights without = { "postern-clerk", NULL, 0, NULL };

	need_root();
	cr_expect_eq(in_child(sets_are, &with), 0);
	cr_expect_eq(in_child(sets_are, &without), 0);
}

static int no_way_back(const void *arg)
{
	if (rights_drop(arg))
		return 1;
	if (setuid(0) == 0 || setgid(0) == 0 || setgroups(0, NULL) == 0)
		return 2;
	if (chroot("/") == 0 || open("/etc/shadow", O_RDONLY) >= 0)
		return 3;
	return 0;
}

Test(control_rights, no_way_back)
{
	const struct rights r = { "postern-clerk", NULL, 0, NULL };

	need_root();
	cr_expect_eq(in_child(no_way_back, &r), 0);
}

static int root_is_empty(const void *arg)
{
	if (rights_drop(arg))
		return 1;
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != ENOENT)
		return 2;
	return open("/new", O_WRONLY | O_CREAT, 0600) >= 0 ? 3 : 0;
}

Test(control_rights, root_directory)
{
	char dir[] = "/tmp/postern-rights-XXXXXX";
	struct rights r = { "postern-inspector", raw_only, 1, dir };

	need_root();
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chmod(dir, 0755), 0);
	cr_expect_eq(in_child(root_is_empty, &r), 0);
	rmdir(dir);
	cr_expect_eq(in_child(drop_status, &r), ENOENT, "a root that is not there");
}

static int kept_right_works(const void *arg)
{
	const struct rights none = { "postern-inspector", NULL, 0, NULL };

	if (rights_drop(arg) || socket(AF_INET, SOCK_RAW, 255) < 0)
		return 1;
	/* A second drop from there, as the keeper's children do. */
	if (rights_drop(&none) != -EPERM)
		return 2;
	return 0;
}

Test(control_rights, kept_right_works)
{
	const struct rights r = { "postern-inspector", raw_only, 1, NULL };

	need_root();
	cr_expect_eq(in_child(kept_right_works, &r), 0);
}

static int from_keeper_to_child(const void *arg)
{
	static const cap_value_t keeper[] = { CAP_SETUID, CAP_SETGID, CAP_NET_RAW, CAP_KILL,
					      CAP_SYS_CHROOT };
	const struct rights first = { "postern", keeper, 5, NULL };

	return rights_drop(&first) ? 1 : sets_are(arg);
}

Test(control_rights, from_keeper_to_child)
{
	const struct rights inspector = { "postern-inspector", raw_only, 1, "/" };
	const struct rights clerk = { "postern-clerk", NULL, 0, NULL };

	need_root();
	cr_expect_eq(in_child(from_keeper_to_child, &inspector), 0);
	cr_expect_eq(in_child(from_keeper_to_child, &clerk), 0);
}

Test(control_rights, no_such_user)
{
	const struct rights r = { "postern-nobody-here", NULL, 0, NULL };
	uid_t uid;
	gid_t gid;

	log_init("test", LOG_LEVEL_PANIC);
	cr_expect_eq(rights_user("postern-nobody-here", &uid, &gid), -ENOENT);
	cr_expect_eq(in_child(drop_status, &r), ENOENT);
}

static int as_nobody(const void *arg)
{
	return setresuid(65534, 65534, 65534) ? 1 : -rights_drop(arg);
}

Test(control_rights, without_root)
{
	const struct rights r = { "postern-clerk", NULL, 0, NULL };

	need_root();
	cr_expect_eq(in_child(as_nobody, &r), EPERM);
}
