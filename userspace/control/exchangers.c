// SPDX-License-Identifier: GPL-2.0
/* The table of exchangers that want TLS. */
#include "control/exchangers.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"

/* Cheap: nearly every record is sent on without being parsed. */
static bool may_tell(const char *record, size_t len)
{
	static const char mark[] = "\"tls_wanted\":true";

	return memmem(record, len, mark, sizeof(mark) - 1);
}

/* The exchanger of a record that says so; false when it says something else. */
static bool read_record(const char *record, size_t len, struct postern_addr *addr)
{
	json_t *root = json_loadb(record, len, JSON_REJECT_DUPLICATES, NULL);
	const char *text = json_string_value(json_object_get(root, "server"));
	bool wanted = json_is_true(json_object_get(root, "tls_wanted"));
	int err = text ? addr_parse(text, addr) : -1;

	json_decref(root);
	return wanted && !err;
}

/* The row of @addr; else a free one, else the one that was not seen for longest. */
static struct exchanger *find_row(struct exchangers *e, const struct postern_addr *addr)
{
	struct exchanger *oldest = &e->rows[0];

	for (size_t i = 0; i < EXCHANGERS_MOST; i++) {
		struct exchanger *row = &e->rows[i];

		if (row->sessions && addr_equal(&row->addr, addr))
			return row;
		if (row->turn < oldest->turn)
			oldest = row;
	}
	*oldest = (struct exchanger){ .addr = *addr };
	return oldest;
}

void exchangers_note(struct exchangers *e, const char *record, size_t len, uint64_t wall)
{
	struct postern_addr addr;
	struct exchanger *row;

	if (!may_tell(record, len) || !read_record(record, len, &addr))
		return;
	row = find_row(e, &addr);
	row->sessions++;
	row->seen = wall;
	row->turn = ++e->turns;
}

static bool goes_before(const struct exchanger *a, const struct exchanger *b)
{
	return a->sessions != b->sessions ? a->sessions > b->sessions : a->turn > b->turn;
}

/* The row that goes next behind @last, or first when that is NULL; NULL at the end. */
static const struct exchanger *next_row(const struct exchangers *e, const struct exchanger *last)
{
	const struct exchanger *best = NULL;

	for (size_t i = 0; i < EXCHANGERS_MOST; i++) {
		const struct exchanger *row = &e->rows[i];

		if (!row->sessions || (last && !goes_before(last, row)))
			continue;
		if (!best || goes_before(row, best))
			best = row;
	}
	return best;
}

void exchangers_put(const struct exchangers *e, struct json *j)
{
	const struct exchanger *row = next_row(e, NULL);
	char addr[ADDR_TEXT], time[CLOCK_TEXT];

	json_open(j, "tls_wanted", '[');
	for (int i = 0; row && i < EXCHANGERS_SHOWN; i++) {
		json_open(j, NULL, '{');
		json_text(j, "exchanger", addr_text(&row->addr, addr));
		json_number(j, "sessions", (int64_t)row->sessions);
		json_text(j, "seen", clock_text(row->seen, time));
		json_close(j, '}');
		row = next_row(e, row);
	}
	json_close(j, ']');
}
