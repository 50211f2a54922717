// SPDX-License-Identifier: GPL-2.0
/* session/record.c and session/ticket.c: what is reported of a session. */
#include "session_lab.h"

#include <jansson.h>

TestSuite(session_record, .init = lab_setup, .fini = lab_teardown, .timeout = 60);

#define RECORD(name, kind, in, text) { #name, #in },
static const struct {
	const char *name;
	const char *in;
} fields[] = {
#include "tbl/records.h"
};
#undef RECORD

/* The next record has the fields of the table, all of them, in its order. */
static void expect_record(const char *event, const char *in)
{
	char text[65536];
	ssize_t len = recv(t.records, text, sizeof(text) - 1, MSG_DONTWAIT);
	json_error_t error;
	json_t *record;
	void *at;

	cr_assert_gt(len, 0, "no record");
	cr_assert_eq(text[len - 1], '\n');
	record = json_loadb(text, (size_t)len, 0, &error);
	cr_assert(record, "%s", error.text);
	at = json_object_iter(record);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(fields[i].in, "BOTH") && strcmp(fields[i].in, in))
			continue;
		cr_assert(at, "field %s is missing", fields[i].name);
		cr_assert_str_eq(json_object_iter_key(at), fields[i].name);
		at = json_object_iter_next(record, at);
	}
	cr_assert_null(at, "a field that the table does not know");
	cr_assert_str_eq(json_string_value(json_object_get(record, "event")), event);
	json_decref(record);
}

Test(session_record, records_are_as_the_table_says)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\n" GTUBE "\r\n.\r\n");
	expect("client", "550 5.7.1");
	expect_record("verdict", "VERDICT");
	close(t.client.fd);
	t.client.fd = -1;
	turn_until(all_gone, NULL, "the session's end");
	expect_record("session", "SESSION");
}

Test(session_record, a_full_log_costs_no_time)
{
	int small = 1;

	setsockopt(t.all.record_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	t.line.treatment = POSTERN_REFUSE;
	for (int i = 0; i < 50; i++) {
		arrive("198.51.100.25", 25);
		close(t.client.fd);
	}
	cr_assert_gt(t.tallies[POSTERN_R_log_dropped], 0);
	cr_assert_eq(t.tallies[POSTERN_R_end_refused_line], 50);
}

/* Anybody may knock at a listener's own port; the log is for subscribers. */
Test(session_record, strangers_leave_no_record)
{
	char record[4096];

	t.resolve_err = -ENOENT;
	arrive("198.51.100.25", 25);
	cr_assert_eq(t.tallies[POSTERN_R_end_not_subscriber], 1);
	cr_assert_lt(recv(t.records, record, sizeof(record), MSG_DONTWAIT), 0);
}

Test(session_record, tickets_differ_and_do_not_count_up)
{
	static char seen[5000][TICKET_TEXT];
	int same_front = 0;

	for (uint64_t i = 0; i < 5000; i++)
		ticket_write(&t.all.ticket_key, i, seen[i]);
	for (int i = 1; i < 5000; i++)
		same_front += !memcmp(seen[i], seen[i - 1], 3);
	cr_assert_lt(same_front, 10);
	qsort(seen, 5000, TICKET_TEXT, (int (*)(const void *, const void *))strcmp);
	for (int i = 1; i < 5000; i++)
		cr_assert_str_neq(seen[i], seen[i - 1]);
}
