// SPDX-License-Identifier: GPL-2.0
/* control/exchangers.c: who is remembered, who goes, what is shown. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "control/exchangers.h"

static struct exchangers table;

static void note(const char *record)
{
	exchangers_note(&table, record, strlen(record), 1700000000ULL * NS_PER_SEC);
}

/* A session with the exchanger 198.51.100.@last that wanted TLS. */
static void wanted(unsigned int last)
{
	char record[128];

	snprintf(record, sizeof(record), "{\"event\":\"session\",\"server\":\"198.51.100.%u\","
		 "\"tls_wanted\":true}\n", last);
	note(record);
}

/* The list that `status` shows; the caller releases it. */
static json_t *shown(void)
{
	char text[4096];
	struct json j;
	json_t *root, *list;

	json_begin(&j, text, sizeof(text));
	exchangers_put(&table, &j);
	cr_assert_gt(json_end(&j), 0);
	root = json_loads(text, 0, NULL);
	list = json_incref(json_object_get(root, "tls_wanted"));
	json_decref(root);
	cr_assert(json_is_array(list));
	return list;
}

static void expect_row(const json_t *list, size_t at, const char *addr, int sessions)
{
	const json_t *row = json_array_get(list, at);

	cr_expect_str_eq(json_string_value(json_object_get(row, "exchanger")), addr);
	cr_expect_eq(json_integer_value(json_object_get(row, "sessions")), sessions);
	cr_expect_str_eq(json_string_value(json_object_get(row, "seen")),
			 "2023-11-14T22:13:20.000Z");
}

Test(control_exchangers, counts_and_sorts)
{
	json_t *list;

	wanted(1);
	wanted(2);
	wanted(2);
	note("{\"server\":\"2001:db8::1\",\"tls_wanted\":true}\n");
	list = shown();
	cr_assert_eq(json_array_size(list), 3);
	expect_row(list, 0, "198.51.100.2", 2);
	expect_row(list, 1, "2001:db8::1", 1);
	expect_row(list, 2, "198.51.100.1", 1);
	json_decref(list);
}

Test(control_exchangers, shows_ten)
{
	json_t *list;

	for (unsigned int i = 1; i <= 20; i++)
		for (unsigned int n = 0; n < i; n++)
			wanted(i);
	list = shown();
	cr_assert_eq(json_array_size(list), EXCHANGERS_SHOWN);
	expect_row(list, 0, "198.51.100.20", 20);
	expect_row(list, 9, "198.51.100.11", 11);
	json_decref(list);
}

/* The one not seen for longest goes, however often it was seen before. */
Test(control_exchangers, a_full_table_forgets)
{
	json_t *list;

	wanted(1);
	wanted(1);
	wanted(2);
	wanted(2);
	for (unsigned int i = 3; i <= EXCHANGERS_MOST; i++)
		wanted(i);
	wanted(1);
	wanted(200);		/* in place of 2 */
	list = shown();
	expect_row(list, 0, "198.51.100.1", 3);
	expect_row(list, 1, "198.51.100.200", 1);
	json_decref(list);
	wanted(2);
	list = shown();
	expect_row(list, 1, "198.51.100.2", 1);
	json_decref(list);
}

Test(control_exchangers, other_records_change_nothing)
{
	json_t *list;

	note("{\"server\":\"198.51.100.1\",\"tls_wanted\":false}\n");
	note("{\"server\":\"198.51.100.1\",\"helo\":\"\\\"tls_wanted\\\":true\"}\n");
	note("{\"server\":\"198.51.100.1\",\"x\":{\"tls_wanted\":true}}\n");
	note("{\"server\":\"mx.example\",\"tls_wanted\":true}\n");
	note("{\"server\":7,\"tls_wanted\":true}\n");
	note("{\"tls_wanted\":true}\n");
	note("{\"server\":\"198.51.100.1\",\"tls_wanted\":true\n");
	note("[\"server\",\"tls_wanted\":true]\n");
	list = shown();
	cr_expect_eq(json_array_size(list), 0);
	json_decref(list);
}
