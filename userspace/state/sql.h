/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Within state/ only: the tables as rows, and the few statements that all of
 * them need. A table's columns stand once, here; the statements are made of
 * them, and so is the checksum.
 */
#ifndef STATE_SQL_H
#define STATE_SQL_H

#include <sqlite3.h>

#include "state/state.h"

/* A prepared select that waits for its next use, or is in use. */
struct sql_cached {
	sqlite3_stmt	*st;	/* NULL: no entry */
	int		table;
	const char	*where;	/* a string literal */
	bool		busy;
};

#define SQL_CACHED	16

struct state {
	sqlite3	*db;
	bool	is_new;
	char	error[256];
	struct sql_cached cache[SQL_CACHED];
};

enum sql_table {
	SQL_SUBSCRIBERS,
	SQL_LINES,
	SQL_TREATMENTS,
	SQL_POOLS,
	SQL_DESTINATIONS,
	SQL_TABLES
};

struct sql_columns {
	const char *name;	/* of the table */
	const char *column[10];	/* the key's columns first; NULL behind the last */
	unsigned int keys;
};

extern const struct sql_columns sql_tables[SQL_TABLES];

/* Keep the library's words for @rc and return the -errno it stands for. */
int sql_error(struct state *s, int rc);

/* Run statements that return no rows. */
int sql_run(struct state *s, const char *statements);

/* Create the views `good_TABLE`, which hide rows with a wrong checksum. */
int sql_views(struct state *s);

/*
 * Values follow as @kinds spells them: 'n' a uint64_t, 't' a const char *,
 * 'a' a const struct postern_addr *.
 *
 * sql_put() inserts or replaces a whole row. sql_del() deletes by key; -ENOENT.
 * sql_find() prepares a select of all columns; @where is a string literal, may
 * be "" and has one ?N for each value. Step it with sql_next() until that returns 0 (end, or
 * negative: error; the statement is released then) instead of 1.
 */
int sql_put(struct state *s, enum sql_table table, const char *kinds, ...);
int sql_del(struct state *s, enum sql_table table, const char *kinds, ...);
int sql_find(struct state *s, enum sql_table table, const char *where, sqlite3_stmt **st,
	     const char *kinds, ...);
int sql_next(struct state *s, sqlite3_stmt **st);

/* Release a statement before its end; NULL inside is fine. */
void sql_drop(struct state *s, sqlite3_stmt **st);

/* Release the statements that wait; before the file is closed. */
void sql_forget(struct state *s);

/* Columns of the present row. Text is cut to @size; an address of another size reads as zero. */
uint64_t sql_number(sqlite3_stmt *st, int column);
void sql_text(sqlite3_stmt *st, int column, char *out, size_t size);
void sql_addr(sqlite3_stmt *st, int column, struct postern_addr *out);

/* The SQL function row_sum(table, column, ...). */
void sql_row_sum(sqlite3_context *context, int argc, sqlite3_value **argv);

#endif
