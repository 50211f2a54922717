// SPDX-License-Identifier: GPL-2.0
/* DATA, the message, its end, and what looks like an end (E13-E19, E46-E52, B4, B5). */
#include <criterion/criterion.h>
#include <stdio.h>

#include "smtp_play.h"

#define SHUT	"A CLOSE_CLIENT DISCARD_CLIENT CLOSE_SERVER\n"
#define CUT	"A CLOSE_CLIENT DISCARD_CLIENT RESET_SERVER\n"
#define ABORT	"A RESET_CLIENT RESET_SERVER\n"
#define TAKEN	"! accept\nS .\nW dot\n< 250 ok\nC 250 ok\nE message_accepted 250\nW idle\n"

static void received_on(struct conf_class *class)
{
	class->received = true;
}

static void size_20(struct conf_class *class)
{
	class->max_size = 20;
}

#define WITH(name_, set_, ...) \
	{ .name = name_, .refused = SMTP_REPLY_COUNT, .set = set_, .script = __VA_ARGS__ }

static const struct play messages[] = {
	PLAY("E48 E52 stuffing, empty lines, dots",
	     PLAY_BODY
	     "> \n> ..\n> ...\n> .x\n> a.\n> . \n> \n> .\n"
	     "S \nS ..\nS ...\nS .x\nS a.\nS . \nS \n"
	     "B \nB .\nB ..\nB x\nB a.\nB  \nB \nA VERDICT\n" TAKEN),
	PLAY("E52 only a dot", PLAY_BODY "> .\nA VERDICT\n" TAKEN),
	PLAY("E52 no header, 8-bit, control octets",
	     PLAY_BODY "> \xff\xfe\\x01\\x7f\\x1b\n> .\nS \xff\xfe\\x01\\x7f\\x1b\n"
	     "B \xff\xfe\\x01\\x7f\\x1b\nA VERDICT\n" TAKEN),
	PLAY("E13 octets of a message that came with DATA",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT
	     "> DATA\n> a\n> .\n> QUIT\nS DATA\nW data\n< 354-go\n< 354 on\n"
	     "C 354-go\nC 354 on\nE data\nS a\nB a\nA VERDICT\nW verdict\n"
	     "! accept\nS .\nW dot\n< 250 ok\nC 250 ok\nE message_accepted 250\nS QUIT\n"
	     "< 221 bye\nC 221 bye\n"),
	PLAY("E13 commands behind the dot wait for its answer",
	     PLAY_BODY "> a\n> .\n> MAIL FROM:<2>\n> RCPT TO:<3>\nS a\nB a\nA VERDICT\n"
	     "! accept\nS .\n< 250 ok\nC 250 ok\nE message_accepted 250\n"
	     "S MAIL FROM:<2>\nS RCPT TO:<3>\n< 250 ok\n< 250 ok\nC 250 ok\nC 250 ok\n"
	     "E mail 2\nE rcpt 3\n"),
	PLAY("E76 several messages in a session",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n" TAKEN
	     PLAY_MAIL PLAY_RCPT PLAY_DATA "> b\n> .\nS b\nB b\nA VERDICT\n"
	     "! accept\nS .\n< 552 big\nC 552 big\nE message_rejected 552\n"
	     PLAY_MAIL PLAY_RCPT PLAY_DATA "> c\n> .\nS c\nB c\nA VERDICT\n"
	     "! accept\nS .\n< 451-not\n< 451 now\nC 451-not\nC 451 now\n"
	     "E message_tempfailed 451\n"
	     PLAY_QUIT),
	PLAY("E51 a line of 5,000 octets",
	     PLAY_BODY "> \\{5000 x}\n> .\nS \\{5000 x}\nB \\{5000 x}\nA VERDICT\n" TAKEN),
	PLAY("E56 any 3xx to DATA asks for the message",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "> DATA x\nS DATA x\n< 399 hm\nC 399 hm\nE data\n"
	     "> .\nA VERDICT\n" TAKEN),
	PLAY("E15 every recipient was refused, yet 354: a lone dot is no message",
	     PLAY_EHLO PLAY_MAIL
	     "> RCPT TO:<x>\n> DATA\nS RCPT TO:<x>\nS DATA\n< 550 no\n< 354 go\n"
	     "C 550 no\nC 354 go\nE refused 550 x\n"
	     "> .\nS .\nW dot\n< 554 no recipients\nC 554 no recipients\nW idle\n" PLAY_QUIT),
	PLAY("E15 every recipient was refused, but a message comes: it is judged",
	     PLAY_EHLO PLAY_MAIL
	     "> RCPT TO:<x>\n> DATA\nS RCPT TO:<x>\nS DATA\n< 550 no\n< 354 go\n"
	     "C 550 no\nC 354 go\nE refused 550 x\n"
	     "> ..a\n> .\nS ..a\nB .a\nE data\nA VERDICT\n"
	     "! accept\nS .\n< 554 no\nC 554 no\nE message_rejected 554\n"),
	WITH("E84 Received in front of the message", received_on,
	     PLAY_BODY "> Subject: x\n> .\n"
	     "S Received: from a ([10.64.0.2])\n"
	     "S \\tby rtr.example with ESMTP id T1;\nS \\tTue, 14 Nov 2023 22:13:20 +0000\n"
	     "S Subject: x\nB Subject: x\nA VERDICT\n" TAKEN),
	WITH("E84 Received in front of nothing, after HELO with odd octets", received_on,
	     PLAY_GREET "> HELO [a](b);c\\x01\\xe9 d\nS HELO [a](b);c\\x01\\xe9 d\n"
	     "< 250 mx\nC 250 mx\nE helo [a](b);c\\x01\\xe9 d\n"
	     PLAY_MAIL PLAY_RCPT PLAY_DATA
	     "> .\nS Received: from [a]?b??c???d ([10.64.0.2])\n"
	     "S \\tby rtr.example with SMTP id T1;\nS \\tTue, 14 Nov 2023 22:13:20 +0000\n"
	     "A VERDICT\n"
	     TAKEN),
	WITH("E84 Received without HELO, SMTPUTF8", received_on,
	     PLAY_GREET "> MAIL FROM:<a> SMTPUTF8\nS MAIL FROM:<a> SMTPUTF8\n< 250 ok\nC 250 ok\n"
	     "E mail a\n" PLAY_RCPT PLAY_DATA
	     "> .\nS Received: from unknown ([10.64.0.2])\n"
	     "S \\tby rtr.example with UTF8SMTP id T1;\n"
	     "S \\tTue, 14 Nov 2023 22:13:20 +0000\nA VERDICT\n" TAKEN),
	WITH("E15 no Received for a lone dot that is no message", received_on,
	     PLAY_EHLO PLAY_MAIL "> DATA\nS DATA\n< 354 go\nC 354 go\n> .\nS .\n< 554 no\n"
	     "C 554 no\n"),
	WITH("E31 as large as allowed", size_20,
	     PLAY_BODY "> 1234567\n> ..23456789\n> .\nS 1234567\nS ..23456789\n"
	     "B 1234567\nB .23456789\nA VERDICT\n" TAKEN),
	WITH("E31 one octet too large", size_20,
	     PLAY_BODY "> 1234567\n> 1234567890\n> .\n> RSET\nS 1234567\nS 1234567890\\_\n"
	     "B 1234567\nB 1234567890\\_\nA RESET_SERVER\nC 552 5.3.4 message too large ...\n"
	     "E message_rejected 552\nC 250 2.0.0 ...\n"),
	WITH("E31 far too large", size_20,
	     PLAY_BODY "> \\{3000 x}\n> \n> .\nS \\{20 x}\\_\nB \\{20 x}\\_\nA RESET_SERVER\n"
	     "C 552 5.3.4 ...\nE message_rejected 552\n"),
};

Test(smtp_data, messages)
{
	play_all(messages, sizeof(messages) / sizeof(messages[0]));
}

#define REFUSED_HERE \
	"> a\n> .\nS a\nB a\nA VERDICT\n! reject\nC 550 5.7.1 ...\nA RESET_SERVER\n" \
	"E message_rejected 550\n"

static const struct play verdicts[] = {
	PLAY("E17 refused: anything but RSET, NOOP, QUIT ends it",
	     PLAY_BODY REFUSED_HERE
	     "> MAIL FROM:<a>\n> NOOP\n"
	     "C 421 4.7.0 a message was refused, open a new connection [T1]\n"
	     "A CLOSE_CLIENT DISCARD_CLIENT\n= end_rejected\n"),
	PLAY("E17 refused: commands behind the dot",
	     PLAY_BODY "> a\n> .\n> RSET\n> noop x\n> QUIT\n> QUIT\nS a\nB a\nA VERDICT\n"
	     "! reject\nC 550 5.7.1 ...\nC 250 2.0.0 ...\nC 250 2.0.0 ...\nC 221 2.0.0 ...\n"
	     "A RESET_SERVER CLOSE_CLIENT DISCARD_CLIENT\nE message_rejected 550\n= end_quit\n"),
	PLAY("E17 refused: the exchanger's words are not heard any more",
	     PLAY_BODY REFUSED_HERE "< 250 ok\n< garbage\n! server-rst\n> RSET\n"
	     "C 250 2.0.0 ...\n"),
	PLAY("E17 refused: idle",
	     PLAY_BODY REFUSED_HERE "W idle\n! expire\nC 421 4.4.2 ...\n"
	     "A CLOSE_CLIENT DISCARD_CLIENT\n= end_timeout_idle\n"),
	PLAY("E17 refused: client leaves",
	     PLAY_BODY REFUSED_HERE "! client-fin\nA CLOSE_CLIENT DISCARD_CLIENT\n"
	     "= end_client_closed\n"),
	PLAY("E17 no verdict: 451",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n"
	     "! tempfail\nC 451 4.7.1 message cannot be checked now, try again later [T1]\n"
	     "A RESET_SERVER\nE message_tempfailed 451\n"
	     "> RSET\nC 250 2.0.0 ...\n> HELP\nC 421 4.7.0 ...\n"
	     "A CLOSE_CLIENT DISCARD_CLIENT\n= end_verdict_failed\n"),
	PLAY("E17 verdict does not come in time",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\nW verdict\n"
	     "! expire\nC 451 4.7.1 ...\nA RESET_SERVER\nE message_tempfailed 451\n"
	     "! accept\n! reject\n> QUIT\nC 221 2.0.0 ...\nA CLOSE_CLIENT DISCARD_CLIENT\n"),
	PLAY("E17 dropped",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n! drop\n" ABORT
	     "E message_aborted 0\n= end_rejected\n"),
	PLAY("early refusal: the rest is swallowed, answered at the dot",
	     PLAY_BODY "> a\n> b\nS a\nS b\nB a\nB b\n! reject\nA RESET_SERVER\n"
	     "> c\n> ..\n> \n> .\n> RSET\nC 550 5.7.1 ...\nC 250 2.0.0 ...\n"
	     "E message_rejected 550\n"),
	PLAY("early refusal within a line and behind a CR",
	     PLAY_BODY "> a\\r\\_\nS a\\_\nB a\\_\n! reject\nA RESET_SERVER\n"
	     "> \\n.\nC 550 5.7.1 ...\nE message_rejected 550\n"),
	PLAY("early refusal behind a dot",
	     PLAY_BODY "> a\n> .\\_\nS a\nB a\n! tempfail\nA RESET_SERVER\n"
	     "> \\r\\n\\_\nC 451 4.7.1 ...\nE message_tempfailed 451\n"),
	PLAY("early drop",
	     PLAY_BODY "> a\nS a\nB a\n! drop\n" ABORT "E message_aborted 0\n"),
	PLAY("early accept means nothing",
	     PLAY_BODY "> a\nS a\nB a\n! accept\n> .\nA VERDICT\n" TAKEN),
	PLAY("E74 client reset while the verdict is pending: no dot",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n! client-rst\n" ABORT
	     "E message_aborted 0\n= end_client_reset\n! accept\n"),
	PLAY("E73 client's FIN behind the dot: the answer still goes out",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n! client-fin\n"
	     "! accept\nS .\n< 250 ok\nC 250 ok\nE message_accepted 250\n" SHUT
	     "= end_client_closed\n"),
	PLAY("E73 QUIT and FIN behind the dot",
	     PLAY_BODY "> a\n> .\n> QUIT\nS a\nB a\nA VERDICT\n! client-fin\n"
	     "! accept\nS .\n< 250 ok\nC 250 ok\nE message_accepted 250\nS QUIT\n"
	     "< 221 x\nC 221 x\n" SHUT "= end_quit\n"),
	PLAY("E72 client resets behind the dot",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n! accept\nS .\n! client-rst\n" ABORT
	     "E message_aborted 0\n"),
	PLAY("E73 FIN within the message",
	     PLAY_BODY "> a\n> b\\_\nS a\nS b\\_\nB a\nB b\\_\n! client-fin\n" CUT
	     "E message_aborted 0\n= end_client_closed\n"),
	PLAY("E73 FIN behind the lone dot octet",
	     PLAY_BODY "> a\n> .\\_\nS a\nB a\n! client-fin\n" CUT "E message_aborted 0\n"),
	PLAY("E73 FIN with DATA, then 354",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "> DATA\nS DATA\n! client-fin\n< 354 go\nC 354 go\n"
	     "E data\nE message_aborted 0\n" CUT),
	PLAY("body time-out: closed without the dot",
	     PLAY_BODY "> a\nS a\nB a\nW body\n! expire\n" CUT "E message_aborted 0\n"
	     "= end_timeout_body\n"),
	PLAY("body time-out within a lost message: its answer, then the end",
	     PLAY_BODY "> a\\n\\_\nS a\\_\nB a\\_\nA RESET_SERVER\nW body\n"
	     "! expire\nC 550 5.5.2 ...\nE message_rejected 550\nA CLOSE_CLIENT DISCARD_CLIENT\n"
	     "= end_timeout_body\n"),
	PLAY("dot time-out: 451, close",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n! accept\nS .\nW dot\n"
	     "! expire\nC 451 4.4.2 no answer from the mail exchanger [T1]\n" CUT
	     "E message_tempfailed 451\n= end_timeout_dot\n"),
	PLAY("DATA time-out: 421, close",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "> DATA\nS DATA\nW data\n! expire\nC 421 4.4.2 ...\n"
	     CUT
	     "= end_timeout_data\n"),
};

Test(smtp_data, verdicts)
{
	play_all(verdicts, sizeof(verdicts) / sizeof(verdicts[0]));
}

static const struct play exchangers[] = {
	PLAY("E19 5xx before the dot: given at the dot, then the end",
	     PLAY_BODY "> a\nS a\nB a\n< 552-too\n< 552 big\nW body\n> b\n> ..\n> .\n> QUIT\n"
	     "C 552-too\nC 552 big\nE message_rejected 552\n" CUT "= end_mx_during_data\n"),
	PLAY("E19 421 before the dot",
	     PLAY_BODY "> a\nS a\nB a\n< 421 bye\n! server-fin\n> .\nC 421 bye\n"
	     "E message_tempfailed 421\n" CUT "= end_mx_421\n"),
	PLAY("E19 451 while the verdict is pending: it counts, the verdict does not",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n< 451 no\nC 451 no\n"
	     "E message_tempfailed 451\n" CUT "! accept\n"),
	PLAY("E19 first line before the dot, the rest behind it",
	     PLAY_BODY "> a\nS a\nB a\n< 550-no\n> .\nC 550-no\nW dot\n< 550 no\nC 550 no\n"
	     "E message_rejected 550\n" CUT),
	PLAY("E19 early reply that breaks off",
	     PLAY_BODY "> a\nS a\nB a\n< 550-no\n! server-rst\n> .\nC 550-no\n"
	     "E message_aborted 0\n" ABORT "= end_mx_reset\n"),
	PLAY("E19 early reply whose code changes",
	     PLAY_BODY "> a\nS a\nB a\n< 550-no\n< 250 yes\n> .\nC 550-no\nE message_aborted 0\n"
	     CUT
	     "= end_mx_protocol\n"),
	PLAY("E19 client stalls after an early reply: it gets it",
	     PLAY_BODY "> a\nS a\nB a\n< 552 big\n! expire\nC 552 big\nE message_rejected 552\n"
	     CUT
	     "= end_timeout_body\n"),
	PLAY("E19 2xx before the dot is never relayed",
	     PLAY_BODY "> a\nS a\nB a\n< 250 ok\nE message_aborted 0\n" CUT
	     "= end_mx_protocol\n"),
	PLAY("E19 2xx while the verdict is pending is never relayed",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n< 250 ok\nC 421 4.4.2 ...\n"
	     "E message_tempfailed 421\n" CUT "= end_mx_protocol\n! accept\n"),
	PLAY("E19 354 again", PLAY_BODY "< 354 more\nE message_aborted 0\n" CUT),
	PLAY("E19 garbage within the message", PLAY_BODY "< hello\nE message_aborted 0\n" CUT),
	PLAY("E71 exchanger resets within the message",
	     PLAY_BODY "> a\nS a\nB a\n! server-rst\n" ABORT "E message_aborted 0\n"
	     "= end_mx_reset\n"),
	PLAY("exchanger closes within the message: 421 at the dot",
	     PLAY_BODY "> a\nS a\nB a\n! server-fin\nA RESET_SERVER\n> b\n> .\nC 421 4.4.2 ...\n"
	     "E message_tempfailed 421\nA CLOSE_CLIENT DISCARD_CLIENT\n= end_mx_during_data\n"),
	PLAY("exchanger closes while the verdict is pending",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n! server-fin\nC 421 4.4.2 ...\n"
	     "E message_tempfailed 421\n" CUT "= end_mx_closed\n! accept\n"),
	PLAY("B11 exchanger closes behind the dot: no 2xx",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n! accept\nS .\n! server-fin\n"
	     "C 421 4.4.2 ...\nE message_tempfailed 421\n" CUT),
	PLAY("B11 exchanger resets behind the dot",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n! accept\nS .\n! server-rst\n" ABORT
	     "E message_aborted 0\n"),
	PLAY("E58 421 to the dot",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n! accept\nS .\n< 421 later\nC 421 later\n"
	     "E message_tempfailed 421\n" SHUT "= end_mx_421\n"),
	PLAY("E56 3xx to the dot",
	     PLAY_BODY "> a\n> .\nS a\nB a\nA VERDICT\n! accept\nS .\n< 354 go\nC 421 4.4.2 ...\n"
	     "E message_tempfailed 421\n" CUT "= end_mx_protocol\n"),
};

Test(smtp_data, exchangers)
{
	play_all(exchangers, sizeof(exchangers) / sizeof(exchangers[0]));
}

/* B5: all in one segment, DATA refused in twelve ways, five bodies: no octet goes further. */
Test(smtp_data, body_desync)
{
	static const char *const answers[] = {
		"451 no", "503 no", "554 no", "450-a\\r\\n450 b", "500", "599 x",
		"452 4.3.1 full",
		"550-5.7.1 x\\r\\n550-y\\r\\n550 z", "521 no", "400 x", "504 x", "421 bye",
	};
	static const char *const bodies[] = {
		"Subject: x\\r\\n\\r\\nhello", "MAIL FROM:<evil>\\r\\nRCPT TO:<x>\\r\\nDATA",
		"RSET", "..\\r\\n", "\\0\\n\\rQUIT",
	};
	char script[4096];
	struct play play = { .name = "B5", .refused = SMTP_REPLY_COUNT, .script = script };
	size_t i, k;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		bool closing = !strcmp(answers[i], "421 bye");

		for (k = 0; k < sizeof(bodies) / sizeof(bodies[0]); k++) {
			snprintf(script, sizeof(script), PLAY_EHLO
				 "> MAIL FROM:<f>\n> RCPT TO:<t>\n> DATA\n> %s\n> .\n> QUIT\n"
				 "S MAIL FROM:<f>\nS RCPT TO:<t>\nS DATA\n"
				 "< 250 1\n< 250 2\n< %s\nC 250 1\nC 250 2\nC %s\n%s"
				 "E mail f\nE rcpt t\n" SHUT "= %s\n",
				 bodies[k], answers[i], answers[i],
				 closing ? "" : "C 421 4.5.0 ...\n",
				 closing ? "end_mx_421" : "end_desync");
			play_all(&play, 1);
		}
	}
}

static const struct play desync[] = {
	PLAY("B5 all recipients refused and DATA with them",
	     PLAY_EHLO
	     "> MAIL FROM:<f>\n> RCPT TO:<t>\n> DATA\n> RSET\n> .\nS MAIL FROM:<f>\n"
	     "S RCPT TO:<t>\n"
	     "S DATA\n< 550 1\n< 503 2\n< 503 3\nC 550 1\nC 503 2\nC 503 3\nC 421 4.5.0 ...\n"
	     "E refused 503 t\n" SHUT "= end_desync\n"),
	PLAY("E14 nothing behind a refused DATA: the session goes on",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "> DATA\nS DATA\n< 451 no\nC 451 no\n"
	     "> RSET\nS RSET\n< 250 ok\nC 250 ok\nE reset\n> foo\nC 502 5.5.1 ...\n"
	     "E note command_refused\n"),
	PLAY("E14 a line that is no command after a refused DATA",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "> DATA\nS DATA\n< 451 no\nC 451 no\n"
	     "> Subject: x\n> RSET\nC 421 4.5.0 ...\n" SHUT "= end_desync\n"),
	PLAY("E14 exchanger closes instead of answering DATA",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "> DATA\n> RSET\nS DATA\n! server-fin\n"
	     "C 421 4.4.2 ...\n"
	     CUT "= end_mx_closed\n"),
	PLAY("E56 250 to DATA",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "> DATA\nS DATA\n< 250 ok\nC 421 4.4.2 ...\n" CUT
	     "= end_mx_protocol\n"),
};

Test(smtp_data, desync)
{
	play_all(desync, sizeof(desync) / sizeof(desync[0]));
}

/*
 * B4, E46, E47, E49: what some receiver takes for an end. None may go up
 * whole, the message is lost, and what stands behind is not executed. The
 * body is "x", the sequence, a second envelope, and the true end.
 */
static const struct lookalike {
	const char	*octets;	/* behind "x" */
	const char	*up;		/* of these, what may go up */
} lookalikes[] = {
	{ "\\n.\\n", "" }, { "\\n.\\r\\n", "" }, { "\\n.\\r", "" },
	{ "\\r\\n.\\n", "\\r\\n" }, { "\\r.\\r", "" }, { "\\r.\\n", "" }, { "\\r.\\r\\n", "" },
	{ "\\n\\n.\\n", "" },
	{ "\\r\\n.\\r\\r\\n", "\\r\\n" }, { "\\r\\r\\n.\\r\\r\\n", "" },
	{ "\\r\\n.\\0\\r\\n", "\\r\\n" }, { "\\r\\n\\0.\\r\\n\\0", "\\r\\n" },
	{ "\\r\\n.\\rx\\n", "\\r\\n" }, { "\\r\\n.\\r.\\n", "\\r\\n" },
	{ "\\r\\n..\\n", "\\r\\n.." }, { "\\r\\n..\\r\\r\\n", "\\r\\n.." },
	{ "\\r\\n.x\\n.\\r\\n", "\\r\\n.x" }, { "\\r\\n. \\n", "\\r\\n. " },
	{ "\\0", "" }, { "\\n", "" }, { "\\rx", "" }, { "\\r\\0\\n", "" },
	{ "\\r\\n\\n.\\r\\n", "\\r\\n" }, { "\\r\\n\\r.\\r\\n", "\\r\\n" },
	{ "\\r\\n\\r\\r\\n", "\\r\\n" }, { "\\{998 y}\\n.\\n", "\\{998 y}" },
	{ "\\r\\n\\{998 y}\\n.\\r\\n", "\\r\\n\\{998 y}" }, { "\\x0b\\n.\\n", "\\x0b" },
	{ "\\x85.\\x85\\n", "\\x85.\\x85" }, { "\\r\\n.\\x00", "\\r\\n" },
	{ "\\n\\r.\\n\\r", "" }, { "\\n\\r\\n.\\n\\r\\n", "" },
};

Test(smtp_data, smuggling)
{
	char script[8192];
	struct play play = { .refused = SMTP_REPLY_COUNT, .script = script };
	size_t i;

	for (i = 0; i < sizeof(lookalikes) / sizeof(lookalikes[0]); i++) {
		const struct lookalike *l = &lookalikes[i];

		play.name = l->octets;
		snprintf(script, sizeof(script), PLAY_BODY
			 "> x%s\\_\n> MAIL FROM:<evil>\n> RCPT TO:<x>\n> DATA\n> y\n> .\n> RSET\n"
			 "S x%s\\_\nB x%s\\_\nA RESET_SERVER\n"
			 "C 550 5.5.2 bare CR, bare LF or NUL in the message ...\n"
			 "C 250 2.0.0 ...\nE message_rejected 550\n",
			 l->octets, l->up, strstr(l->up, "..") ? "\\r\\n." :
			 strstr(l->up, "\\n.x") ? "\\r\\nx" :
			 strstr(l->up, "\\n. ") ? "\\r\\n " : l->up);
		play_all(&play, 1);
	}
}

static const struct play ends[] = {
	PLAY("the true end between two others' ends",
	     PLAY_BODY "> x\n> .\n> \n> .\nS x\nB x\nA VERDICT\n"
	     "! accept\nS .\n< 250 ok\nC 250 ok\nE message_accepted 250\n"
	     "C 500 5.5.2 ...\nC 500 5.5.2 ...\nE note command_refused\n"
	     "E note command_refused\n"),
	PLAY("E47 CRLF . CR CR LF is data in a lost message too",
	     PLAY_BODY "> x\\n\n> .\\r\n> .\\n\\_\n> x\n> .\\0\n> .\nS x\\_\nB x\\_\n"
	     "A RESET_SERVER\n"
	     "C 550 5.5.2 ...\nE message_rejected 550\n"),
};

Test(smtp_data, ends)
{
	play_all(ends, sizeof(ends) / sizeof(ends[0]));
}
