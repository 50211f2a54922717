// SPDX-License-Identifier: GPL-2.0
/* Limits at their borders, and numbers of every kind (E31, E36, E43, E51, E61, E84, B40, B58). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "smtp/engine.h"
#include "smtp_play.h"

#define SHUT	"A CLOSE_CLIENT DISCARD_CLIENT CLOSE_SERVER\n"
#define CUT	"A CLOSE_CLIENT DISCARD_CLIENT RESET_SERVER\n"
#define FAULT \
	"C 421 4.4.2 connection to the mail exchanger was lost [T1]\n" SHUT "= end_mx_protocol\n"
#define TAKEN	"! accept\nS .\nW dot\n< 250 ok\nC 250 ok\nE message_accepted 250\nW idle\n"
#define REFUSED502 \
	"502 5.5.1 command not available here [T1] http://help.example/\\r\\n"

/* Lines of 4,096 octets. */
#define THREE(who)	who " 250-\\{4090 x}\n" who " 250-\\{4090 x}\n" who " 250-\\{4090 x}\n"
#define FIFTEEN(who)	THREE(who) THREE(who) THREE(who) THREE(who) THREE(who)

#define WITH(name_, set_, ...) \
	{ .name = name_, .refused = SMTP_REPLY_COUNT, .set = set_, .script = __VA_ARGS__ }
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void line_1000(struct conf_class *class)
{
	class->max_line = 1000;
}

static void junk_10(struct conf_class *class)
{
	class->max_junk = 10;
}

static void junk_300(struct conf_class *class)
{
	class->max_junk = 300;
}

static void auth_pass(struct conf_class *class)
{
	class->auth = CONF_AUTH_PASS;
}

static void size_1000(struct conf_class *class)
{
	class->max_size = 1000;
}

/* Our line, in three pieces. */
#define OURS \
	"S Received: from a ([10.64.0.2])\n" \
	"S \\tby rtr.example with ESMTP id T1;\nS \\tTue, 14 Nov 2023 22:13:20 +0000\n"
#define OURS_OCTETS	(32 + 35 + 34)

static void size_ours_and_10(struct conf_class *class)
{
	class->received = true;
	class->max_size = OURS_OCTETS + 10;
}

static const struct play junk[] = {
	WITH("B40 the cut is where the class says", junk_10,
	     PLAY_EHLO "> \\{9 ETRN x\\r\\n}\\_\nC \\{9 " REFUSED502 "}\\_\n"
	     "E \\{9 note command_refused\\r\\n}\\_\n"
	     "> ETRN x\n> ETRN x\nC 502 5.5.1 ...\nC 421 4.7.0 ...\nE note command_refused\n" SHUT
	     "= end_junk\n"),
	WITH("B40 more than an octet can count", junk_300,
	     PLAY_EHLO "> \\{299 ETRN x\\r\\n}\\_\nC \\{299 " REFUSED502 "}\\_\n"
	     "E \\{299 note command_refused\\r\\n}\\_\n"
	     "> ETRN x\nC 502 5.5.1 ...\nC 421 4.7.0 ...\nE note command_refused\n" SHUT
	     "= end_junk\n"),
	WITH("B40 MAIL and RSET in turn", junk_10,
	     PLAY_EHLO
	     "> \\{9 MAIL FROM:<a>\\r\\nRSET\\r\\n}\\_\nS \\{9 MAIL FROM:<a>\\r\\nRSET\\r\\n}\\_\n"
	     "< \\{18 250 ok\\r\\n}\\_\nC \\{18 250 ok\\r\\n}\\_\n"
	     "E \\{9 mail a\\r\\nreset\\r\\n}\\_\n"
	     "> MAIL FROM:<a>\n> RSET\n> MAIL FROM:<b>\nS MAIL FROM:<a>\nS RSET\n"
	     "< 250 1\n< 250 2\nC 250 1\nC 250 2\nC 421 4.7.0 ...\nE mail a\nE reset\n" SHUT
	     "= end_junk\n"),
	WITH("B40 NOOP, VRFY, unknown and lines too long count alike", junk_10,
	     PLAY_EHLO
	     "> NOOP\n> RSET\n> VRFY a\n> EXPN b\n> HELP\n> foo\n> \n> STARTTLS\n> AUTH X\n"
	     "S NOOP\nS RSET\nS VRFY a\nS EXPN b\nS HELP\n"
	     "E note recipient_probe\nE note recipient_probe\nE note command_refused\n"
	     "E note command_refused\nE note starttls_refused\nE note auth_refused\n"
	     "< 250 1\n< 250 2\n< 252 3\n< 550 4\n< 214 5\n"
	     "C 250 1\nC 250 2\nC 252 3\nC 550 4\nC 214 5\nE reset\n"
	     "C 502 5.5.1 ...\nC 500 5.5.2 ...\nC 502 5.5.1 ...\nC 573 5.7.1 ...\n"
	     "> \\{5000 x}\n> NOOP\nC 500 5.5.2 line too long...\nC 421 4.7.0 ...\n" SHUT
	     "= end_junk\n"),
	WITH("B40 a message that is accepted starts the count anew", junk_10,
	     PLAY_EHLO "> \\{9 ETRN x\\r\\n}\\_\nC \\{9 " REFUSED502 "}\\_\n"
	     "E \\{9 note command_refused\\r\\n}\\_\n"
	     PLAY_MAIL PLAY_RCPT PLAY_DATA "> a\n> .\nS a\nB a\nA VERDICT\n" TAKEN
	     "> \\{9 ETRN x\\r\\n}\\_\nC \\{9 " REFUSED502 "}\\_\n"
	     "E \\{9 note command_refused\\r\\n}\\_\n"),
};

Test(smtp_limits, junk)
{
	play_all(junk, COUNT(junk));
}

static const struct play borders[] = {
	WITH("E51 a line of max_line", line_1000,
	     PLAY_BODY "> \\{1000 x}\n> .\\{1000 x}\n> .\nS \\{1000 x}\nS .\\{1000 x}\n"
	     "B \\{1000 x}\nB \\{1000 x}\nA VERDICT\n" TAKEN),
	WITH("E51 an octet more", line_1000,
	     PLAY_BODY "> a\n> \\{1001 x}\n> .\nS a\nS \\{1000 x}\\_\nB a\nB \\{1000 x}\\_\n"
	     "A RESET_SERVER\nC 554 5.5.2 line of the message too long [T1] ...\n"
	     "E message_rejected 554\n"),
	WITH("E51 a line without an end", line_1000,
	     PLAY_BODY "> \\{3000 x}\\_\nS \\{1000 x}\\_\nB \\{1000 x}\\_\nA RESET_SERVER\n"
	     "> x\n> .\nC 554 5.5.2 ...\nE message_rejected 554\n"),
	WITH("E43 AUTH, 12,289 octets: 500, and the session goes on", auth_pass,
	     PLAY_EHLO "> AUTH X \\{12280 a}\n> NOOP\nC 500 5.5.2 line too long ...\nS NOOP\n"
	     "< 250 ok\nC 250 ok\n"),
	WITH("E43 within AUTH, 12,288 octets", auth_pass,
	     PLAY_EHLO "> AUTH X\nS AUTH X\n< 334 x\nC 334 x\n> \\{12286 b}\nS \\{12286 b}\n"
	     "< 235 ok\nC 235 ok\n"),
	PLAY("E43 a line of 65,536 octets with its end",
	     PLAY_EHLO "> \\{65534 x}\n> NOOP\nC 500 5.5.2 line too long ...\nS NOOP\n"
	     "< 250 ok\nC 250 ok\n"),
	PLAY("E43 a line of 65,536 octets without one",
	     PLAY_EHLO "> \\{65536 x}\\_\nC 500 5.5.2 line too long ...\nW line\n"
	     "> x\\_\n" SHUT "= end_line_too_long\n"),
	PLAY("E43 a line of 65,537 octets with its end",
	     PLAY_EHLO "> \\{65535 x}\n> NOOP\nC 500 5.5.2 line too long ...\n" SHUT
	     "= end_line_too_long\n"),
	PLAY("E61 a line of 4,096 octets, bare LF counted as one",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250 \\{4091 x}\\n\\_\nC 250 \\{4091 x}\n"),
	PLAY("E61 a line of 4,097 octets in the middle of a reply",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250-a\n< 250-\\{4091 x}\n< 250 b\nC 250-a\n" SHUT
	     "= end_mx_protocol\n"),
	PLAY("E61 101 lines",
	     PLAY_EHLO "> NOOP\nS NOOP\n< \\{100 250-x\\r\\n}\\_\n< 250 x\n"
	     "C \\{100 250-x\\r\\n}\\_\n" SHUT "= end_mx_protocol\n"),
	PLAY("E61 a reply of 65,536 octets",
	     PLAY_EHLO "> NOOP\nS NOOP\n" FIFTEEN("<") "< 250-\\{4084 y}\n< 250 \n"
	     FIFTEEN("C") "C 250-\\{4084 y}\nC 250 \n"),
	PLAY("E61 a reply of 65,537 octets",
	     PLAY_EHLO "> NOOP\nS NOOP\n" FIFTEEN("<") "< 250-\\{4084 y}\n< 250 z\n"
	     FIFTEEN("C") "C 250-\\{4084 y}\n" SHUT "= end_mx_protocol\n"),
	PLAY("E7 an answer to EHLO of 16,384 octets",
	     PLAY_GREET "> EHLO a\nS EHLO a\n< 250-mx\n" THREE("<")
	     "< 250 X\\{4081 x}\nC 250 mx\nE helo a\n"),
	PLAY("E7 an answer to EHLO of 16,385 octets",
	     PLAY_GREET "> EHLO a\nS EHLO a\n< 250-mx\n" THREE("<")
	     "< 250 X\\{4082 x}\n" FAULT),
	WITH("E84 our line counts: as much as is allowed", size_ours_and_10,
	     PLAY_BODY "> 12345678\n> .\n" OURS "S 12345678\nB 12345678\nA VERDICT\n" TAKEN),
	WITH("E84 our line counts: an octet more", size_ours_and_10,
	     PLAY_BODY "> 123456789\n> .\n" OURS "S 123456789\\_\nB 123456789\\_\n"
	     "A RESET_SERVER\nC 552 5.3.4 message too large ...\nE message_rejected 552\n"),
	WITH("E84 our line counts in SIZE=", size_ours_and_10,
	     PLAY_EHLO "> MAIL FROM:<f@a> SIZE=11\nC 552 5.3.4 message too large ...\n"
	     "> MAIL FROM:<f@a> SIZE=10\nS MAIL FROM:<f@a> SIZE=10\n< 250 ok\nC 250 ok\n"
	     "E mail f@a\n"),
};

Test(smtp_limits, borders)
{
	play_all(borders, COUNT(borders));
}

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
	{ "1,001", false }, { "1001k", false }, { "=1001", false }, { "\\xd9\\xa1", false },
	{ "1001 ", true }, { "5 SIZE=1001", true }, { "1001 SIZE=5", true },
	{ "1001 size=x", true }, { "1000 SIZE=999", false },
};

Test(smtp_limits, sizes_declared)
{
	char script[1024];
	struct play play = { .refused = SMTP_REPLY_COUNT, .set = size_1000, .script = script };
	size_t i;

	for (i = 0; i < COUNT(sizes); i++) {
		play.name = sizes[i].text;
		if (sizes[i].refused)
			snprintf(script, sizeof(script), PLAY_EHLO "> MAIL FROM:<a> SIZE=%s\n"
				 "C 552 5.3.4 message too large ...\n", sizes[i].text);
		else
			snprintf(script, sizeof(script), PLAY_EHLO "> MAIL FROM:<a> SIZE=%s\n"
				 "S MAIL FROM:<a> SIZE=%s\n< 250 ok\nC 250 ok\nE mail a\n",
				 sizes[i].text, sizes[i].text);
		play_all(&play, 1);
	}
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

Test(smtp_limits, sizes_offered)
{
	char script[1024];
	struct play play = { .refused = SMTP_REPLY_COUNT, .script = script };
	size_t i;

	for (i = 0; i < COUNT(offers); i++) {
		play.name = offers[i].text;
		play.set = NULL;
		snprintf(script, sizeof(script), PLAY_GREET "> EHLO a\nS EHLO a\n"
			 "< 250-mx\n< 250-LIMITS RCPTMAX=%s MAILMAX%s\n< 250 SIZE%s\n"
			 "C 250-mx\nC 250-LIMITS RCPTMAX=%s MAILMAX%s\nC 250 SIZE%s\nE helo a\n",
			 offers[i].text, offers[i].text, offers[i].text, offers[i].text,
			 offers[i].text, offers[i].text);
		play_all(&play, 1);
		play.set = size_1000;
		snprintf(script, sizeof(script), PLAY_GREET "> EHLO a\nS EHLO a\n"
			 "< 250-mx\n< 250 SIZE%s\nC 250-mx\nC 250 SIZE%s\nE helo a\n",
			 offers[i].text, offers[i].lower ? offers[i].text : " 1000");
		play_all(&play, 1);
	}
}

static const struct play syntax[] = {
	PLAY("E27 BINARYMIME, whatever stands beside it",
	     PLAY_EHLO "> MAIL FROM:<a> BODY=BINARYMIME BODY=7BIT\nC 555 5.5.4 ...\n"
	     "> MAIL FROM:<a> body=8bitmime BODY=binarymime\nC 555 5.5.4 ...\n"),
	PLAY("E40 control octets among parameters: 501 here",
	     PLAY_EHLO "> MAIL FROM:<a> X\\x0bBODY=BINARYMIME\nC 501 5.5.4 ...\n"
	     "> MAIL FROM:<a> SIZE=1\\x7f\nC 501 5.5.4 ...\n"
	     "> RCPT TO:<a> NOTIFY=NEVER\\x0c\nC 501 5.5.4 ...\nE refused 501\n"
	     "> MAIL FROM:<a>\\tSIZE=1\\t\nS MAIL FROM:<a>\\tSIZE=1\\t\n< 250 ok\nC 250 ok\n"
	     "E mail a\n"),
	PLAY("E29 E30 what is no ASCII, and xtext, pass",
	     PLAY_EHLO "> MAIL FROM:<\xc3\xa4@b> SMTPUTF8 ENVID=\xc3\xa4+2B RET=\xff\n"
	     "S MAIL FROM:<\xc3\xa4@b> SMTPUTF8 ENVID=\xc3\xa4+2B RET=\xff\n"
	     "< 250 ok\nC 250 ok\nE mail \xc3\xa4@b\n"),
	PLAY("E41 source routes over literals",
	     PLAY_EHLO "> MAIL FROM:<@[IPv6:::1],@[10.0.0.1]:a@[IPv6:::2]>\n"
	     "S MAIL FROM:<@[IPv6:::1],@[10.0.0.1]:a@[IPv6:::2]>\n< 250 ok\nC 250 ok\n"
	     "E mail a@[IPv6:::2]\n"
	     "> RCPT TO:<@[IPv6:::1>\nS RCPT TO:<@[IPv6:::1>\n< 501 no\nC 501 no\n"
	     "E refused 501 @[IPv6:::1\n"),
	PLAY("E57 a reply that came unasked is not the next command's",
	     PLAY_EHLO "< 554-bye\nC 554-bye\nW idle\n> NOOP\nS NOOP\n< 554 bye\nC 554 bye\n" SHUT
	     "= end_mx_closed\n"),
	PLAY("E57 nor is ours put into it",
	     PLAY_EHLO "< 421-bye\nC 421-bye\n> ETRN x\nE note command_refused\n"
	     "< 421 bye\nC 421 bye\n" SHUT "= end_mx_421\n"),
	PLAY("E57 nor a 421 of ours",
	     PLAY_EHLO "< 421-bye\nC 421-bye\n> NOOP\\nx\n! server-fin\n" SHUT
	     "= end_bare_newline\n"),
	PLAY("E19 a reply begun before the end was sent does not answer it",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n< 250 o\\_\n! accept\nC 421 4.4.2 ...\n"
	     "E message_tempfailed 421\n" CUT "= end_mx_protocol\n< k\n"),
	PLAY("E19 nor does it keep a bad message from its refusal",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n< 250 o\\_\n! reject\nC 550 5.7.1 ...\n"
	     "A RESET_SERVER\nE message_rejected 550\n"),
};

Test(smtp_limits, syntax)
{
	play_all(syntax, COUNT(syntax));
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
