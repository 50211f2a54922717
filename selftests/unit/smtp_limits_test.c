// SPDX-License-Identifier: GPL-2.0
/* Numbers of every kind, an endless reply, and the form of our own replies (B6, B58, B100). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtp/engine.h"
#include "smtp_owner.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* B6: a megabyte without an end costs no more than the owner's buffer, and ends the session. */
Test(smtp_limits, endless_reply)
{
	static char run[1024 * 1024];
	struct owner *o = calloc(1, sizeof(*o));
	size_t at;

	memset(run, 'x', sizeof(run));
	memcpy(run, "250 ", 4);
	owner_reset(o);
	owner_start(o, SMTP_REPLY_COUNT);
	owner_send(o, SERVER, "220 mx\r\n", 8, false);
	owner_send(o, CLIENT, "NOOP\r\n", 6, false);
	for (at = 0; at < sizeof(run); at += 1000)
		owner_send(o, SERVER, run + at, sizeof(run) - at < 1000 ? sizeof(run) - at : 1000,
			   false);
	cr_assert(o->acts == (SMTP_ACT_CLOSE_CLIENT | SMTP_ACT_DISCARD_CLIENT |
			      SMTP_ACT_CLOSE_SERVER));
	cr_assert(smtp_end_reason(&o->smtp) == POSTERN_R_end_mx_protocol);
	cr_assert(o->got[TO_CLIENT].len < 100, "nothing of it is relayed");
	free(o);
}

/* So many octets at a time. */
static const size_t pieces[] = { 1, 7, 1024 };

static void send_text(struct owner *o, int side, const char *text, size_t piece)
{
	size_t len = strlen(text), at, n;

	for (at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		owner_send(o, side, text + at, n, false);
	}
}

static void begin(struct owner *o, uint64_t max_size)
{
	owner_reset(o);
	o->class.max_size = max_size;
	owner_start(o, SMTP_REPLY_COUNT);
	send_text(o, SERVER, "220 mx\r\n", 1024);
	send_text(o, CLIENT, "EHLO a\r\n", 1024);
	o->got[TO_CLIENT].len = o->got[TO_SERVER].len = 0;
}

/* All that came on @kind since the last look is @text. */
static void came(struct owner *o, int kind, const char *text, const char *row)
{
	struct bytes *got = &o->got[kind];

	cr_assert(got->len == strlen(text) && !memcmp(got->data, text, got->len),
		  "\"%s\": came \"%.*s\", not \"%s\"", row, (int)got->len, got->data, text);
	got->len = 0;
}

/* B58: what stands behind SIZE=, and what our limit of 1,000 makes of it. */
static const struct {
	const char	*text;
	bool		refused;	/* by us; else the exchanger judges */
} sizes[] = {
	{ "0", false }, { "1", false }, { "999", false }, { "1000", false }, { "1001", true },
	{ "0000000000000000000000000000000000000000", false },
	{ "0000000000000000000000000000000000001000", false },
	{ "0000000000000000000000000000000000001001", true },
	{ "2147483647", true }, { "2147483648", true }, { "2147483649", true },
	{ "4294967295", true }, { "4294967296", true }, { "4294967297", true },
	{ "4294968296", true },		/* 1,000 in 32 bits */
	{ "9223372036854775807", true }, { "9223372036854775808", true },
	{ "9223372036854775809", true },
	{ "18446744073709551615", true }, { "18446744073709551616", true },
	{ "18446744073709551617", true }, { "18446744073709552616", true },
	{ "1234567890123456789012345678901234567890", true },
	{ "9999999999999999999999999999999999999999", true },
	{ "", false }, { "+1", false }, { "-1", false }, { "+1001", false }, { "-0", false },
	{ " 1001", false }, { "0x3e9", false }, { "1e9", false }, { "1001.0", false },
	{ "1,001", false }, { "1001k", false }, { "=1001", false }, { "\xd9\xa1", false },
	{ "1001 ", true }, { "5 SIZE=1001", true }, { "1001 SIZE=5", true },
	{ "1001 size=x", true }, { "1000 SIZE=999", false },
};

static void declare(struct owner *o, const char *size, bool refused, size_t piece)
{
	char command[256];

	begin(o, 1000);
	send_text(o, SERVER, "250 mx\r\n", 1024);
	o->got[TO_CLIENT].len = o->got[EVENTS].len = 0;
	snprintf(command, sizeof(command), "MAIL FROM:<a> SIZE=%s\r\n", size);
	send_text(o, CLIENT, command, piece);
	came(o, TO_SERVER, refused ? "" : command, size);
	if (refused) {
		came(o, TO_CLIENT, "552 5.3.4 message too large [T1] http://help.example/\r\n",
		     size);
	} else {
		send_text(o, SERVER, "250 ok\r\n", piece);
		came(o, TO_CLIENT, "250 ok\r\n", size);
	}
	came(o, EVENTS, refused ? "" : "mail a\r\n", size);
}

Test(smtp_limits, sizes_declared)
{
	struct owner *o = calloc(1, sizeof(*o));
	size_t i, k;

	for (i = 0; i < COUNT(sizes); i++)
		for (k = 0; k < COUNT(pieces); k++)
			declare(o, sizes[i].text, sizes[i].refused, pieces[k]);
	free(o);
}

/* B58: what stands behind SIZE in an answer to EHLO: without a limit of ours nothing changes. */
static const struct {
	const char	*text;
	bool		lower;		/* than our limit of 1,000: it stays */
} offers[] = {
	{ " 1", true }, { " 999", true }, { " 1000", true }, { " 1001", false },
	{ " 0000000000000000000000000000000000001000", true },
	{ " 0", false }, { " 00", false }, { "", false }, { " ", false },
	{ " 2147483647", false }, { " 2147483648", false }, { " 4294967295", false },
	{ " 4294967296", false }, { " 4294967297", false }, { " 9223372036854775808", false },
	{ " 18446744073709551615", false }, { " 18446744073709551616", false },
	{ " 18446744073709551617", false },
	{ " 1234567890123456789012345678901234567890", false },
	{ " -1", false }, { " +1", false }, { " 0x1", false }, { " x", false },
	{ "  5", true }, { " 5 6000", true }, { " 5000 6", false },
};

/* The exchanger offers @theirs, the client sees @ours. */
static void offer(struct owner *o, const char *theirs, const char *ours, uint64_t max_size,
		  size_t piece)
{
	char said[512];

	begin(o, max_size);
	o->got[EVENTS].len = 0;
	snprintf(said, sizeof(said), "250-mx\r\n250-LIMITS RCPTMAX=%s MAILMAX%s\r\n250 SIZE%s\r\n",
		 theirs, theirs, theirs);
	send_text(o, SERVER, said, piece);
	snprintf(said, sizeof(said), "250-mx\r\n250-LIMITS RCPTMAX=%s MAILMAX%s\r\n250 SIZE%s\r\n",
		 theirs, theirs, ours);
	came(o, TO_CLIENT, said, theirs);
	came(o, EVENTS, "helo a\r\n", theirs);
}

Test(smtp_limits, sizes_offered)
{
	struct owner *o = calloc(1, sizeof(*o));
	size_t i, k;

	for (i = 0; i < COUNT(offers); i++)
		for (k = 0; k < COUNT(pieces); k++) {
			offer(o, offers[i].text, offers[i].text, 0, pieces[k]);
			offer(o, offers[i].text, offers[i].lower ? offers[i].text : " 1000", 1000,
			      pieces[k]);
		}
	free(o);
}

/* Section 10: code, enhanced code, text, ticket, and for 5xx the help page; nothing else. */
Test(smtp_limits, replies_of_ours)
{
	struct owner *o = calloc(1, sizeof(*o));
	char buf[SMTP_LOCAL_ROOM], want[SMTP_LOCAL_ROOM];
	unsigned int code, i;
	const char *enhanced, *text;

	owner_reset(o);
	owner_start(o, SMTP_REPLY_COUNT);
	for (i = 0; i < SMTP_REPLY_COUNT; i++) {
		struct smtp_out out = { buf, 0, sizeof(buf) };

		text = smtp_reply_text((enum smtp_reply)i, &code, &enhanced);
		if (i == SMTP_REPLY_auth_refused)
			text = o->class.auth_text;
		cr_assert(smtp_local_put(&o->smtp, &out, (enum smtp_reply)i) == code);
		snprintf(want, sizeof(want), "%u %s %s [T1]%s\r\n", code, enhanced, text,
			 code >= 500 ? " http://help.example/" : "");
		cr_assert(out.len == strlen(want) && !memcmp(buf, want, out.len), "row %u", i);
		cr_assert(enhanced[1] == '.' && enhanced[0] - '0' == (int)code / 100, "row %u", i);
		cr_assert(!memmem(buf, out.len, o->env.hostname, strlen(o->env.hostname)) &&
			  !memmem(buf, out.len, o->env.client, strlen(o->env.client)), "row %u", i);
	}
	free(o);
}
