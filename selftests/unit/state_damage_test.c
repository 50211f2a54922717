// SPDX-License-Identifier: GPL-2.0
/*
 * state/ with a damaged file (bar B80): whatever stands in it, no treatment
 * comes out of it that did not go in. The damage is done octet by octet to a
 * file of a hundred rows; POSTERN_NIGHTLY=1 takes every octet and two bits of it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "state_fixture.h"

#define ROWS	100

static char *image;	/* of the sound file */
static size_t image_size;

/* Every second line is exempt, the others are refused. */
static struct state_treatment row(unsigned int i)
{
	char addr[32];

	snprintf(addr, sizeof(addr), "10.64.%u.%u", i / 250, i % 250 + 1);
	return fixture_line(addr, i % 2 ? POSTERN_REFUSE : POSTERN_EXEMPT);
}

static void write_file(const char *data, size_t size)
{
	char path[128];
	int fd;

	fixture_file(path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static void make_image(void)
{
	struct state *s = fixture_open();
	char path[128];
	struct stat st;
	uint64_t id;
	int fd;

	cr_assert_eq(state_begin(s), 0);
	for (unsigned int i = 0; i < ROWS; i++) {
		struct state_treatment t = row(i);
		char name[16];

		snprintf(name, sizeof(name), "name-%u", i);
		cr_assert_eq(state_treatment_set(s, &t), 0);
		cr_assert_eq(state_subscriber_make(s, name, &id), 0);
		cr_assert_eq(state_line_set(s, &t.prefix, id), 0);
	}
	cr_assert_eq(state_commit(s), 0);
	state_close(s);
	fd = open(fixture_file(path, sizeof(path)), O_RDONLY);
	cr_assert_eq(fstat(fd, &st), 0);
	image_size = (size_t)st.st_size;
	image = malloc(image_size);
	cr_assert_eq(read(fd, image, image_size), st.st_size);
	close(fd);
}

/* Is what came out one of those that went in? */
static int check_treatment(void *arg, const struct state_treatment *t)
{
	const struct postern_addr *a = &t->prefix.addr;
	unsigned int i = a->octet[14] * 250U + a->octet[15] - 1U;
	struct state_treatment want = row(i < ROWS ? i : 0);

	cr_assert(fixture_same(t, &want), "%s", (const char *)arg);
	return 0;
}

/* Line i is the subscriber's with id i + 1. */
static int check_line(void *arg, const struct postern_prefix *line, uint64_t subscriber)
{
	unsigned int i = line->addr.octet[14] * 250U + line->addr.octet[15] - 1U;

	cr_assert_lt(i, ROWS, "%s", (const char *)arg);
	cr_assert_eq(subscriber, i + 1, "%s", (const char *)arg);
	return 0;
}

/* Opens or not, reads or not: but nothing wrong comes out. */
static void check_file(char *what)
{
	struct state *s = NULL;
	char err[512];

	if (state_open(fixture_dir, &s, err, sizeof(err)) == 0) {
		state_treatment_each(s, check_treatment, what);
		state_line_each(s, 0, check_line, what);
		state_check(s);
	}
	state_close(s);
}

static bool sampled(void)
{
	return !getenv("POSTERN_NIGHTLY");
}

static size_t stride(size_t when_sampled)
{
	return sampled() ? when_sampled : 1;
}

Test(state_damage, a_flipped_bit, .timeout = 3000)
{
	char what[64];

	make_image();
	for (size_t at = 0; at < image_size; at += stride(23)) {
		for (unsigned int bit = at % 4; bit < 8; bit += sampled() ? 8 : 4) {
			image[at] ^= (char)(1 << bit);
			snprintf(what, sizeof(what), "bit %u of octet %zu", bit, at);
			write_file(image, image_size);
			check_file(what);
			image[at] ^= (char)(1 << bit);
		}
	}
	free(image);
	fixture_remove();
}

Test(state_damage, a_file_cut_short, .timeout = 3000)
{
	char what[64];

	make_image();
	for (size_t size = 0; size < image_size; size += stride(97)) {
		snprintf(what, sizeof(what), "cut at %zu", size);
		write_file(image, size);
		check_file(what);
	}
	free(image);
	fixture_remove();
}

/* The test above would pass if nothing ever came out. */
Test(state_damage, damage_is_counted_and_the_rest_is_there)
{
	struct state *s;
	char *name;

	make_image();
	name = memmem(image, image_size, "name-42", 7);
	cr_assert_not_null(name);
	name[6] = '3';
	write_file(image, image_size);
	s = fixture_open();
	cr_assert_eq(fixture_treatments(s), ROWS);
	cr_assert_neq(state_check(s), 0);
	fixture_close(s);
	free(image);
}

/* A row changed through SQL: structure sound, checksum wrong. */
Test(state_damage, a_changed_row_is_passed_over)
{
	struct state_treatment t = fixture_line("10.64.0.5", POSTERN_REFUSE), got;
	struct state *s = fixture_open();
	char path[128];
	sqlite3 *db;

	cr_assert_eq(state_treatment_set(s, &t), 0);
	state_close(s);
	cr_assert_eq(sqlite3_open(fixture_file(path, sizeof(path)), &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, "UPDATE treatments SET treatment = 2", NULL, NULL, NULL),
		     SQLITE_OK);
	sqlite3_close(db);
	s = fixture_open();
	cr_assert_eq(state_treatment_get(s, &t, &got), -ENOENT);
	cr_assert_eq(fixture_treatments(s), 0);
	cr_assert_eq(state_check(s), 1);
	fixture_close(s);
}

/* Make a file by @statements, expect @error and words that say @word. */
static void foreign(const char *statements, int error, const char *word)
{
	struct state *s = NULL;
	char path[128], err[512] = "";
	sqlite3 *db;

	fixture_make_dir();
	cr_assert_eq(sqlite3_open(fixture_file(path, sizeof(path)), &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, statements, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert_eq(state_open(fixture_dir, &s, err, sizeof(err)), error, "%s", err);
	cr_assert(strstr(err, word), "%s", err);
	fixture_remove();
}

Test(state_damage, files_of_others_are_refused)
{
	struct state *s = NULL;
	char err[512];

	foreign("CREATE TABLE songs (title)", -EBADMSG, "not a state store");
	foreign("PRAGMA user_version=1", -EBADMSG, "not a state store");
	foreign("PRAGMA application_id=1347375956; PRAGMA user_version=99", -EPROTO,
		"later release");
	foreign("PRAGMA application_id=1347375956; PRAGMA user_version=1", -EBADMSG, "no such");
	fixture_make_dir();
	write_file("what is this? it is surely no database of any kind, but it is long enough "
		   "to be looked at as if it were", 100);
	cr_assert_eq(state_open(fixture_dir, &s, err, sizeof(err)), -EBADMSG, "%s", err);
	fixture_remove();
}

Test(state_damage, an_empty_file_is_a_new_store)
{
	struct state *s;

	fixture_make_dir();
	write_file("", 0);
	s = fixture_open();
	cr_assert(state_is_new(s));
	fixture_close(s);
}
