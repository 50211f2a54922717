// SPDX-License-Identifier: GPL-2.0
/*
 * Tables for people and rows of JSON for programs. Widths come from the first
 * rows; a table of a million lines is not kept in memory for its looks.
 */
#include "out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "times.h"

#define COLUMNS		12
#define KEPT_ROWS	2000
#define CELL		1100	/* the longest name, each octet as \xNN, and its NUL */
#define ROW_JSON	8192

struct table {
	const struct column *columns;
	size_t column_count;
	bool json;
	bool flowing;			/* titles are out, rows follow at once */
	size_t rows;			/* of all */
	size_t next;			/* column of the next cell */
	char *cells[KEPT_ROWS][COLUMNS];
	size_t kept;
	int width[COLUMNS];
	struct json row;
	char buf[ROW_JSON];
};

char *out_escape(const char *in, char *out, size_t size)
{
	size_t len = 0;

	for (; *in; in++) {
		unsigned char octet = (unsigned char)*in;
		char text[5];
		size_t more;

		if (octet == '\\')
			strcpy(text, "\\\\");
		else if (octet >= 0x20 && octet < 0x7f)
			snprintf(text, sizeof(text), "%c", octet);
		else
			snprintf(text, sizeof(text), "\\x%02x", octet);
		more = strlen(text);
		if (len + more >= size)
			break;
		memcpy(out + len, text, more);
		len += more;
	}
	out[len] = '\0';
	return out;
}

struct table *table_new(const struct column *columns, bool json)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->columns = columns;
	t->json = json;
	for (; columns[t->column_count].key && t->column_count < COLUMNS; t->column_count++)
		t->width[t->column_count] = (int)strlen(columns[t->column_count].title);
	return t;
}

/* The JSON row, begun at its first cell. */
static struct json *row_of(struct table *t)
{
	if (t->next == 0)
		json_begin(&t->row, t->buf, sizeof(t->buf));
	return &t->row;
}

/* A cell for people; its text is escaped already. */
static void keep(struct table *t, const char *text)
{
	int len = (int)strlen(text);

	if (!t->flowing && len > t->width[t->next])
		t->width[t->next] = len;
	t->cells[t->kept][t->next] = strdup(text);
}

void table_empty(struct table *t)
{
	row_of(t);
	if (!t->json)
		keep(t, "-");
	t->next++;
}

void table_text(struct table *t, const char *value)
{
	char text[CELL];

	if (!*value) {
		table_empty(t);
		return;
	}
	if (t->json)
		json_text(row_of(t), t->columns[t->next].key, value);
	else
		keep(t, out_escape(value, text, sizeof(text)));
	t->next++;
}

static void number(struct table *t, int64_t value, const char *behind)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld%s", (long long)value, behind);
	if (t->json)
		json_number(row_of(t), t->columns[t->next].key, value);
	else
		keep(t, text);
	t->next++;
}

void table_number(struct table *t, int64_t value)
{
	number(t, value, "");
}

void table_share(struct table *t, unsigned int value)
{
	number(t, value, "%");
}

void table_flag(struct table *t, bool value)
{
	if (t->json)
		json_flag(row_of(t), t->columns[t->next].key, value);
	else
		keep(t, value ? "yes" : "no");
	t->next++;
}

void table_time(struct table *t, uint64_t wall)
{
	char text[TIMES_TEXT];

	if (!wall)
		table_empty(t);
	else
		table_text(t, t->json ? times_utc(wall, text) : times_local(wall, text));
}

static void print_cell(const struct table *t, size_t column, const char *text)
{
	bool last = column + 1 == t->column_count;

	if (!*t->columns[column].title)
		return;
	if (t->columns[column].right)
		printf("%*s%s", t->width[column], text, last ? "" : "  ");
	else if (last)
		printf("%s", text);
	else
		printf("%-*s  ", t->width[column], text);
}

/* Print the kept rows, with the titles if they are not out yet. */
static void flush(struct table *t)
{
	for (size_t i = 0; !t->flowing && i < t->column_count; i++)
		print_cell(t, i, t->columns[i].title);
	if (!t->flowing)
		putchar('\n');
	t->flowing = true;
	for (size_t row = 0; row < t->kept; row++) {
		for (size_t i = 0; i < t->column_count; i++) {
			print_cell(t, i, t->cells[row][i] ? t->cells[row][i] : "?");
			free(t->cells[row][i]);
			t->cells[row][i] = NULL;
		}
		putchar('\n');
	}
	t->kept = 0;
}

void table_row(struct table *t)
{
	t->rows++;
	t->next = 0;
	if (t->json) {
		if (json_end(&t->row) > 0)
			fputs(t->buf, stdout);
		return;
	}
	t->kept++;
	if (t->flowing || t->kept == KEPT_ROWS)
		flush(t);
}

void table_end(struct table *t, const char *none)
{
	if (!t->json && t->rows)
		flush(t);
	if (!t->json && !t->rows && none)
		puts(none);
	free(t);
}
