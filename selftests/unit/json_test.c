// SPDX-License-Identifier: GPL-2.0
/* base/json.c: one line of ASCII, whatever the octets; never past the buffer. */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/json.h"

static const char *text_of(char *buf, size_t size, const char *value, size_t len)
{
	struct json j;

	json_begin(&j, buf, size);
	json_octets(&j, "k", value, len);
	cr_assert_gt(json_end(&j), 0);
	return buf;
}

Test(json, kinds_and_nesting)
{
	char buf[256];
	struct json j;
	int len;

	json_begin(&j, buf, sizeof(buf));
	json_text(&j, "a", "x");
	json_number(&j, "b", INT64_MIN);
	json_flag(&j, "c", true);
	json_open(&j, "d", '[');
	json_number(&j, NULL, 1);
	json_open(&j, NULL, '{');
	json_flag(&j, "e", false);
	json_close(&j, '}');
	json_close(&j, ']');
	json_open(&j, "f", '{');
	json_close(&j, '}');
	len = json_end(&j);
	cr_assert_str_eq(buf, "{\"a\":\"x\",\"b\":-9223372036854775808,\"c\":true,"
			 "\"d\":[1,{\"e\":false}],\"f\":{}}\n");
	cr_assert_eq(len, (int)strlen(buf));
}

Test(json, escapes)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} rows[] = {
		{ "a\"b\\c", 5, "a\\\"b\\\\c" },
		{ "\r\n\t\x1b\x7f", 5, "\\u000d\\u000a\\u0009\\u001b\\u007f" },
		{ "a\0b", 3, "a\\u0000b" },
		{ "\xc3\xa9", 2, "\\u00e9" },
		{ "\xe2\x82\xac", 3, "\\u20ac" },
		{ "\xf0\x9f\x98\x80", 4, "\\ud83d\\ude00" },
		{ "\xe9t", 2, "\\u00e9t" },			/* Latin-1 */
		{ "\xc3", 1, "\\u00c3" },			/* cut short */
		{ "\xc0\xaf", 2, "\\u00c0\\u00af" },		/* overlong */
		{ "\xe0\x80\xaf", 3, "\\u00e0\\u0080\\u00af" },
		{ "\xed\xa0\x80", 3, "\\u00ed\\u00a0\\u0080" },	/* surrogate */
		{ "\xf4\x90\x80\x80", 4, "\\u00f4\\u0090\\u0080\\u0080" },
	};
	char buf[128], want[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(want, sizeof(want), "{\"k\":\"%s\"}\n", rows[i].out);
		cr_expect_str_eq(text_of(buf, sizeof(buf), rows[i].in, rows[i].len), want,
				 "row %zu: %s", i, buf);
	}
}

Test(json, every_pair_of_octets_is_one_line_that_parses)
{
	char buf[64];
	json_t *root;

	for (unsigned int i = 0; i < 65536; i++) {
		char in[2] = { (char)(i >> 8), (char)i };

		text_of(buf, sizeof(buf), in, 2);
		for (const char *p = buf; *p != '\n'; p++)
			cr_assert(*p >= 0x20 && *p < 0x7f, "pair %04x", i);
		root = json_loads(buf, JSON_ALLOW_NUL, NULL);
		cr_assert_not_null(root, "pair %04x: %s", i, buf);
		json_decref(root);
	}
}

Test(json, never_past_the_end)
{
	static const char want[] = "{\"key\":\"va\\u0001ue\",\"n\":12}\n";
	char buf[64];
	struct json j;

	for (size_t size = 0; size < sizeof(buf); size++) {
		int rc;

		memset(buf, '#', sizeof(buf));
		json_begin(&j, buf, size);
		json_text(&j, "key", "va\001ue");
		json_number(&j, "n", 12);
		rc = json_end(&j);
		for (size_t i = size; i < sizeof(buf); i++)
			cr_assert_eq(buf[i], '#', "size %zu", size);
		if (size < sizeof(want))
			cr_assert_eq(rc, -ENOSPC, "size %zu", size);
		else
			cr_assert_str_eq(buf, want);
	}
}
