// SPDX-License-Identifier: GPL-2.0
/* A state store in a directory of the test's own. */
#include "state_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"

char fixture_dir[64];

void fixture_make_dir(void)
{
	if (*fixture_dir)
		return;
	/* In memory: the tests write thousands of times with fsync. */
	strcpy(fixture_dir, access("/dev/shm", W_OK) ? "/tmp/state-XXXXXX" :
						       "/dev/shm/state-XXXXXX");
	cr_assert_not_null(mkdtemp(fixture_dir));
}

struct state *fixture_open(void)
{
	struct state *s = NULL;
	char err[512] = "";

	fixture_make_dir();
	cr_assert_eq(state_open(fixture_dir, &s, err, sizeof(err)), 0, "%s", err);
	return s;
}

char *fixture_file(char *path, size_t size)
{
	snprintf(path, size, "%s/" STATE_FILE, fixture_dir);
	return path;
}

void fixture_remove(void)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/" STATE_FILE "%s", fixture_dir, names[i]);
		unlink(path);
	}
	rmdir(fixture_dir);
	*fixture_dir = '\0';
}

void fixture_close(struct state *s)
{
	state_close(s);
	fixture_remove();
}

struct postern_prefix fixture_prefix(const char *text)
{
	struct postern_prefix prefix;

	cr_assert_eq(prefix_parse(text, &prefix), 0, "%s", text);
	return prefix;
}

struct state_treatment fixture_line(const char *addr, enum postern_treatment treatment)
{
	return (struct state_treatment){ .scope = STATE_LINE, .prefix = fixture_prefix(addr),
		.treatment = treatment, .since = 17, .who = "root", .why = "because" };
}

bool fixture_same(const struct state_treatment *a, const struct state_treatment *b)
{
	return a->scope == b->scope && a->prefix.prefix_len == b->prefix.prefix_len &&
	       addr_equal(&a->prefix.addr, &b->prefix.addr) && a->subscriber == b->subscriber &&
	       a->treatment == b->treatment && a->since == b->since && a->until == b->until &&
	       strcmp(a->who, b->who) == 0 && strcmp(a->why, b->why) == 0;
}

static int count(void *arg, const struct state_treatment *t)
{
	(void)t;
	++*(int *)arg;
	return 0;
}

int fixture_treatments(struct state *s)
{
	int found = 0;

	return state_treatment_each(s, count, &found) ? -1 : found;
}
