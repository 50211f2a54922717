// SPDX-License-Identifier: GPL-2.0
/*
 * The file of the state store: opening, schema and its versions, transactions,
 * the check. What the rows mean is in rows.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "state/sql.h"

#define APPLICATION_ID	0x504f5354	/* "POST" */

/*
 * Step N brings a file of version N to N+1. Only ever append.
 *
 * A subscriber's id is never given out twice: rows of `subscribers` are not
 * deleted. His name is his alone by state_subscriber_make(), not by the schema:
 * a damaged row must not keep the name from him.
 */
static const char *const steps[] = {
	"CREATE TABLE subscribers (id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
	" sum INTEGER NOT NULL);"
	"CREATE INDEX subscribers_name ON subscribers (name);"
	"CREATE TABLE lines (addr BLOB NOT NULL, bits INTEGER NOT NULL,"
	" subscriber INTEGER NOT NULL, sum INTEGER NOT NULL,"
	" PRIMARY KEY (addr, bits)) WITHOUT ROWID;"
	"CREATE INDEX lines_subscriber ON lines (subscriber);"
	"CREATE TABLE treatments (scope INTEGER NOT NULL, addr BLOB NOT NULL,"
	" bits INTEGER NOT NULL, owner INTEGER NOT NULL, subscriber INTEGER NOT NULL,"
	" treatment INTEGER NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,"
	" since INTEGER NOT NULL, until INTEGER NOT NULL, sum INTEGER NOT NULL,"
	" PRIMARY KEY (scope, addr, bits, owner)) WITHOUT ROWID;"
	"CREATE TABLE pools (addr BLOB NOT NULL, bits INTEGER NOT NULL,"
	" treatment INTEGER NOT NULL, class TEXT NOT NULL, line_len INTEGER NOT NULL,"
	" rollout INTEGER NOT NULL, flags INTEGER NOT NULL, sum INTEGER NOT NULL,"
	" PRIMARY KEY (addr, bits)) WITHOUT ROWID;"
	"CREATE TABLE destinations (addr BLOB NOT NULL, bits INTEGER NOT NULL,"
	" rule INTEGER NOT NULL, class TEXT NOT NULL, sum INTEGER NOT NULL,"
	" PRIMARY KEY (addr, bits)) WITHOUT ROWID;"
	"CREATE TABLE audit (id INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL,"
	" what TEXT NOT NULL);",
};

#define VERSION	((int)(sizeof(steps) / sizeof(steps[0])))

/* A number that a pragma or a count returns. */
static int one_number(struct state *s, const char *sql, int64_t *out)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
	int got;

	if (rc != SQLITE_OK)
		return sql_error(s, rc);
	got = sql_next(s, &st);
	if (got == 1)
		*out = sqlite3_column_int64(st, 0);
	sql_drop(s, &st);
	return got < 0 ? got : 0;
}

static int fail(struct state *s, int err, const char *words)
{
	snprintf(s->error, sizeof(s->error), "%s", words);
	return err;
}

/* Is the file ours, and of a version that we know? A new file is 0 in both. */
static int recognise(struct state *s, int64_t *version)
{
	int64_t application = 0, tables = 0;
	int err = one_number(s, "PRAGMA application_id", &application);

	if (!err)
		err = one_number(s, "PRAGMA user_version", version);
	if (!err)
		err = one_number(s, "SELECT count(*) FROM sqlite_schema", &tables);
	if (err)
		return err;
	if (application != APPLICATION_ID && (application || *version || tables))
		return fail(s, -EBADMSG, "the file is not a state store");
	if (*version > VERSION)
		return fail(s, -EPROTO, "the file was made by a later release");
	if (*version < 0)
		return fail(s, -EBADMSG, "the file has an impossible version");
	return 0;
}

static int upgrade_from(struct state *s, int version)
{
	char pragma[80];
	int err = 0;

	for (int i = version; i < VERSION && !err; i++)
		err = sql_run(s, steps[i]);
	snprintf(pragma, sizeof(pragma), "PRAGMA application_id=%d; PRAGMA user_version=%d",
		 APPLICATION_ID, VERSION);
	return err ? err : sql_run(s, pragma);
}

/* One snapshot for all that recognise() reads: another process may be making the schema. */
static int recognise_at_once(struct state *s, int64_t *version)
{
	int err = sql_run(s, "BEGIN");

	if (err)
		return err;
	err = recognise(s, version);
	if (sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK && !err)
		err = -EIO;
	return err;
}

/* Bring the schema to the present version; two processes may try at once. */
static int upgrade(struct state *s)
{
	int64_t version = 0;
	int err = recognise_at_once(s, &version);

	if (err || version == VERSION)
		return err;
	err = state_begin(s);
	if (err)
		return err;
	err = recognise(s, &version);
	if (!err && version < VERSION)
		err = upgrade_from(s, (int)version);
	if (!err)
		err = state_commit(s);
	if (err)
		state_rollback(s);
	s->is_new = !err && version == 0;
	return err;
}

/* Refuse what somebody else could write to: he could exempt himself. */
static int check_owner(const char *path, const struct stat *st, char *err, size_t err_size)
{
	if ((st->st_mode & 022) == 0)
		return 0;
	snprintf(err, err_size, "%s: can be written to by others than its owner", path);
	return -EACCES;
}

static int open_dir(const char *dir, struct stat *st, char *err, size_t err_size)
{
	if (mkdir(dir, 0700) && errno != EEXIST) {
		snprintf(err, err_size, "%s: cannot be made: %s", dir, strerror(errno));
		return -errno;
	}
	if (stat(dir, st) || !S_ISDIR(st->st_mode)) {
		snprintf(err, err_size, "%s: expected a directory", dir);
		return -ENOTDIR;
	}
	return check_owner(dir, st, err, err_size);
}

/*
 * The file belongs to whoever owns the directory, so that root's CLI and the
 * clerk can both write; SQLite gives its side files the same owner.
 */
static int touch_file(const char *path, const struct stat *dir, char *err, size_t err_size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	int rc = fd < 0 || fstat(fd, &st) ? -errno : 0;

	if (!rc && st.st_uid != dir->st_uid && fchown(fd, dir->st_uid, dir->st_gid))
		rc = -errno;
	if (rc)
		snprintf(err, err_size, "%s: %s", path, strerror(-rc));
	else
		rc = check_owner(path, &st, err, err_size);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* synchronous=FULL: an acknowledged change survives a power cut. */
static const char settings[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			       "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON";

/*
 * Several processes may meet over a file that none has opened before. SQLite
 * does not wait where waiting could lock them all up (two that both turn the
 * file to WAL); it says busy at once, and the one that asks again finds it done.
 */
static int settle(struct state *s)
{
	int err, waited = 0;

	do {
		err = sql_run(s, settings);
		if (!err)
			err = upgrade(s);
		if (err == -EBUSY)
			waited += sqlite3_sleep(10);
	} while (err == -EBUSY && waited < STATE_BUSY_MS);
	return err;
}

static int start(struct state *s, const char *path)
{
	int rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW |
				 SQLITE_OPEN_EXRESCODE, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(s->db, STATE_BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(s->db, "row_sum", -1, SQLITE_UTF8 |
					     SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
					     sql_row_sum, NULL, NULL);
	if (rc != SQLITE_OK)
		return sql_error(s, rc);
	rc = settle(s);
	return rc ? rc : sql_views(s);
}

int state_open(const char *dir, struct state **out, char *err, size_t err_size)
{
	struct state *s;
	struct stat st;
	char path[4096];
	int rc;

	if (snprintf(path, sizeof(path), "%s/" STATE_FILE, dir) >= (int)sizeof(path)) {
		snprintf(err, err_size, "the name of the state directory is too long");
		return -ENAMETOOLONG;
	}
	rc = open_dir(dir, &st, err, err_size);
	if (!rc)
		rc = touch_file(path, &st, err, err_size);
	if (rc)
		return rc;
	s = calloc(1, sizeof(*s));
	rc = s ? start(s, path) : -ENOMEM;
	if (!rc) {
		*out = s;
		return 0;
	}
	snprintf(err, err_size, "%s: %s", path, s ? s->error : "out of memory");
	state_close(s);
	return rc;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	sql_forget(s);
	sqlite3_close(s->db);
	free(s);
}

const char *state_error(const struct state *s)
{
	return s->error;
}

bool state_is_new(const struct state *s)
{
	return s->is_new;
}

static int structure_check(struct state *s)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA main.quick_check(1)", -1, &st, NULL);
	char words[sizeof(s->error)];
	int got;

	if (rc != SQLITE_OK)
		return sql_error(s, rc);
	got = sql_next(s, &st);
	if (got != 1)
		return got < 0 ? got : -EBADMSG;
	sql_text(st, 0, words, sizeof(words));
	sql_drop(s, &st);
	return strcmp(words, "ok") == 0 ? 0 : fail(s, -EBADMSG, words);
}

int state_check(struct state *s)
{
	int err = structure_check(s);
	int64_t damaged = 0;

	for (int i = 0; i < SQL_TABLES && !err; i++) {
		int64_t bad = 0;
		char sql[160];

		snprintf(sql, sizeof(sql), "SELECT (SELECT count(*) FROM main.%s) - "
			 "(SELECT count(*) FROM good_%s)", sql_tables[i].name,
			 sql_tables[i].name);
		err = one_number(s, sql, &bad);
		damaged += bad;
	}
	return err ? err : (int)damaged;
}

int state_begin(struct state *s)
{
	return sql_run(s, "BEGIN IMMEDIATE");
}

int state_commit(struct state *s)
{
	return sql_run(s, "COMMIT");
}

void state_rollback(struct state *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}
