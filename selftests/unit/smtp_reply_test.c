// SPDX-License-Identifier: GPL-2.0
/* What exchangers say, and how sessions end (E53-E83, B6, B105, B106). */
#include <criterion/criterion.h>
#include <stdio.h>

#include "smtp_play.h"

#define SHUT	"A CLOSE_CLIENT DISCARD_CLIENT CLOSE_SERVER\n"
#define CUT	"A CLOSE_CLIENT DISCARD_CLIENT RESET_SERVER\n"
#define ABORT	"A RESET_CLIENT RESET_SERVER\n"
#define FAULT \
	"C 421 4.4.2 connection to the mail exchanger was lost [T1]\n" SHUT "= end_mx_protocol\n"

#define X10	"xxxxxxxxxx"
#define X100	X10 X10 X10 X10 X10 X10 X10 X10 X10 X10

static const struct play replies[] = {
	PLAY("E53 lines are relayed as they come",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250-a\nC 250-a\nW reply\n< 250-b\nC 250-b\n< 250 c\n"
	     "C 250 c\nW idle\n"),
	PLAY("E54 code alone, and alone at the end of several",
	     PLAY_EHLO "> NOOP\n> NOOP\nS NOOP\nS NOOP\n< 250\nC 250\n< 250-a\n< 250\nC 250-a\n"
	     "C 250\nW idle\n"),
	PLAY("E54 nothing behind the separator",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250-\n< 250 \nC 250-\nC 250 \n"),
	PLAY("E55 LF alone leaves as CRLF",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250-a\\n250 b\\n\\_\nC 250-a\nC 250 b\n"),
	PLAY("E56 unknown codes go by their first digit",
	     PLAY_EHLO PLAY_MAIL "> RCPT TO:<x>\n> RCPT TO:<y>\n> RCPT TO:<z>\n"
	     "S RCPT TO:<x>\nS RCPT TO:<y>\nS RCPT TO:<z>\n"
	     "< 299 1\n< 499 2\n< 599 3\nC 299 1\nC 499 2\nC 599 3\n"
	     "E rcpt x\nE refused 499 y\nE refused 599 z\n"),
	PLAY("E62 enhanced codes and text are relayed",
	     PLAY_EHLO PLAY_MAIL "> RCPT TO:<x>\nS RCPT TO:<x>\n"
	     "< 550-5.1.1 <x>: \xc3\xa4\\t\\x1b\n< 550 5.1.1 no\n"
	     "C 550-5.1.1 <x>: \xc3\xa4\\t\\x1b\n"
	     "C 550 5.1.1 no\nE refused 550 x\n"),
	PLAY("E61 a line of 4,094 octets and CRLF",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250 \\{4090 x}\nC 250 \\{4090 x}\n"),
	PLAY("E61 a longer line", PLAY_EHLO "> NOOP\nS NOOP\n< 250 \\{4091 x}\n" FAULT),
	PLAY("E61 no line end at all", PLAY_EHLO "> NOOP\nS NOOP\n< 250 \\{20000 x}\\_\n" FAULT),
	PLAY("E61 a hundred lines",
	     PLAY_EHLO "> NOOP\nS NOOP\n< \\{99 250-x\\r\\n}\\_\n< 250 x\n"
	     "C \\{99 250-x\\r\\n}\\_\nC 250 x\n"),
	PLAY("E61 a thousand lines: closed within the reply, without a word",
	     PLAY_EHLO "> NOOP\nS NOOP\n< \\{1000 250-x\\r\\n}\\_\nC \\{100 250-x\\r\\n}\\_\n"
	     SHUT
	     "= end_mx_protocol\n"),
	PLAY("E61 more than 64 KB in fewer lines",
	     PLAY_EHLO "> NOOP\nS NOOP\n"
	     "< \\{99 250-" X100 X100 X100 X100 X100 X100 X100 "\\r\\n}\\_\n"
	     "C \\{92 250-" X100 X100 X100 X100 X100 X100 X100 "\\r\\n}\\_\n" SHUT),
	PLAY("B6 code changes between lines",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250-a\n< 550 b\nC 250-a\n" SHUT "= end_mx_protocol\n"),
	PLAY("B6 digits in the third line only differ",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250-a\n< 250-b\n< 251 c\nC 250-a\nC 250-b\n" SHUT),
	PLAY("B6 NUL in a reply", PLAY_EHLO "> NOOP\nS NOOP\n< 250 a\\0b\n" FAULT),
	PLAY("B6 CR in a reply", PLAY_EHLO "> NOOP\nS NOOP\n< 250 a\\r250 b\n" FAULT),
	PLAY("B6 CR before CRLF", PLAY_EHLO "> NOOP\nS NOOP\n< 250 a\\r\n" FAULT),
	PLAY("B6 empty line", PLAY_EHLO "> NOOP\nS NOOP\n< \n" FAULT),
	PLAY("B6 no code", PLAY_EHLO "> NOOP\nS NOOP\n< ok\n" FAULT),
	PLAY("B6 two digits", PLAY_EHLO "> NOOP\nS NOOP\n< 25 ok\n" FAULT),
	PLAY("B6 four digits", PLAY_EHLO "> NOOP\nS NOOP\n< 2500 ok\n" FAULT),
	PLAY("B6 letters in the code", PLAY_EHLO "> NOOP\nS NOOP\n< 2x0 ok\n" FAULT),
	PLAY("B6 another separator", PLAY_EHLO "> NOOP\nS NOOP\n< 250=ok\n" FAULT),
	PLAY("B6 tab as separator", PLAY_EHLO "> NOOP\nS NOOP\n< 250\\tok\n" FAULT),
	PLAY("B6 blank before the code", PLAY_EHLO "> NOOP\nS NOOP\n<  250 ok\n" FAULT),
	PLAY("B6 binary", PLAY_EHLO "> NOOP\nS NOOP\n< \\xff\\xfe\\n\\_\n" FAULT),
	PLAY("E56 1xx", PLAY_EHLO "> NOOP\nS NOOP\n< 150 wait\n" FAULT),
	PLAY("E56 6xx", PLAY_EHLO "> NOOP\nS NOOP\n< 650 what\n" FAULT),
	PLAY("E56 000", PLAY_EHLO "> NOOP\nS NOOP\n< 000 x\n" FAULT),
	PLAY("E56 354 to MAIL", PLAY_EHLO "> MAIL FROM:<a>\nS MAIL FROM:<a>\n< 354 go\n" FAULT),
	PLAY("E56 334 to EHLO", PLAY_GREET "> EHLO a\nS EHLO a\n< 334 x\n" FAULT),
	PLAY("E56 354 as greeting", "< 354 go\n" FAULT),
	PLAY("E59 two replies to one command",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250 a\n< 250 b\nC 250 a\n" FAULT),
	PLAY("E57 a reply before any command", PLAY_EHLO "< 250 a\n" FAULT),
	PLAY("E57 two greetings", "< 220 a\n< 220 b\nC 220 a\n" FAULT),
	PLAY("E57 421 without a command", PLAY_EHLO "< 421-idle\n< 421 bye\nC 421-idle\n"
	     "C 421 bye\n" SHUT
	     "= end_mx_421\n"),
	PLAY("E57 5xx without a command", PLAY_EHLO "< 554 bye\nC 554 bye\n" SHUT
	     "= end_mx_closed\n"),
	PLAY("E57 4xx without a command", PLAY_EHLO "< 450 hm\n" FAULT),
	PLAY("E58 421 in a pipeline: the rest is not answered",
	     PLAY_EHLO "> MAIL FROM:<a>\n> RCPT TO:<b>\n> AUTH\nS MAIL FROM:<a>\nS RCPT TO:<b>\n"
	     "E note auth_refused\n< 250 ok\n< 421 bye\n< 250 x\nC 250 ok\nC 421 bye\n"
	     "E mail a\nE refused 421 b\n" SHUT "= end_mx_421\n"),
	PLAY("E58 421 to DATA, octets behind it",
	     PLAY_EHLO PLAY_MAIL "> DATA\n> x\nS DATA\n< 421 bye\nC 421 bye\n" SHUT
	     "= end_mx_421\n"),
	PLAY("E58 421 to QUIT", PLAY_EHLO "> QUIT\nS QUIT\n< 421 bye\nC 421 bye\n" SHUT
	     "= end_mx_421\n"),
};

Test(smtp_reply, replies)
{
	play_all(replies, sizeof(replies) / sizeof(replies[0]));
}

static const struct play ends[] = {
	PLAY("E63 E64 greeting of several lines, in time and late",
	     "W greeting\n< 220-mx\nC 220-mx\nW greeting\n< 220-\\{70 x}\n< 220 y\n"
	     "C 220-\\{70 x}\nC 220 y\nW idle\n"),
	PLAY("greeting time-out: close", "! expire\n" SHUT "= end_timeout_greeting\n"),
	PLAY("E66 554 greeting, QUIT works",
	     "< 554 no\nC 554 no\n" PLAY_QUIT),
	PLAY("E66 521 greeting, exchanger closes",
	     "< 521 no\nC 521 no\n! server-fin\n" SHUT "= end_mx_closed\n"),
	PLAY("E67 4xx greeting, exchanger closes",
	     "< 450 no\nC 450 no\n! server-fin\n" SHUT "= end_mx_closed\n"),
	PLAY("E67 421 greeting", "< 421 busy\nC 421 busy\n" SHUT "= end_mx_421\n"),
	PLAY("exchanger closes without a greeting", "! server-fin\n" SHUT "= end_mx_closed\n"),
	PLAY("exchanger closes within the greeting",
	     "< 220-mx\nC 220-mx\n! server-fin\n" SHUT "= end_mx_closed\n"),
	PLAY("E71 exchanger resets, idle", PLAY_EHLO "! server-rst\n" ABORT "= end_mx_reset\n"),
	PLAY("E71 exchanger resets: what it had said is delivered",
	     PLAY_EHLO "> MAIL FROM:<a>\n> RCPT TO:<b>\nS MAIL FROM:<a>\nS RCPT TO:<b>\n"
	     "< 250 ok\n< 25\\_\nC 250 ok\nE mail a\n! server-rst\n" ABORT "= end_mx_reset\n"),
	PLAY("exchanger closes, idle", PLAY_EHLO "! server-fin\n" SHUT "= end_mx_closed\n"),
	PLAY("exchanger closes with a command unanswered",
	     PLAY_EHLO "> NOOP\n> NOOP\nS NOOP\nS NOOP\n! server-fin\nC 421 4.4.2 ...\n" SHUT
	     "= end_mx_closed\n"),
	PLAY("exchanger closes within a reply: nothing is put into it",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250-a\nC 250-a\n! server-fin\n" SHUT
	     "= end_mx_closed\n"),
	PLAY("E79 QUIT, 221, exchanger closes", PLAY_EHLO PLAY_QUIT),
	PLAY("E79 QUIT, 221, client closes first",
	     PLAY_EHLO "> QUIT\nS QUIT\n< 221 x\nC 221 x\n! client-fin\n" SHUT "= end_quit\n"),
	PLAY("E79 QUIT, 221, client resets",
	     PLAY_EHLO "> QUIT\nS QUIT\n< 221 x\nC 221 x\n! client-rst\n" ABORT),
	PLAY("E79 QUIT, 221, nobody closes",
	     PLAY_EHLO "> QUIT\nS QUIT\n< 221 x\nC 221 x\nW closing\n! expire\n" ABORT
	     "= end_quit\n"),
	PLAY("E79 QUIT, exchanger closes without 221",
	     PLAY_EHLO "> QUIT\nS QUIT\n! server-fin\n" SHUT "= end_quit\n"),
	PLAY("E79 QUIT refused: the session goes on",
	     PLAY_EHLO "> QUIT x\nS QUIT x\n< 501 no\nC 501 no\n" PLAY_MAIL),
	PLAY("E79 octets behind QUIT go nowhere",
	     PLAY_EHLO "> QUIT\n> MAIL FROM:<a>\n> \\0\\n\\_\nS QUIT\n< 221 x\nC 221 x\n"
	     "> RSET\n"),
	PLAY("E73 QUIT and FIN: the answers still go out",
	     PLAY_EHLO "> RSET\n> QUIT\nS RSET\nS QUIT\n! client-fin\n< 250 ok\nC 250 ok\n"
	     "E reset\n"
	     "< 221 x\nC 221 x\n" SHUT "= end_quit\n"),
	PLAY("E73 FIN with answers owed: they go out first",
	     PLAY_EHLO "> RSET\n> NOOP\nS RSET\nS NOOP\n! client-fin\n< 250 1\nC 250 1\nE reset\n"
	     "< 250 2\nC 250 2\n" SHUT "= end_client_closed\n"),
	PLAY("E73 FIN within a command",
	     PLAY_EHLO "> RSE\\_\n! client-fin\n" CUT "= end_client_closed\n"),
	PLAY("E73 FIN within a long line",
	     PLAY_EHLO "> \\{5000 x}\\_\nC 500 5.5.2 ...\n! client-fin\n" CUT
	     "= end_client_closed\n"),
	PLAY("E79 client closes without QUIT", PLAY_EHLO "! client-fin\n" SHUT
	     "= end_client_closed\n"),
	PLAY("client closes before the greeting: it still gets it",
	     "! client-fin\n< 220 mx\nC 220 mx\n" SHUT "= end_client_closed\n"),
	PLAY("E72 client resets with answers owed",
	     PLAY_EHLO "> NOOP\nS NOOP\n! client-rst\n" ABORT "= end_client_reset\n< 250 x\n"),
	PLAY("E80 idle", PLAY_EHLO "! expire\nC 421 4.4.2 time-out, closing [T1]\n" SHUT
	     "= end_timeout_idle\n"),
	PLAY("idle within a transaction", PLAY_EHLO PLAY_MAIL "W idle\n! expire\n"
	     "C 421 4.4.2 ...\n" SHUT),
	PLAY("a line is begun and not ended", PLAY_EHLO "> NOO\\_\nW line\n! expire\n"
	     "C 421 4.4.2 ...\n" SHUT
	     "= end_timeout_line\n"),
	PLAY("reply time-out",
	     PLAY_EHLO "> NOOP\nS NOOP\nW reply\n! expire\nC 421 4.4.2 ...\n" SHUT
	     "= end_timeout_reply\n"),
	PLAY("reply time-out within a reply",
	     PLAY_EHLO "> NOOP\nS NOOP\n< 250-x\nC 250-x\n! expire\n" SHUT
	     "= end_timeout_reply\n"),
	PLAY("after the end a second time-out resets",
	     PLAY_EHLO "! expire\nC 421 4.4.2 ...\n" SHUT "W closing\n! expire\n" ABORT),
	PLAY("after the end nothing is taken for anything",
	     PLAY_EHLO "! expire\nC 421 4.4.2 ...\n" SHUT
	     "> QUIT\n< 250 x\n! accept\n! shutdown\n! server-fin\n! client-fin\n"
	     "= end_timeout_idle\n"),
	PLAY("E83 shutdown, idle", PLAY_EHLO "! shutdown\nC 421 4.3.2 ...\n" SHUT
	     "= end_shutdown\n"),
	PLAY("E83 shutdown before the greeting",
	     "! shutdown\n< 220 mx\nC 220 mx\nC 421 4.3.2 ...\n" SHUT),
	PLAY("E83 shutdown with an answer owed",
	     PLAY_EHLO "> NOOP\nS NOOP\n! shutdown\n< 250 x\nC 250 x\nC 421 4.3.2 ...\n" SHUT),
	PLAY("E83 shutdown lets a transaction end",
	     PLAY_EHLO PLAY_MAIL "! shutdown\n" PLAY_RCPT PLAY_DATA "> a\n> .\nS a\nB a\n"
	     "A VERDICT\n"
	     "! accept\nS .\n< 250 ok\nC 250 ok\nC 421 4.3.2 ...\nE message_accepted 250\n" SHUT
	     "= end_shutdown\n"),
	PLAY("E83 shutdown after RSET",
	     PLAY_EHLO PLAY_MAIL "! shutdown\n> RSET\nS RSET\n< 250 ok\nC 250 ok\n"
	     "C 421 4.3.2 ...\n"
	     "E reset\n" SHUT),
};

Test(smtp_reply, ends)
{
	play_all(ends, sizeof(ends) / sizeof(ends[0]));
}

static const struct play refused[] = {
	{ .name = "E81 quarantined", .refused = SMTP_REPLY_quarantine, .script =
	  "C 554 5.7.1 sending on port 25 is blocked for this line [T1] http://help.example/\n"
	  "W idle\n"
	  "> EHLO a\n> MAIL FROM:<x>\nC 503 5.5.1 ...\nC 503 5.5.1 ...\n"
	  "> QUIT\nC 221 2.0.0 ...\nA CLOSE_CLIENT DISCARD_CLIENT\n= end_quit\n" },
	{ .name = "E81 quarantined, octets at once", .refused = SMTP_REPLY_quarantine, .script =
	  "C 554 5.7.1 ...\n> \\x16\\x03\\x01\\_\nA RESET_CLIENT\n= end_tls_on_connect\n" },
	{ .name = "E81 quarantined, idle", .refused = SMTP_REPLY_quarantine, .script =
	  "C 554 5.7.1 ...\n! expire\nC 421 4.4.2 ...\nA CLOSE_CLIENT DISCARD_CLIENT\n"
	  "= end_timeout_idle\n" },
	{ .name = "E81 quarantined, talks on", .refused = SMTP_REPLY_quarantine, .script =
	  "C 554 5.7.1 ...\n> \\{120 HELO a\\r\\n}\\_\n"
	  "C \\{100 503 5.5.1 bad sequence of commands [T1] http://help.example/\\r\\n}\\_\n"
	  "C 421 4.7.0 ...\nA CLOSE_CLIENT DISCARD_CLIENT\n= end_junk\n" },
	{ .name = "E82 over a limit", .refused = SMTP_REPLY_closing_overload, .script =
	  "C 421 4.3.2 too busy, try again later [T1]\nA CLOSE_CLIENT DISCARD_CLIENT\n> QUIT\n" },
	{ .name = "E82 over a limit of the line's", .refused = SMTP_REPLY_closing_limit, .script =
	  "C 421 4.7.0 too many connections or commands, try again later [T1]\n"
	  "A CLOSE_CLIENT DISCARD_CLIENT\n> EHLO a\n> QUIT\n" },
	{ .name = "shutdown", .refused = SMTP_REPLY_closing_shutdown, .script =
	  "C 421 4.3.2 ...\nA CLOSE_CLIENT DISCARD_CLIENT\n= end_shutdown\n" },
};

Test(smtp_reply, refused)
{
	play_all(refused, sizeof(refused) / sizeof(refused[0]));
}

/* B100: every reply of ours has its code, an enhanced code of the same class, and fits. */
Test(smtp_reply, rows)
{
	unsigned int code, i;
	const char *enhanced, *text;

	for (i = 0; i < SMTP_REPLY_COUNT; i++) {
		text = smtp_reply_text((enum smtp_reply)i, &code, &enhanced);
		cr_assert(code >= 200 && code < 600, "row %u", i);
		cr_assert((unsigned int)(enhanced[0] - '0') == code / 100, "row %u", i);
		cr_assert(strlen(text) <= 200, "row %u", i);
	}
}
