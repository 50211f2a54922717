// SPDX-License-Identifier: GPL-2.0
/*
 * Statements over the tables of the state store, made from their columns, and
 * the checksum of a row. No policy, no meaning of any column.
 */
#include "state/sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct sql_columns sql_tables[SQL_TABLES] = {
	[SQL_SUBSCRIBERS] = { "subscribers", { "id", "name" }, 1 },
	[SQL_LINES] = { "lines", { "addr", "bits", "subscriber" }, 2 },
	[SQL_TREATMENTS] = { "treatments",
		{ "scope", "addr", "bits", "owner", "subscriber", "treatment", "who", "why",
		  "since", "until" }, 4 },
	[SQL_POOLS] = { "pools",
		{ "addr", "bits", "treatment", "class", "line_len", "rollout", "flags" }, 2 },
	[SQL_DESTINATIONS] = { "destinations", { "addr", "bits", "rule", "class" }, 2 },
};

static const struct {
	int sqlite;
	int error;
} errors[] = {
	{ SQLITE_BUSY, -EBUSY },	{ SQLITE_LOCKED, -EBUSY },
	{ SQLITE_CORRUPT, -EBADMSG },	{ SQLITE_NOTADB, -EBADMSG },
	{ SQLITE_FORMAT, -EBADMSG },	{ SQLITE_MISMATCH, -EBADMSG },
	{ SQLITE_FULL, -ENOSPC },	{ SQLITE_IOERR, -EIO },
	{ SQLITE_PERM, -EACCES },	{ SQLITE_AUTH, -EACCES },
	{ SQLITE_CANTOPEN, -EACCES },	{ SQLITE_READONLY, -EACCES },
	{ SQLITE_NOMEM, -ENOMEM },	{ SQLITE_TOOBIG, -E2BIG },
	/* A missing table or column: the file is not what its version says. */
	{ SQLITE_ERROR, -EBADMSG },
};

int sql_error(struct state *s, int rc)
{
	snprintf(s->error, sizeof(s->error), "%s", sqlite3_errmsg(s->db));
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].sqlite == (rc & 0xff))
			return errors[i].error;
	return -EIO;
}

int sql_run(struct state *s, const char *statements)
{
	int rc = sqlite3_exec(s->db, statements, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sql_error(s, rc);
}

/* FNV-1a: against damage, not against forgery; the file is root's and the clerk's. */
static uint64_t fnv(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return h;
}

void sql_row_sum(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (int i = 0; i < argc; i++) {
		int type = sqlite3_value_type(argv[i]);
		int64_t number = sqlite3_value_int64(argv[i]);
		int len;

		h = fnv(h, &type, sizeof(type));
		if (type == SQLITE_INTEGER) {
			h = fnv(h, &number, sizeof(number));
			continue;
		}
		len = sqlite3_value_bytes(argv[i]);
		h = fnv(h, &len, sizeof(len));
		h = fnv(h, sqlite3_value_blob(argv[i]), (size_t)len);
	}
	sqlite3_result_int64(context, (sqlite3_int64)h);
}

/* Append one piece for each column, "%s" or "%d" as @format has it, with commas between. */
static void each_column(sqlite3_str *sql, const struct sql_columns *t, unsigned int count,
			const char *between, const char *format)
{
	for (unsigned int i = 0; i < count && t->column[i]; i++) {
		if (i)
			sqlite3_str_appendall(sql, between);
		sqlite3_str_appendf(sql, format, t->column[i], i + 1);
	}
}

#define ALL_COLUMNS	10
#define NAMES		"%s"
#define MARKS		"%.0s?%d"

static void columns_as(sqlite3_str *sql, const struct sql_columns *t, const char *format)
{
	each_column(sql, t, ALL_COLUMNS, ", ", format);
}

/* Take the text out of @sql and prepare it. */
static int prepare(struct state *s, sqlite3_str *sql, sqlite3_stmt **st)
{
	char *text = sqlite3_str_finish(sql);
	int rc;

	*st = NULL;
	if (!text)
		return -ENOMEM;
	rc = sqlite3_prepare_v2(s->db, text, -1, st, NULL);
	sqlite3_free(text);
	return rc == SQLITE_OK ? 0 : sql_error(s, rc);
}

static int bind(struct state *s, sqlite3_stmt *st, const char *kinds, va_list values)
{
	int rc = SQLITE_OK;

	for (int i = 1; *kinds && rc == SQLITE_OK; i++, kinds++) {
		if (*kinds == 'n')
			rc = sqlite3_bind_int64(st, i, (sqlite3_int64)va_arg(values, uint64_t));
		else if (*kinds == 't')
			rc = sqlite3_bind_text(st, i, va_arg(values, const char *), -1,
					       SQLITE_TRANSIENT);
		else
			rc = sqlite3_bind_blob(st, i, va_arg(values, const void *),
					       sizeof(struct postern_addr), SQLITE_TRANSIENT);
	}
	return rc == SQLITE_OK ? 0 : sql_error(s, rc);
}

/* Prepare, bind and run a statement that returns no rows. */
static int execute(struct state *s, sqlite3_str *sql, const char *kinds, va_list values)
{
	sqlite3_stmt *st;
	int err = prepare(s, sql, &st);

	if (!err)
		err = bind(s, st, kinds, values);
	if (!err)
		err = sql_next(s, &st);
	sql_drop(s, &st);
	return err;
}

int sql_views(struct state *s)
{
	for (int i = 0; i < SQL_TABLES; i++) {
		sqlite3_str *sql = sqlite3_str_new(s->db);
		const struct sql_columns *t = &sql_tables[i];
		sqlite3_stmt *st;
		int err;

		sqlite3_str_appendf(sql, "CREATE TEMP VIEW good_%s AS SELECT * FROM main.%s "
				    "WHERE sum = row_sum('%s', ", t->name, t->name, t->name);
		columns_as(sql, t, NAMES);
		sqlite3_str_appendall(sql, ")");
		err = prepare(s, sql, &st);
		if (!err)
			err = sql_next(s, &st);
		sql_drop(s, &st);
		/* A view is not held against its table before it is used. */
		if (!err)
			err = sql_find(s, (enum sql_table)i, "", &st, "");
		sql_drop(s, &st);
		if (err)
			return err;
	}
	return 0;
}

int sql_put(struct state *s, enum sql_table table, const char *kinds, ...)
{
	const struct sql_columns *t = &sql_tables[table];
	sqlite3_str *sql = sqlite3_str_new(s->db);
	va_list values;
	int err;

	/* On the key alone: REPLACE would also delete rows that collide elsewhere. */
	sqlite3_str_appendf(sql, "INSERT INTO main.%s (", t->name);
	columns_as(sql, t, NAMES);
	sqlite3_str_appendall(sql, ", sum) VALUES (");
	columns_as(sql, t, MARKS);
	sqlite3_str_appendf(sql, ", row_sum('%s', ", t->name);
	columns_as(sql, t, MARKS);
	sqlite3_str_appendall(sql, ")) ON CONFLICT (");
	each_column(sql, t, t->keys, ", ", NAMES);
	sqlite3_str_appendall(sql, ") DO UPDATE SET sum = excluded.sum");
	for (unsigned int i = t->keys; i < ALL_COLUMNS && t->column[i]; i++)
		sqlite3_str_appendf(sql, ", %s = excluded.%s", t->column[i], t->column[i]);
	va_start(values, kinds);
	err = execute(s, sql, kinds, values);
	va_end(values);
	return err;
}

int sql_del(struct state *s, enum sql_table table, const char *kinds, ...)
{
	const struct sql_columns *t = &sql_tables[table];
	sqlite3_str *sql = sqlite3_str_new(s->db);
	va_list values;
	int err;

	sqlite3_str_appendf(sql, "DELETE FROM main.%s WHERE ", t->name);
	each_column(sql, t, t->keys, " AND ", "%s = ?%d");
	va_start(values, kinds);
	err = execute(s, sql, kinds, values);
	va_end(values);
	if (err)
		return err;
	return sqlite3_changes(s->db) ? 0 : -ENOENT;
}

/* A cached select that is free; NULL when there is none. */
static struct sql_cached *cached(struct state *s, int table, const char *where)
{
	for (size_t i = 0; i < SQL_CACHED; i++) {
		struct sql_cached *c = &s->cache[i];

		if (c->st && !c->busy && c->table == table && strcmp(c->where, where) == 0)
			return c;
	}
	return NULL;
}

/* Keep a new statement for later, if there is room. */
static void keep(struct state *s, int table, const char *where, sqlite3_stmt *st)
{
	for (size_t i = 0; i < SQL_CACHED; i++) {
		if (s->cache[i].st)
			continue;
		s->cache[i] = (struct sql_cached){ .st = st, .table = table, .where = where,
						   .busy = true };
		return;
	}
}

static int prepare_find(struct state *s, enum sql_table table, const char *where,
			sqlite3_stmt **st)
{
	const struct sql_columns *t = &sql_tables[table];
	sqlite3_str *sql = sqlite3_str_new(s->db);
	int err;

	sqlite3_str_appendall(sql, "SELECT ");
	columns_as(sql, t, NAMES);
	sqlite3_str_appendf(sql, " FROM good_%s%s%s ORDER BY ", t->name, *where ? " WHERE " : "",
			    where);
	each_column(sql, t, t->keys, ", ", NAMES);
	err = prepare(s, sql, st);
	if (!err)
		keep(s, table, where, *st);
	return err;
}

int sql_find(struct state *s, enum sql_table table, const char *where, sqlite3_stmt **st,
	     const char *kinds, ...)
{
	struct sql_cached *ready = cached(s, table, where);
	va_list values;
	int err = 0;

	if (ready) {
		*st = ready->st;
		ready->busy = true;
	} else {
		err = prepare_find(s, table, where, st);
	}
	if (err)
		return err;
	va_start(values, kinds);
	err = bind(s, *st, kinds, values);
	va_end(values);
	if (err)
		sql_drop(s, st);
	return err;
}

int sql_next(struct state *s, sqlite3_stmt **st)
{
	int rc = sqlite3_step(*st);
	int err = rc == SQLITE_DONE ? 0 : sql_error(s, rc);

	if (rc == SQLITE_ROW)
		return 1;
	sql_drop(s, st);
	return err;
}

void sql_drop(struct state *s, sqlite3_stmt **st)
{
	for (size_t i = 0; *st && i < SQL_CACHED; i++) {
		if (s->cache[i].st != *st)
			continue;
		sqlite3_reset(*st);
		s->cache[i].busy = false;
		*st = NULL;
	}
	sqlite3_finalize(*st);
	*st = NULL;
}

void sql_forget(struct state *s)
{
	for (size_t i = 0; i < SQL_CACHED; i++)
		sqlite3_finalize(s->cache[i].st);
	memset(s->cache, 0, sizeof(s->cache));
}

uint64_t sql_number(sqlite3_stmt *st, int column)
{
	return (uint64_t)sqlite3_column_int64(st, column);
}

void sql_text(sqlite3_stmt *st, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(st, column);

	snprintf(out, size, "%s", text ? (const char *)text : "");
}

void sql_addr(sqlite3_stmt *st, int column, struct postern_addr *out)
{
	const void *blob = sqlite3_column_blob(st, column);

	memset(out, 0, sizeof(*out));
	if (blob && sqlite3_column_bytes(st, column) == (int)sizeof(*out))
		memcpy(out, blob, sizeof(*out));
}
