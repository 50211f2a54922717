// SPDX-License-Identifier: GPL-2.0
/* BDAT where the class passes CHUNKING (E20-E27), refusal at DATA (E16), B4, B5, B58. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtp_play.h"

#define SHUT	"A CLOSE_CLIENT DISCARD_CLIENT CLOSE_SERVER\n"
#define CUT	"A CLOSE_CLIENT DISCARD_CLIENT RESET_SERVER\n"
#define ABORT	"A RESET_CLIENT RESET_SERVER\n"

static void pass(struct conf_class *class)
{
	class->chunking = CONF_CHUNKING_PASS;
}

static void pass_received(struct conf_class *class)
{
	pass(class);
	class->received = true;
}

static void pass_20(struct conf_class *class)
{
	pass(class);
	class->max_size = 20;
}

#define WITH(name_, set_, ...) \
	{ .name = name_, .refused = SMTP_REPLY_COUNT, .set = set_, .script = __VA_ARGS__ }
#define CHUNKS(name_, ...) WITH(name_, pass, __VA_ARGS__)

#define EHLO \
	PLAY_GREET "> EHLO a\nS EHLO a\nW reply\n" \
	"< 250-mx\n< 250-PIPELINING\n< 250-BINARYMIME\n< 250 CHUNKING\n" \
	"C 250-mx\nC 250-PIPELINING\nC 250 CHUNKING\nE helo a\n"
#define ENVELOPE EHLO PLAY_MAIL PLAY_RCPT
/* A first chunk of five octets, accepted. */
#define FIRST \
	ENVELOPE "> BDAT 5\n> abc\nE data\nS BDAT 5\nS abc\nB abc\nW reply\n" \
	"< 250 5\nC 250 5\nW idle\n"
/* A whole message in one chunk, up to the verdict. */
#define WHOLE \
	ENVELOPE "> BDAT 5 LAST\n> abc\nE data\nS BDAT 5\nS abc\nB abc\nW dot\n" \
	"< 250 5\nA VERDICT\nW verdict\n"
#define TAKEN \
	"! accept\nS BDAT 0 LAST\nW dot\n< 250 ok\nC 250 ok\nE message_accepted 250\nW idle\n"
/* The transaction was given up by RSET, and the next one goes through. */
#define CLEARED	"S RSET\n< 250 flushed\n"
#define NEXT \
	PLAY_MAIL PLAY_RCPT \
	"> BDAT 3 LAST\n> x\nE data\nS BDAT 3\nS x\nB x\n< 250 3\nA VERDICT\n" TAKEN
#define LOCAL "> NOOP\nC 250 2.0.0 ...\n> MAIL FROM:<a>\nC 421 4.7.0 ...\n" \
	"A CLOSE_CLIENT DISCARD_CLIENT\n= end_rejected\n"
#define ORDER "C 503 5.5.1 ...\nE note command_refused\n"

static const struct play messages[] = {
	CHUNKS("E20 one chunk", WHOLE TAKEN PLAY_QUIT),
	CHUNKS("E20 E24 several chunks, several messages on one leg",
	       FIRST "> bdat  0002  last \n> \nS BDAT 2\nS \nB \nW dot\n< 250-2\n< 250 2\n"
	       "A VERDICT\n" TAKEN NEXT PLAY_QUIT),
	CHUNKS("E24 an empty last chunk has nothing to send before the verdict",
	       FIRST "> BDAT 0 LAST\nA VERDICT\nW verdict\n" TAKEN),
	CHUNKS("E52 a message of nothing", ENVELOPE "> BDAT 0 LAST\nE data\nA VERDICT\n" TAKEN),
	CHUNKS("E20 an empty chunk in between",
	       FIRST "> BDAT 0\nS BDAT 0\n< 250 0\nC 250 0\n> BDAT 0 LAST\nA VERDICT\n" TAKEN),
	CHUNKS("E52 no line end at the end of the message",
	       ENVELOPE "> BDAT 3 LAST\n> abc\\_\nE data\nS BDAT 3\nS abc\\_\nB abc\\_\n"
	       "< 250 3\nA VERDICT\n" TAKEN),
	CHUNKS("E20 dots and commands in a chunk are content",
	       ENVELOPE "> BDAT 25 LAST\n> .\n> ..\n> .x\n> QUIT\n> RSET\n> \xff\\x01\n> NOOP\n"
	       "E data\nS BDAT 25\nS .\nS ..\nS .x\nS QUIT\nS RSET\nS \xff\\x01\\_\n"
	       "B .\nB ..\nB .x\nB QUIT\nB RSET\nB \xff\\x01\\_\n"
	       "< 250 ok\nA VERDICT\n! accept\nS BDAT 0 LAST\n"
	       "< 250 ok\nC 250 ok\nE message_accepted 250\n"
	       "C 500 5.5.2 ...\nE note command_refused\nS NOOP\n"),
	CHUNKS("E20 a boundary within CRLF and within the lines of a dot",
	       ENVELOPE "> BDAT 2\n> a\\r\\_\nE data\nS BDAT 2\nS a\\r\\_\nB a\\r\\_\n"
	       "< 250 1\nC 250 1\n"
	       "> BDAT 2\n> \\n.\\_\nS BDAT 2\nS \\n.\\_\nB \\n.\\_\n< 250 2\nC 250 2\n"
	       "> BDAT 1\n> \\r\\_\nS BDAT 1\nS \\r\\_\nB \\r\\_\n< 250 3\nC 250 3\n"
	       "> BDAT 0\nS BDAT 0\n< 250 4\nC 250 4\n"
	       "> BDAT 4 LAST\n> \\nb\nS BDAT 4\nS \\nb\nB \\nb\n< 250 5\nA VERDICT\n" TAKEN),
	CHUNKS("E51 a line of 70,000 octets over two chunks",
	       ENVELOPE "> BDAT 40000\n> \\{40000 x}\\_\nE data\nS BDAT 40000\nS \\{40000 x}\\_\n"
	       "B \\{40000 x}\\_\n< 250 1\nC 250 1\n"
	       "> BDAT 30000 LAST\n> \\{30000 y}\\_\nS BDAT 30000\nS \\{30000 y}\\_\n"
	       "B \\{30000 y}\\_\n< 250 1\nA VERDICT\n" TAKEN),
	WITH("E84 no Received: in front of chunks", pass_received, WHOLE TAKEN),
	CHUNKS("pipelined envelope and chunk: the chunk waits for the answers",
	       EHLO "> MAIL FROM:<f>\n> RCPT TO:<t>\n> BDAT 5 LAST\n> abc\n"
	       "S MAIL FROM:<f>\nS RCPT TO:<t>\n< 250 1\nC 250 1\nE mail f\n"
	       "< 250 2\nC 250 2\nE rcpt t\nE data\nS BDAT 5\nS abc\nB abc\n"
	       "< 250 5\nA VERDICT\n" TAKEN),
	CHUNKS("pipelined chunks go up one by one",
	       ENVELOPE "> BDAT 3\n> a\n> BDAT 3\n> b\n> BDAT 3 LAST\n> c\nE data\n"
	       "S BDAT 3\nS a\nB a\n< 250 1\nC 250 1\nS BDAT 3\nS b\nB b\n"
	       "< 250 2\nC 250 2\nS BDAT 3\nS c\nB c\n< 250 3\nA VERDICT\n" TAKEN),
	CHUNKS("E24 B5 the next MAIL behind LAST waits",
	       ENVELOPE "> BDAT 5 LAST\n> abc\n> MAIL FROM:<2>\n> RCPT TO:<3>\n"
	       "E data\nS BDAT 5\nS abc\nB abc\n< 250 5\nA VERDICT\nW verdict\n"
	       "! accept\nS BDAT 0 LAST\n< 250 ok\nC 250 ok\nE message_accepted 250\n"
	       "S MAIL FROM:<2>\nS RCPT TO:<3>\n< 250 ok\n< 250 ok\nC 250 ok\nC 250 ok\n"
	       "E mail 2\nE rcpt 3\n"),
	CHUNKS("E83 shutdown waits for the message",
	       FIRST "! shutdown\n> BDAT 0 LAST\nA VERDICT\n! accept\nS BDAT 0 LAST\n"
	       "< 250 ok\nC 250 ok\nC 421 4.3.2 ...\nE message_accepted 250\n" SHUT
	       "= end_shutdown\n"),
	WITH("E31 as large as allowed, in two chunks", pass_20,
	     ENVELOPE "> BDAT 12\n> 1234567890\nE data\nS BDAT 12\nS 1234567890\n"
	     "B 1234567890\n< 250 12\nC 250 12\n"
	     "> BDAT 8 LAST\n> 123456\nS BDAT 8\nS 123456\nB 123456\n< 250 ok\nA VERDICT\n"
	     TAKEN NEXT),
	WITH("E31 one octet too large: told by the size, the leg lives on", pass_20,
	     ENVELOPE "> BDAT 12\n> 1234567890\nE data\nS BDAT 12\nS 1234567890\n"
	     "B 1234567890\n< 250 12\nC 250 12\n"
	     "> BDAT 9 LAST\n> 1234567\nC 552 5.3.4 ...\nE message_rejected 552\n" CLEARED
	     NEXT),
	WITH("E31 a first chunk too large is no message", pass_20,
	     ENVELOPE "> BDAT 21\n> 1234567890123456789\nC 552 5.3.4 ...\n"
	     "E note command_refused\nS RSET\n< 250 ok\nE reset\n" NEXT),
};

Test(smtp_chunk, messages)
{
	play_all(messages, sizeof(messages) / sizeof(messages[0]));
}

static const struct play misplaced[] = {
	PLAY("E21 hidden although offered",
	     PLAY_GREET "> EHLO a\nS EHLO a\n< 250-mx\n< 250 CHUNKING\nC 250 mx\nE helo a\n"
	     PLAY_MAIL PLAY_RCPT
	     "> BDAT 6 LAST\n> QUIT\n> RSET\nC 502 5.5.1 ...\nE note command_refused\n"
	     "S RSET\n"),
	CHUNKS("E21 not offered",
	       PLAY_EHLO PLAY_MAIL PLAY_RCPT
	       "> BDAT 6 LAST\n> QUIT\nC 502 5.5.1 ...\nE note command_refused\n"
	       "> DATA\nS DATA\n< 354 go\nC 354 go\nE data\n"),
	CHUNKS("E1 E21 offered to EHLO, then HELO",
	       EHLO "> HELO b\nS HELO b\n< 250 mx\nC 250 mx\nE helo b\nE reset\n"
	       PLAY_MAIL PLAY_RCPT "> BDAT 3\n> x\nC 502 5.5.1 ...\n"
	       "E note command_refused\n"),
	CHUNKS("E21 a refused EHLO changes nothing",
	       EHLO "> HELO b\nS HELO b\n< 500 no\nC 500 no\n" PLAY_MAIL PLAY_RCPT
	       "> BDAT 3\n> x\nE data\nS BDAT 3\nS x\nB x\n"),
	CHUNKS("E21 no transaction", EHLO "> BDAT 6 LAST\n> QUIT\n> NOOP\n" ORDER "S NOOP\n"),
	CHUNKS("E21 MAIL was refused",
	       EHLO "> MAIL FROM:<f>\n> BDAT 6 LAST\n> QUIT\nS MAIL FROM:<f>\n"
	       "< 550 no\nC 550 no\n" ORDER),
	CHUNKS("B5 E21 every recipient was refused",
	       EHLO PLAY_MAIL "> RCPT TO:<x>\n> RCPT TO:<y>\n> BDAT 6 LAST\n> RSET\n> QUIT\n"
	       "S RCPT TO:<x>\nS RCPT TO:<y>\n< 550 1\n< 450 2\nC 550 1\nC 450 2\n"
	       "E refused 550 x\nE refused 450 y\n" ORDER "S QUIT\n"),
	CHUNKS("E22 BDAT where DATA was refused",
	       ENVELOPE "> DATA\nS DATA\n< 451 no\nC 451 no\n> BDAT 6 LAST\n> QUIT\n" ORDER
	       "> RSET\nS RSET\n< 250 ok\nC 250 ok\nE reset\n" NEXT),
	CHUNKS("B5 E22 DATA between chunks, and what may be its body",
	       FIRST "> DATA\n" ORDER "> Subject: x\n> RSET\nC 421 4.5.0 ...\n"
	       "E message_aborted 0\n" CUT "= end_desync\n"),
	CHUNKS("E22 MAIL, RCPT, AUTH, STARTTLS between chunks: the message goes on",
	       FIRST "> RCPT TO:<c>\n" ORDER "E refused 503\n"
	       "> MAIL FROM:<b>\n> AUTH PLAIN x\n> STARTTLS\n> DATA\n"
	       ORDER ORDER ORDER ORDER "> BDAT 0 LAST\nA VERDICT\n" TAKEN),
	CHUNKS("NOOP, VRFY and gibberish between chunks",
	       FIRST "> NOOP\n> VRFY x\n> HELP\nS NOOP\n< 250 ok\nC 250 ok\nS VRFY x\n"
	       "E note recipient_probe\n< 252 ok\nC 252 ok\n"
	       "S HELP\n< 214 no\nC 214 no\n> gibberish\nC 502 5.5.1 ...\n"
	       "E note command_refused\n> BDAT 0 LAST\nA VERDICT\n" TAKEN),
	CHUNKS("E27 BINARYMIME", EHLO "> MAIL FROM:<f> BODY=BINARYMIME\nC 555 5.5.4 ...\n"),
	CHUNKS("E21 chunk that does not come whole", EHLO "> BDAT 10\n> abc\n" ORDER "W body\n"
	       "! client-fin\n" CUT "= end_client_closed\n"),
};

Test(smtp_chunk, misplaced)
{
	play_all(misplaced, sizeof(misplaced) / sizeof(misplaced[0]));
}

static const struct play resets[] = {
	CHUNKS("B5 E23 RSET between chunks; what is behind it waits",
	       FIRST "> RSET\n> MAIL FROM:<2>\n> BDAT 3\n> x\nS RSET\n< 250 ok\nC 250 ok\n"
	       "E message_aborted 0\nE reset\nS MAIL FROM:<2>\n< 250 ok\nC 250 ok\nE mail 2\n"
	       ORDER),
	CHUNKS("E23 RSET between chunks, refused",
	       FIRST "> RSET\nS RSET\n< 500 no\nC 500 no\n> BDAT 0 LAST\nA VERDICT\n" TAKEN),
	CHUNKS("E23 EHLO between chunks",
	       FIRST "> EHLO b\nS EHLO b\n< 250 mx\nC 250 mx\nE message_aborted 0\nE helo b\n"
	       "E reset\n> BDAT 3\n> x\nC 502 5.5.1 ...\nE note command_refused\n"),
	CHUNKS("E23 EHLO between chunks, refused",
	       FIRST "> EHLO b\nS EHLO b\n< 451 no\nC 451 no\n> BDAT 0 LAST\nA VERDICT\n"
	       TAKEN),
	CHUNKS("E23 HELO between chunks",
	       FIRST "> HELO b\nS HELO b\n< 250 mx\nC 250 mx\nE message_aborted 0\nE helo b\n"
	       "E reset\n" PLAY_MAIL PLAY_RCPT PLAY_DATA "> .\nA VERDICT\n"),
	CHUNKS("E23 QUIT between chunks",
	       FIRST "> QUIT\nS QUIT\n< 221 bye\nC 221 bye\nE message_aborted 0\nW closing\n"
	       "! server-fin\n" SHUT "= end_quit\n"),
	CHUNKS("B5 LAST missing: QUIT is refused, the message goes on",
	       FIRST "> QUIT\nS QUIT\n< 500 no\nC 500 no\n> BDAT 0 LAST\nA VERDICT\n" TAKEN),
	CHUNKS("B5 LAST missing: the client closes",
	       FIRST "! client-fin\nE message_aborted 0\n" CUT "= end_client_closed\n"),
	CHUNKS("B5 LAST missing: the client waits",
	       FIRST "! expire\nC 421 4.4.2 ...\nE message_aborted 0\n" CUT
	       "= end_timeout_idle\n"),
};

Test(smtp_chunk, resets)
{
	play_all(resets, sizeof(resets) / sizeof(resets[0]));
}

static const struct play refused[] = {
	CHUNKS("B5 E25 a refused chunk: later ones get the same",
	       FIRST "> BDAT 3\n> x\n> BDAT 6\n> QUIT\n> BDAT 0 LAST\n> RSET\nS BDAT 3\nS x\nB x\n"
	       "< 452-full\n< 452 up\nC 452-full\nC 452 up\nE message_tempfailed 452\nS RSET\n"
	       "W reply\n< 250 flushed\nC 452 4.5.0 an earlier chunk ...\n"
	       "C 452 4.5.0 an earlier chunk ...\nE note command_refused\n"
	       "E note command_refused\nS RSET\n< 250 ok\nC 250 ok\nE reset\n" NEXT),
	CHUNKS("E25 refused for good",
	       ENVELOPE "> BDAT 3\n> x\nE data\nS BDAT 3\nS x\nB x\n< 599 no\nC 599 no\n"
	       "E message_rejected 599\n" CLEARED
	       "> BDAT 3\n> x\nC 599 5.5.0 an earlier chunk ...\nE note command_refused\n"
	       NEXT),
	CHUNKS("E25 refused before its octets were there: they still go up",
	       ENVELOPE "> BDAT 6\n> abcd\\_\nE data\nS BDAT 6\nS abcd\\_\nB abcd\\_\n< 552 big\n"
	       "> \nS \nB \nC 552 big\nE message_rejected 552\n" CLEARED NEXT),
	CHUNKS("E25 the octets of LAST refused",
	       ENVELOPE "> BDAT 3 LAST\n> x\n> NOOP\nE data\nS BDAT 3\nS x\nB x\n"
	       "< 550-no\n< 550 no\nC 550-no\nC 550 no\nE message_rejected 550\nS RSET\n"
	       "< 250 ok\nS NOOP\n< 250 ok\nC 250 ok\n> BDAT 1\n> a\\_\n" ORDER NEXT),
	CHUNKS("E24 the end of the message refused",
	       WHOLE "! accept\nS BDAT 0 LAST\n< 554 spam\nC 554 spam\nE message_rejected 554\n"
	       NEXT),
	CHUNKS("E24 the end of the message refused for now",
	       WHOLE "! accept\nS BDAT 0 LAST\n< 451-not\n< 451 now\nC 451-not\nC 451 now\n"
	       "E message_tempfailed 451\n" NEXT),
	CHUNKS("our RSET is refused: the exchanger may still hold the message",
	       ENVELOPE "> BDAT 3\n> x\nE data\nS BDAT 3\nS x\nB x\n< 452 no\nC 452 no\n"
	       "E message_tempfailed 452\nS RSET\n< 500-what\n< 500 what\nC 421 4.4.2 ...\n" CUT
	       "= end_mx_protocol\n"),
	CHUNKS("E58 421 to our RSET",
	       WHOLE "! reject\nC 550 5.7.1 ...\nE message_rejected 550\nS RSET\n"
	       "< 421 bye\nC 421 bye\n" CUT "= end_mx_421\n"),
	CHUNKS("3xx to our RSET",
	       WHOLE "! reject\nC 550 5.7.1 ...\nE message_rejected 550\nS RSET\n"
	       "< 354 go\nC 421 4.4.2 ...\n" CUT "= end_mx_protocol\n"),
	CHUNKS("no answer to our RSET",
	       WHOLE "! reject\nC 550 5.7.1 ...\nE message_rejected 550\nS RSET\nW reply\n"
	       "! expire\nC 421 4.4.2 ...\n" CUT "= end_timeout_reply\n"),
	CHUNKS("exchanger closes at our RSET",
	       WHOLE "! reject\nC 550 5.7.1 ...\nE message_rejected 550\nS RSET\n"
	       "! server-fin\nC 421 4.4.2 ...\n" CUT "= end_mx_closed\n"),
	CHUNKS("exchanger resets at our RSET",
	       WHOLE "! reject\nC 550 5.7.1 ...\nE message_rejected 550\nS RSET\n"
	       "! server-rst\n" ABORT "= end_mx_reset\n"),
};

Test(smtp_chunk, refused)
{
	play_all(refused, sizeof(refused) / sizeof(refused[0]));
}

static const struct play verdicts[] = {
	CHUNKS("E24 refused by its content: the leg lives on",
	       WHOLE "! reject\nC 550 5.7.1 message refused because of its content ...\n"
	       "E message_rejected 550\n" CLEARED NEXT PLAY_QUIT),
	CHUNKS("E24 no verdict: 451",
	       WHOLE "! tempfail\nC 451 4.7.1 ...\nE message_tempfailed 451\n" CLEARED NEXT),
	CHUNKS("E24 verdict does not come in time",
	       WHOLE "! expire\nC 451 4.7.1 ...\nE message_tempfailed 451\n" CLEARED NEXT),
	CHUNKS("drop", WHOLE "! drop\nE message_aborted 0\n" ABORT "= end_rejected\n"),
	CHUNKS("E24 refused, with commands behind LAST",
	       FIRST "> BDAT 0 LAST\n> NOOP\n> QUIT\nA VERDICT\n! reject\nC 550 5.7.1 ...\n"
	       "E message_rejected 550\nS RSET\n< 250-a\n< 250 b\nS NOOP\nS QUIT\n"
	       "< 250 ok\n< 221 bye\nC 250 ok\nC 221 bye\n"),
	CHUNKS("early verdict within a chunk: the leg is reset, the octets are swallowed",
	       ENVELOPE "> BDAT 8\n> abc\nE data\nS BDAT 8\nS abc\nB abc\nW body\n"
	       "! reject\nA RESET_SERVER\nW body\n> d\n> NOOP\nC 550 5.7.1 ...\n"
	       "E message_rejected 550\nC 250 2.0.0 ...\n"),
	CHUNKS("early tempfail within a chunk",
	       ENVELOPE "> BDAT 8\n> abc\nE data\nS BDAT 8\nS abc\nB abc\n! tempfail\n"
	       "A RESET_SERVER\n> d\\_\n! client-fin\nE message_aborted 0\n"
	       "A CLOSE_CLIENT DISCARD_CLIENT\n= end_client_closed\n"),
	CHUNKS("early verdict between chunks: acts at the next, the leg lives on",
	       FIRST "! reject\n> BDAT 6\n> QUIT\n> BDAT 3 LAST\n> x\nC 550 5.7.1 ...\n"
	       "E message_rejected 550\nS RSET\n< 250 ok\n" ORDER NEXT),
	CHUNKS("early drop between chunks",
	       FIRST "! drop\n> BDAT 6\n> QUIT\nE message_aborted 0\n" ABORT "= end_rejected\n"),
	CHUNKS("early verdict, and RSET comes instead",
	       FIRST "! reject\n> RSET\nS RSET\n< 250 ok\nC 250 ok\nE message_aborted 0\n"
	       "E reset\n" NEXT),
	CHUNKS("early verdict while the octets of LAST are not answered yet",
	       ENVELOPE "> BDAT 3 LAST\n> x\nE data\nS BDAT 3\nS x\nB x\n! reject\n"
	       "< 250 3\nA VERDICT\nC 550 5.7.1 ...\nE message_rejected 550\n" CLEARED NEXT),
	CHUNKS("accept before the end means nothing",
	       ENVELOPE "> BDAT 3 LAST\n> x\nE data\nS BDAT 3\nS x\nB x\n! accept\n"
	       "< 250 3\nA VERDICT\n! reject\nC 550 5.7.1 ...\nE message_rejected 550\n"
	       CLEARED),
};

Test(smtp_chunk, verdicts)
{
	play_all(verdicts, sizeof(verdicts) / sizeof(verdicts[0]));
}

#define NO_MEMORY "C 452 4.3.1 not enough memory, try again later [T1]\n"
#define REFUSED_HERE "S RSET\nE note command_refused\n< 250 ok\n" NO_MEMORY

static const struct play refuse_data[] = {
	CHUNKS("E16 DATA is answered here, behind RSET; the next message is taken",
	       ENVELOPE "! refuse\n> DATA\nS RSET\nW reply\nE note command_refused\n"
	       "< 250-fl\n< 250 ushed\n" NO_MEMORY "E reset\n" NEXT),
	PLAY("E16 the answer keeps its place in a pipeline",
	     PLAY_EHLO "> MAIL FROM:<f>\nS MAIL FROM:<f>\n< 250 1\nC 250 1\nE mail f\n! refuse\n"
	     "> RCPT TO:<t>\n> VRFY x\n> DATA\nS RCPT TO:<t>\nS VRFY x\n"
	     "E note recipient_probe\n< 250 2\nC 250 2\nE rcpt t\n< 252 3\nC 252 3\n" REFUSED_HERE
	     "E reset\n> NOOP\nS NOOP\n"),
	PLAY("E14 E16 octets behind a DATA that is refused here",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "! refuse\n> DATA\n> RSET\n> .\n" REFUSED_HERE
	     "E reset\nC 421 4.5.0 ...\n" SHUT "= end_desync\n"),
	PLAY("E14 E16 a line that is no command after it",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "! refuse\n> DATA\n" REFUSED_HERE
	     "E reset\n> Subject: x\n> RSET\nC 421 4.5.0 ...\n" SHUT "= end_desync\n"),
	PLAY("E16 too late for DATA: the message is refused at its end",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "> DATA\nS DATA\n! refuse\n< 354 go\nC 354 go\nE data\n"
	     "A RESET_SERVER\nW body\n> a\n> .\n> RSET\nC 452 4.3.1 ...\n"
	     "E message_tempfailed 452\nC 250 2.0.0 ...\n"),
	PLAY("E16 too late for DATA, which the exchanger refuses",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT
	     "> DATA\nS DATA\n! refuse\n< 554 no\nC 554 no\n> DATA\n" REFUSED_HERE
	     "E reset\n"),
	PLAY("E16 within the message: nothing", PLAY_BODY "! refuse\n> a\n> .\nS a\nB a\n"
	     "A VERDICT\n! accept\nS .\n< 250 ok\nC 250 ok\nE message_accepted 250\n"
	     PLAY_MAIL PLAY_RCPT PLAY_DATA),
	PLAY("E16 without a transaction: nothing",
	     PLAY_EHLO "! refuse\n" PLAY_MAIL PLAY_RCPT PLAY_DATA),
	PLAY("E16 RSET clears it",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "! refuse\n> RSET\nS RSET\n< 250 ok\nC 250 ok\nE reset\n"
	     PLAY_MAIL PLAY_RCPT PLAY_DATA),
	CHUNKS("E16 BDAT: its octets are swallowed, later chunks have no transaction",
	       ENVELOPE "! refuse\n> BDAT 6\n> QUIT\n> BDAT 3 LAST\n> x\n" NO_MEMORY
	       "E note command_refused\nS RSET\n< 250 ok\nE reset\n" ORDER NEXT),
	CHUNKS("E16 between chunks the message ends with it",
	       FIRST "! refuse\n> BDAT 3 LAST\n> x\n" "C 452 4.3.1 ...\n"
	       "E message_tempfailed 452\n" CLEARED NEXT),
	PLAY("E16 RSET is refused",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "! refuse\n> DATA\nS RSET\nE note command_refused\n"
	     "< 502 no\nC 452 4.3.1 ...\nC 421 4.4.2 ...\n" SHUT "= end_mx_protocol\n"),
	PLAY("E16 RSET gets a 421",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "! refuse\n> DATA\nS RSET\nE note command_refused\n"
	     "< 421 bye\nC 421 bye\n" SHUT "= end_mx_421\n"),
	PLAY("E16 RSET is not answered",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT "! refuse\n> DATA\nS RSET\nE note command_refused\n"
	     "! expire\nC 421 4.4.2 ...\n" SHUT "= end_timeout_reply\n"),
};

Test(smtp_chunk, refuse_data)
{
	play_all(refuse_data, sizeof(refuse_data) / sizeof(refuse_data[0]));
}

#define WITHIN ENVELOPE "> BDAT 9\n> abc\nE data\nS BDAT 9\nS abc\nB abc\nW body\n"
#define ASKED ENVELOPE "> BDAT 3\n> x\nE data\nS BDAT 3\nS x\nB x\nW reply\n"
#define LAST_ASKED ENVELOPE "> BDAT 3 LAST\n> x\nE data\nS BDAT 3\nS x\nB x\nW dot\n"

static const struct play ends[] = {
	CHUNKS("B5 short chunk: the client closes", WITHIN "! client-fin\nE message_aborted 0\n"
	       CUT "= end_client_closed\n"),
	CHUNKS("E72 client resets within a chunk", WITHIN "! client-rst\nE message_aborted 0\n"
	       ABORT "= end_client_reset\n"),
	CHUNKS("client stalls within a chunk", WITHIN "! expire\nE message_aborted 0\n" CUT
	       "= end_timeout_body\n"),
	CHUNKS("E71 exchanger resets within a chunk", WITHIN "! server-rst\n"
	       "E message_aborted 0\n" ABORT "= end_mx_reset\n"),
	CHUNKS("exchanger closes within a chunk: 421 in its place",
	       WITHIN "! server-fin\nA RESET_SERVER\n> d\n> e\\_\nC 421 4.4.2 ...\n"
	       "E message_tempfailed 421\nA CLOSE_CLIENT DISCARD_CLIENT\n"
	       "= end_mx_during_data\n"),
	CHUNKS("E58 421 within a chunk: given at its end",
	       WITHIN "< 421 bye\n! server-fin\n> d\n> e\\_\nC 421 bye\n"
	       "E message_tempfailed 421\n" CUT "= end_mx_421\n"),
	CHUNKS("E19 2xx within a chunk is never relayed",
	       WITHIN "< 250 ok\nE message_aborted 0\n" CUT "= end_mx_protocol\n"),
	CHUNKS("354 within a chunk", WITHIN "< 354 go\nE message_aborted 0\n" CUT),
	CHUNKS("garbage within a chunk", WITHIN "< hello\nE message_aborted 0\n" CUT),
	CHUNKS("E25 refused within a chunk, then the client stalls",
	       WITHIN "< 552 big\n! expire\nE message_aborted 0\n" CUT "= end_timeout_body\n"),
	CHUNKS("client resets, a chunk is not answered",
	       ASKED "! client-rst\nE message_aborted 0\n" ABORT),
	CHUNKS("E73 client closes, a chunk is not answered",
	       ASKED "! client-fin\n< 250 ok\nC 250 ok\nE message_aborted 0\n" CUT
	       "= end_client_closed\n"),
	CHUNKS("a chunk is not answered in time",
	       ASKED "! expire\nC 421 4.4.2 ...\nE message_tempfailed 421\n" CUT
	       "= end_timeout_reply\n"),
	CHUNKS("exchanger closes, a chunk is not answered",
	       ASKED "! server-fin\nC 421 4.4.2 ...\nE message_tempfailed 421\n" CUT
	       "= end_mx_closed\n"),
	CHUNKS("exchanger resets, a chunk is not answered",
	       ASKED "! server-rst\nE message_aborted 0\n" ABORT "= end_mx_reset\n"),
	CHUNKS("E58 421 to a chunk", ASKED "< 421 bye\nC 421 bye\nE message_tempfailed 421\n" CUT
	       "= end_mx_421\n"),
	CHUNKS("E56 354 to a chunk",
	       ASKED "< 354 go\nC 421 4.4.2 ...\nE message_tempfailed 421\n" CUT
	       "= end_mx_protocol\n"),
	CHUNKS("E59 two answers to a chunk",
	       ASKED "< 250 1\n< 250 2\nC 250 1\nC 421 4.4.2 ...\nE message_aborted 0\n" CUT),
	CHUNKS("E57 421 between chunks",
	       FIRST "< 421 bye\nC 421 bye\nE message_aborted 0\n" CUT "= end_mx_421\n"),
	CHUNKS("exchanger closes between chunks",
	       FIRST "! server-fin\nE message_aborted 0\n" CUT "= end_mx_closed\n"),
	CHUNKS("exchanger resets between chunks",
	       FIRST "! server-rst\nE message_aborted 0\n" ABORT "= end_mx_reset\n"),
	CHUNKS("client resets between chunks",
	       FIRST "! client-rst\nE message_aborted 0\n" ABORT "= end_client_reset\n"),
	CHUNKS("client resets, LAST is not answered",
	       LAST_ASKED "! client-rst\nE message_aborted 0\n" ABORT),
	CHUNKS("E73 client closes behind LAST: it gets its answer",
	       LAST_ASKED "! client-fin\n< 250 3\nA VERDICT\n! accept\nS BDAT 0 LAST\n"
	       "< 250 ok\nC 250 ok\nE message_accepted 250\n" SHUT "= end_client_closed\n"),
	CHUNKS("LAST is not answered in time",
	       LAST_ASKED "! expire\nC 451 4.4.2 ...\nE message_tempfailed 451\n" CUT
	       "= end_timeout_dot\n"),
	CHUNKS("exchanger closes, LAST is not answered",
	       LAST_ASKED "! server-fin\nC 421 4.4.2 ...\nE message_tempfailed 421\n" CUT),
	CHUNKS("exchanger resets, LAST is not answered",
	       LAST_ASKED "! server-rst\nE message_aborted 0\n" ABORT),
	CHUNKS("E58 421 to LAST", LAST_ASKED "< 421 bye\nC 421 bye\nE message_tempfailed 421\n" CUT
	       "= end_mx_421\n"),
	CHUNKS("E56 354 to LAST",
	       LAST_ASKED "< 354 go\nC 421 4.4.2 ...\nE message_tempfailed 421\n" CUT),
	CHUNKS("E53 the code of LAST's answer changes",
	       LAST_ASKED "< 250-a\n< 550 b\nE message_aborted 0\n" CUT "= end_mx_protocol\n"),
	CHUNKS("E57 4xx while the verdict is pending: it counts, the verdict does not",
	       WHOLE "< 451 no\nC 451 no\nE message_tempfailed 451\n" CUT "! accept\n"),
	CHUNKS("E59 2xx while the verdict is pending",
	       WHOLE "< 250 ok\nC 421 4.4.2 ...\nE message_tempfailed 421\n" CUT "! accept\n"),
	CHUNKS("exchanger closes while the verdict is pending",
	       WHOLE "! server-fin\nC 421 4.4.2 ...\nE message_tempfailed 421\n" CUT "! accept\n"),
	CHUNKS("exchanger resets while the verdict is pending",
	       WHOLE "! server-rst\nE message_aborted 0\n" ABORT "! accept\n"),
	CHUNKS("E74 client resets while the verdict is pending",
	       WHOLE "! client-rst\nE message_aborted 0\n" ABORT "! accept\n"),
	CHUNKS("B11 exchanger closes behind the end",
	       WHOLE "! accept\nS BDAT 0 LAST\n! server-fin\nC 421 4.4.2 ...\n"
	       "E message_tempfailed 421\n" CUT),
	CHUNKS("B11 exchanger resets behind the end",
	       WHOLE "! accept\nS BDAT 0 LAST\n! server-rst\nE message_aborted 0\n" ABORT),
	CHUNKS("no answer to the end",
	       WHOLE "! accept\nS BDAT 0 LAST\nW dot\n! expire\nC 451 4.4.2 ...\n"
	       "E message_tempfailed 451\n" CUT "= end_timeout_dot\n"),
	CHUNKS("E58 421 to the end",
	       WHOLE "! accept\nS BDAT 0 LAST\n< 421 bye\nC 421 bye\n"
	       "E message_tempfailed 421\n" SHUT),
};

Test(smtp_chunk, ends)
{
	play_all(ends, sizeof(ends) / sizeof(ends[0]));
}

/*
 * B4 for chunks, E46, E47, E49: "x" and the sequence in one chunk with another
 * envelope behind it in the same chunk; nothing of that may be a command.
 */
static const struct lookalike {
	const char	*octets;	/* behind "x" */
	const char	*up;		/* of these, what goes up */
} lookalikes[] = {
	{ "\\n.\\n", "" }, { "\\n.\\r\\n", "" }, { "\\r\\n.\\n", "\\r\\n." },
	{ "\\r.\\r", "" }, { "\\r.\\r\\n", "" }, { "\\r\\n.\\r\\r\\n", "\\r\\n." },
	{ "\\r\\r\\n", "" }, { "\\r\\n.\\0\\r\\n", "\\r\\n." }, { "\\0", "" }, { "\\n", "" },
	{ "\\rx", "" }, { "\\r\\0\\n", "" }, { "\\r\\n\\n", "\\r\\n" },
	{ "\\r\\n\\r.\\r\\n", "\\r\\n" }, { "\\{998 y}\\n.\\n", "\\{998 y}" },
	{ "\\r\\n.\\r\\n\\n", "\\r\\n.\\r\\n" },
};

/* How many octets a text of a script stands for. */
static size_t octets(const char *at)
{
	size_t n = 0;

	for (; *at; at++) {
		if (at[0] == '\\' && at[1] == '{') {
			n += strtoul(at + 2, NULL, 10);
			at = strchr(at, '}');
		} else {
			n++;
			at += at[0] == '\\';
		}
	}
	return n;
}

Test(smtp_chunk, smuggling)
{
	char script[8192];
	struct play play = { .refused = SMTP_REPLY_COUNT, .script = script, .set = pass };
	size_t i, size;

	for (i = 0; i < sizeof(lookalikes) / sizeof(lookalikes[0]); i++) {
		const struct lookalike *l = &lookalikes[i];

		play.name = l->octets;
		size = octets("x\\r\\nMAIL FROM:<evil>\\r\\n") + octets(l->octets);
		snprintf(script, sizeof(script),
			 ENVELOPE "> BDAT %zu LAST\n> x%s\n> MAIL FROM:<evil>\n> RSET\nE data\n"
			 "S BDAT %zu\nS x%s\\_\nB x%s\\_\nA RESET_SERVER\n"
			 "C 550 5.5.2 bare CR, bare LF or NUL in the message ...\n"
			 "C 250 2.0.0 ...\nE message_rejected 550\n", size, l->octets, size, l->up,
			 l->up);
		play_all(&play, 1);
	}
}

static const struct play unclean[] = {
	CHUNKS("E46 lost within a chunk: the rest is swallowed, the session is local",
	       ENVELOPE "> BDAT 12\n> x\\n\\_\nE data\nS BDAT 12\nS x\\_\nB x\\_\n"
	       "A RESET_SERVER\nW body\n> BDAT 3\n> \\0\\0\\_\nC 550 5.5.2 ...\n"
	       "E message_rejected 550\n"),
	CHUNKS("E47 CR at the end of a chunk, no LF at the start of the next",
	       ENVELOPE "> BDAT 2\n> a\\r\\_\nE data\nS BDAT 2\nS a\\r\\_\nB a\\r\\_\n"
	       "< 250 1\nC 250 1\n> BDAT 2 LAST\n> \\r\\n\\_\n> RSET\nS BDAT 2\nA RESET_SERVER\n"
	       "C 550 5.5.2 ...\nE message_rejected 550\nC 250 2.0.0 ...\n"),
	CHUNKS("E46 LF at the start of a chunk",
	       FIRST "> BDAT 3\n> \\nab\\_\nS BDAT 3\nA RESET_SERVER\nC 550 5.5.2 ...\n"
	       "E message_rejected 550\n" LOCAL),
	CHUNKS("E47 a CR ends the message",
	       ENVELOPE "> BDAT 2 LAST\n> a\\r\\_\n> NOOP\nE data\nS BDAT 2\nS a\\r\\_\n"
	       "B a\\r\\_\nA RESET_SERVER\nC 550 5.5.2 ...\nE message_rejected 550\n"
	       "C 250 2.0.0 ...\n"),
	CHUNKS("E47 a CR ends the message, an empty last chunk follows",
	       ENVELOPE "> BDAT 2\n> a\\r\\_\nE data\nS BDAT 2\nS a\\r\\_\nB a\\r\\_\n"
	       "< 250 1\nC 250 1\n> BDAT 0 LAST\nA RESET_SERVER\nC 550 5.5.2 ...\n"
	       "E message_rejected 550\n" LOCAL),
	CHUNKS("later chunks of a lost message end the session unseen",
	       ENVELOPE "> BDAT 3\n> \\0bc\\_\n> BDAT 6\n> QUIT\n> BDAT 3 LAST\n> x\nE data\n"
	       "S BDAT 3\nA RESET_SERVER\nC 550 5.5.2 ...\nE message_rejected 550\n"
	       "C 421 4.7.0 ...\nA CLOSE_CLIENT DISCARD_CLIENT\n= end_rejected\n"),
	CHUNKS("a lost chunk does not come to its end: its answer, then the end",
	       ENVELOPE "> BDAT 12\n> \\0\\_\nE data\nS BDAT 12\nA RESET_SERVER\nW body\n"
	       "! expire\nC 550 5.5.2 ...\nE message_rejected 550\n"
	       "A CLOSE_CLIENT DISCARD_CLIENT\n= end_timeout_body\n"),
};

Test(smtp_chunk, unclean)
{
	play_all(unclean, sizeof(unclean) / sizeof(unclean[0]));
}

/* B5, B58, E26: sizes that lie, or are none. Nothing goes up, and the framing is lost. */
Test(smtp_chunk, sizes)
{
	static const char *const bad[] = {
		"", " ", " LAST", " -1", " +5", " 0x10", " 5x", " 5,0", " 5.0", " 1 2", " LAST 5",
		" 5 LAS", " 5 LASTS", " 5 LAST LAST", " 5 LAST x", " \\x01", " \xff", " 1073741825",
		" 2147483647", " 2147483648", " 2147483649", " 4294967295", " 4294967296",
		" 4294967301", " 9223372036854775807", " 9223372036854775808",
		" 18446744073709551615", " 18446744073709551616", " 18446744073709551621",
		" 1234567890123456789012345678901234567890",
		" 0000000000000000000000000000004294967301", " 5LAST", " 5 5", "\\t-0",
	};
	char script[4096];
	struct play play = { .refused = SMTP_REPLY_COUNT, .script = script, .set = pass };
	size_t i, k;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (k = 0; k < 2; k++) {
			play.name = bad[i];
			snprintf(script, sizeof(script),
				 "%s> BDAT%s\n> abc\n> RSET\nC 501 5.5.4 ...\n%s%s"
				 "= end_chunk_size\n", k ? FIRST : ENVELOPE, bad[i],
				 k ? "E message_aborted 0\n" : "", k ? CUT : SHUT);
			play_all(&play, 1);
		}
	}
}

static const struct play odd_sizes[] = {
	CHUNKS("B58 leading zeros, blanks",
	       ENVELOPE "> BDAT\\t 0000000000000000000000000000000000000003 \\tlast\\t\n> x\n"
	       "E data\nS BDAT 3\nS x\nB x\n< 250 3\nA VERDICT\n" TAKEN),
	CHUNKS("B58 the largest chunk that is taken",
	       ENVELOPE "> BDAT 1073741824\n> x\nE data\nS BDAT 1073741824\nS x\nB x\nW body\n"),
	CHUNKS("B5 size too small: the rest are commands, none of them the exchanger's",
	       ENVELOPE "> BDAT 4\n> x\n> yz\nE data\nS BDAT 4\nS x\nS y\\_\nB x\nB y\\_\n"
	       "< 250 4\nC 250 4\nC 502 5.5.1 ...\nE note command_refused\n"),
	CHUNKS("B5 size too large: a command is content",
	       ENVELOPE "> BDAT 10 LAST\n> x\n> QUIT\nE data\nS BDAT 10\nS x\nS QUIT\n"
	       "B x\nB QUIT\nW body\n! client-fin\nE message_aborted 0\n" CUT),
};

Test(smtp_chunk, odd_sizes)
{
	play_all(odd_sizes, sizeof(odd_sizes) / sizeof(odd_sizes[0]));
}
