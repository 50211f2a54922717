// SPDX-License-Identifier: GPL-2.0
/* control/decision.c: every reason and hook, and the longest addresses, as a line of JSON. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/reason.h"
#include "control/decision.h"

Test(control_decision, a_line)
{
	struct postern_event e = { .sport = htons(40000), .dport = htons(25), .ifindex = 3,
				   .reason = POSTERN_R_steered, .hook = POSTERN_HOOK_STEER,
				   .tcp_flags = 2 };
	char line[DECISION_LINE];

	cr_assert_eq(addr_parse("10.64.0.2", &e.src), 0);
	cr_assert_eq(addr_parse("198.51.100.25", &e.dst), 0);
	cr_assert_gt(decision_line(&e, 1700000000ULL * NS_PER_SEC + 7 * NS_PER_MS, line,
				   sizeof(line)), 0);
	cr_expect_str_eq(line, "{\"time\":\"2023-11-14T22:13:20.007Z\",\"event\":\"decision\","
			 "\"hook\":\"steer\",\"reason\":\"steered\",\"effect\":\"STEER\","
			 "\"source\":\"10.64.0.2\",\"source_port\":40000,"
			 "\"destination\":\"198.51.100.25\",\"destination_port\":25,"
			 "\"interface\":3,\"tcp_flags\":2}\n");
}

/* The longest of all, also with what no program of ours writes. */
Test(control_decision, always_fits)
{
	struct postern_event e;
	char line[DECISION_LINE];

	memset(&e, 0xff, sizeof(e));
	for (unsigned int i = 0; i <= POSTERN_R_COUNT; i++) {
		json_t *root;
		int len;

		e.reason = (__u16)i;
		e.would = i;
		len = decision_line(&e, UINT64_MAX, line, sizeof(line));
		cr_assert_gt(len, 0);
		root = json_loadb(line, (size_t)len, 0, NULL);
		cr_assert_not_null(root);
		cr_expect_str_eq(json_string_value(json_object_get(root, "reason")),
				 reason_name(i));
		cr_expect_str_eq(json_string_value(json_object_get(root, "hook")), "unknown");
		json_decref(root);
	}
	cr_expect_eq(decision_line(&e, 0, line, 40), -ENOSPC);
}
