// SPDX-License-Identifier: GPL-2.0
/* state/: rows outlive the process, writers take turns, transactions are whole. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state_fixture.h"

Test(state, rows_outlive_the_handle)
{
	struct state *s = fixture_open();
	struct state_treatment t = fixture_line("10.64.0.5", POSTERN_EXEMPT), got;
	struct postern_prefix line = t.prefix;
	char name[STATE_NAME];
	uint64_t id, found;

	cr_assert(state_is_new(s));
	cr_assert_eq(state_subscriber_make(s, "alice", &id), 0);
	cr_assert_eq(state_line_set(s, &line, id), 0);
	t.until = 12345;
	cr_assert_eq(state_treatment_set(s, &t), 0);
	state_close(s);
	s = fixture_open();
	cr_assert_not(state_is_new(s));
	cr_assert_eq(state_subscriber_find(s, "alice", &found), 0);
	cr_assert_eq(found, id);
	cr_assert_eq(state_subscriber_name(s, id, name), 0);
	cr_assert_str_eq(name, "alice");
	cr_assert_eq(state_line_get(s, &line, &found), 0);
	cr_assert_eq(found, id);
	cr_assert_eq(state_treatment_get(s, &t, &got), 0);
	cr_assert(fixture_same(&got, &t));
	cr_assert_eq(state_check(s), 0);
	fixture_close(s);
}

static int keep_pool(void *arg, const struct state_pool *pool)
{
	*(struct state_pool *)arg = *pool;
	return 7;
}

static int keep_destination(void *arg, const struct state_destination *d)
{
	*(struct state_destination *)arg = *d;
	return 0;
}

Test(state, pools_and_destinations)
{
	struct state *s = fixture_open();
	struct state_pool pool = { .prefix = fixture_prefix("2001:db8:64::/48"),
		.treatment = POSTERN_STEER, .class_name = "pilot", .line_len = 56,
		.rollout = 25, .flags = POSTERN_POOL_BLOCK_INBOUND }, got = { 0 };
	struct state_destination d = { .prefix = fixture_prefix("192.0.2.0/24"),
		.rule = POSTERN_DEST_CLASS, .class_name = "pilot" }, found = { 0 };

	cr_assert_eq(state_pool_set(s, &pool), 0);
	cr_assert_eq(state_destination_set(s, &d), 0);
	cr_assert_eq(state_pool_each(s, keep_pool, &got), 7, "the walk's own answer");
	cr_assert_eq(memcmp(&got.prefix, &pool.prefix, sizeof(pool.prefix)), 0);
	cr_assert_eq(got.treatment, pool.treatment);
	cr_assert_str_eq(got.class_name, "pilot");
	cr_assert_eq(got.line_len, 56);
	cr_assert_eq(got.rollout, 25);
	cr_assert_eq(got.flags, pool.flags);
	cr_assert_eq(state_destination_each(s, keep_destination, &found), 0);
	cr_assert_eq(found.rule, POSTERN_DEST_CLASS);
	cr_assert_str_eq(found.class_name, "pilot");
	cr_assert_eq(state_pool_del(s, &pool.prefix), 0);
	cr_assert_eq(state_pool_del(s, &pool.prefix), -ENOENT);
	cr_assert_eq(state_destination_del(s, &d.prefix), 0);
	cr_assert_eq(state_destination_del(s, &d.prefix), -ENOENT);
	fixture_close(s);
}

/* The same address as a line and as a prefix, and a subscriber, are three things. */
Test(state, scopes_do_not_meet)
{
	struct state *s = fixture_open();
	struct state_treatment line = fixture_line("10.64.0.5", POSTERN_EXEMPT);
	struct state_treatment prefix = line, his = line, got;
	uint64_t id;

	cr_assert_eq(state_subscriber_make(s, "alice", &id), 0);
	prefix.scope = STATE_PREFIX;
	prefix.treatment = POSTERN_REFUSE;
	his.scope = STATE_SUBSCRIBER;
	his.subscriber = id;
	cr_assert_eq(state_treatment_set(s, &line), 0);
	cr_assert_eq(state_treatment_set(s, &prefix), 0);
	cr_assert_eq(state_treatment_get(s, &his, &got), -ENOENT);
	cr_assert_eq(state_treatment_get(s, &line, &got), 0);
	cr_assert_eq(got.treatment, POSTERN_EXEMPT);
	cr_assert_eq(state_treatment_del(s, &line), 0);
	cr_assert_eq(state_treatment_get(s, &prefix, &got), 0);
	cr_assert_eq(got.treatment, POSTERN_REFUSE);
	fixture_close(s);
}

Test(state, a_treatment_takes_the_place_of_the_last)
{
	struct state *s = fixture_open();
	struct state_treatment t = fixture_line("10.64.0.5", POSTERN_EXEMPT), got;

	cr_assert_eq(state_treatment_set(s, &t), 0);
	t.treatment = POSTERN_REFUSE;
	cr_assert_eq(state_treatment_set(s, &t), 0);
	cr_assert_eq(fixture_treatments(s), 1);
	cr_assert_eq(state_treatment_get(s, &t, &got), 0);
	cr_assert_eq(got.treatment, POSTERN_REFUSE);
	fixture_close(s);
}

Test(state, forget_takes_only_what_ended)
{
	struct state *s = fixture_open();
	struct state_treatment t = fixture_line("10.64.0.5", POSTERN_EXEMPT);

	cr_assert_eq(state_treatment_set(s, &t), 0);	/* no end */
	t = fixture_line("10.64.0.6", POSTERN_EXEMPT);
	t.until = 1000;
	cr_assert_eq(state_treatment_set(s, &t), 0);
	cr_assert_eq(state_forget(s, 1000), 0);
	cr_assert_eq(fixture_treatments(s), 2);
	cr_assert_eq(state_forget(s, 1001), 0);
	cr_assert_eq(fixture_treatments(s), 1);
	fixture_close(s);
}

Test(state, hostile_names_come_back_as_they_went)
{
	static const char *const names[] = {
		"x'; DROP TABLE lines; --", "\x1b[31m", "a\r\nb", "\xff\xfe", "'\"\\",
	};
	struct state *s = fixture_open();
	char name[STATE_NAME], long_name[STATE_NAME];
	uint64_t id;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cr_assert_eq(state_subscriber_make(s, names[i], &id), 0, "name %zu", i);
		cr_assert_eq(state_subscriber_name(s, id, name), 0, "name %zu", i);
		cr_assert_str_eq(name, names[i]);
	}
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	cr_assert_eq(state_subscriber_make(s, long_name, &id), 0);
	cr_assert_eq(state_subscriber_name(s, id, name), 0);
	cr_assert_str_eq(name, long_name);
	cr_assert_eq(state_subscriber_make(s, "\xff\xfe", &id), -EEXIST);
	fixture_close(s);
}

Test(state, rollback_leaves_nothing)
{
	struct state *s = fixture_open();
	struct state_treatment t = fixture_line("10.64.0.5", POSTERN_EXEMPT);

	cr_assert_eq(state_begin(s), 0);
	cr_assert_eq(state_treatment_set(s, &t), 0);
	cr_assert_eq(state_audit(s, "me", "something"), 0);
	state_rollback(s);
	state_rollback(s);
	cr_assert_eq(fixture_treatments(s), 0);
	fixture_close(s);
}

/* Run @child in @count processes at once; all must succeed. */
static void in_processes(int count, void (*child)(int number))
{
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		cr_assert_geq(pid, 0);
		if (!pid) {
			child(i);
			_exit(0);
		}
	}
	for (int i = 0; i < count; i++) {
		int status;

		cr_assert_gt(wait(&status), 0);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
			  "a process ended with %x", status);
	}
}

#define WRITERS		4
#define WRITES		40

static void write_lines(int number)
{
	struct state *s;
	char err[256], name[32];
	uint64_t id;

	if (state_open(fixture_dir, &s, err, sizeof(err)))
		_exit(1);
	for (int i = 0; i < WRITES; i++) {
		struct postern_prefix line = fixture_prefix("10.64.0.0");

		line.addr.octet[14] = (unsigned char)number;
		line.addr.octet[15] = (unsigned char)i;
		snprintf(name, sizeof(name), "subscriber %d of %d", i, number);
		if (state_begin(s) || state_subscriber_make(s, name, &id) ||
		    state_line_set(s, &line, id) || state_commit(s))
			_exit(2);
	}
	state_close(s);
}

static int count_line(void *arg, const struct postern_prefix *line, uint64_t subscriber)
{
	cr_assert_eq(line->prefix_len, 128);
	cr_assert_neq(subscriber, 0);
	++*(int *)arg;
	return 0;
}

static int count_subscriber(void *arg, uint64_t id, const char *name)
{
	uint64_t *last = arg;

	cr_assert_gt(id, *last, "%s", name);
	*last = id;
	return 0;
}

/* Also the first opening at once: the schema is made by one of them. */
Test(state, writers_take_turns)
{
	struct state *s;
	uint64_t last = 0;
	int lines = 0;

	fixture_make_dir();
	in_processes(WRITERS, write_lines);
	s = fixture_open();
	cr_assert_eq(state_line_each(s, 0, count_line, &lines), 0);
	cr_assert_eq(lines, WRITERS * WRITES);
	cr_assert_eq(state_subscriber_each(s, count_subscriber, &last), 0);
	cr_assert_eq(last, WRITERS * WRITES, "ids are given out once each");
	cr_assert_eq(state_check(s), 0);
	fixture_close(s);
}

static void die_within(int number)
{
	struct state_treatment t = fixture_line("10.64.0.5", POSTERN_EXEMPT);
	struct state *s;
	char err[256];

	(void)number;
	if (state_open(fixture_dir, &s, err, sizeof(err)) || state_begin(s) ||
	    state_treatment_set(s, &t))
		_exit(1);
	_exit(0);	/* without a commit, without closing */
}

Test(state, a_writer_that_died_left_nothing)
{
	struct state *s = fixture_open();
	struct state_treatment t = fixture_line("10.64.0.6", POSTERN_EXEMPT);

	in_processes(1, die_within);
	cr_assert_eq(fixture_treatments(s), 0);
	cr_assert_eq(state_begin(s), 0);
	cr_assert_eq(state_treatment_set(s, &t), 0);
	cr_assert_eq(state_commit(s), 0);
	cr_assert_eq(fixture_treatments(s), 1);
	fixture_close(s);
}

static int open_error(char *err, size_t size)
{
	struct state *s = NULL;
	int rc = state_open(fixture_dir, &s, err, size);

	state_close(s);
	return rc;
}

Test(state, refuses_what_others_can_write_to)
{
	char err[512], path[128];

	fixture_make_dir();
	fixture_close(fixture_open());
	fixture_make_dir();
	fixture_file(path, sizeof(path));
	cr_assert_eq(open_error(err, sizeof(err)), 0);
	cr_assert_eq(chmod(fixture_dir, 0770), 0);
	cr_assert_eq(open_error(err, sizeof(err)), -EACCES);
	cr_assert(strstr(err, fixture_dir), "%s", err);
	cr_assert_eq(chmod(fixture_dir, 0700), 0);
	cr_assert_eq(chmod(path, 0606), 0);
	cr_assert_eq(open_error(err, sizeof(err)), -EACCES);
	cr_assert(strstr(err, path), "%s", err);
	fixture_remove();
}

Test(state, does_not_follow_a_link)
{
	char err[512], path[128];

	fixture_make_dir();
	cr_assert_eq(symlink("/dev/null", fixture_file(path, sizeof(path))), 0);
	cr_assert_eq(open_error(err, sizeof(err)), -ELOOP);
	fixture_remove();
}

Test(state, the_file_is_private)
{
	char path[128];
	struct stat st;

	fixture_make_dir();
	cr_assert_eq(chmod(fixture_dir, 0755), 0);
	fixture_close(NULL);
	state_close(fixture_open());
	cr_assert_eq(stat(fixture_file(path, sizeof(path)), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	fixture_remove();
}
