/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Within tools/: results to standard output. One description of a table
 * serves both forms: aligned columns for people, one JSON object per row with
 * --json. Octets of others are escaped here and nowhere else.
 */
#ifndef TOOLS_OUT_H
#define TOOLS_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Copy @in so that a terminal shows it as it is: printable ASCII stays, every
 * other octet becomes \xNN, a backslash \\. Cut to @size. Returns @out.
 */
char *out_escape(const char *in, char *out, size_t size);

struct column {
	const char *key;	/* in JSON */
	const char *title;	/* for people; "" where the column is JSON's alone */
	bool right;		/* numbers stand right */
};

struct table;

/* Begin; @columns end with a NULL key and outlive the table. NULL: no memory. */
struct table *table_new(const struct column *columns, bool json);

/* The next cell of the row. An empty one is left out of JSON. */
void table_text(struct table *t, const char *value);
void table_number(struct table *t, int64_t value);
void table_flag(struct table *t, bool value);
void table_time(struct table *t, uint64_t wall);	/* ns since 1970; 0: empty */
void table_empty(struct table *t);
/* A number with "%" behind it for people. */
void table_share(struct table *t, unsigned int value);

/* The row is full. */
void table_row(struct table *t);

/* Print what is left and release. @none, unless NULL, is said when there was no row. */
void table_end(struct table *t, const char *none);

#endif
