// SPDX-License-Identifier: GPL-2.0
/* The client's lines: order, refusals, syntax, what is no SMTP (E8-E12, E20-E50). */
#include <criterion/criterion.h>
#include <stdio.h>

#include "smtp_play.h"

#define SHUT	"A CLOSE_CLIENT DISCARD_CLIENT CLOSE_SERVER\n"
#define ABORT	"A RESET_CLIENT RESET_SERVER\n"

static void auth_pass(struct conf_class *class)
{
	class->auth = CONF_AUTH_PASS;
}

static void auth_hide(struct conf_class *class)
{
	class->auth = CONF_AUTH_HIDE;
}

static void auth_other(struct conf_class *class)
{
	class->auth_code = 550;
	class->auth_text = "no\r\n250 injected";
	class->help_url = "";
}

static void size_1000(struct conf_class *class)
{
	class->max_size = 1000;
}

static void two_recipients(struct conf_class *class)
{
	class->max_recipients = 2;
}

#define X10	"xxxxxxxxxx"
#define X100	X10 X10 X10 X10 X10 X10 X10 X10 X10 X10

#define WITH(name_, set_, ...) \
	{ .name = name_, .refused = SMTP_REPLY_COUNT, .set = set_, .script = __VA_ARGS__ }

static const struct play pipelines[] = {
	PLAY("E10 a group of commands in one segment",
	     PLAY_EHLO
	     "> MAIL FROM:<f@a>\n> RCPT TO:<t@b>\n> RCPT TO:<u@b>\n> DATA\n"
	     "S MAIL FROM:<f@a>\nS RCPT TO:<t@b>\nS RCPT TO:<u@b>\nS DATA\n"
	     "< 250 1\n< 250 2\n< 550 3\n< 354 4\nC 250 1\nC 250 2\nC 550 3\nC 354 4\n"
	     "E mail f@a\nE rcpt t@b\nE refused 550 u@b\nE data\n"),
	PLAY("E10 more commands than slots: the rest waits",
	     PLAY_EHLO
	     "> \\{70 NOOP\\r\\n}\\_\nS \\{63 NOOP\\r\\n}\\_\n"
	     "< 250 1\nC 250 1\nS NOOP\n"
	     "< \\{63 250 2\\r\\n}\\_\nC \\{63 250 2\\r\\n}\\_\nS \\{6 NOOP\\r\\n}\\_\n"
	     "< \\{6 250 3\\r\\n}\\_\nC \\{6 250 3\\r\\n}\\_\nW idle\n"),
	PLAY("E10 arguments kept are bounded too: the rest waits",
	     PLAY_EHLO
	     "> \\{5 VRFY\\r\\nRCPT TO:<" X100 X100 X100 X100 ">\\r\\n}\\_\n"
	     "S \\{3 VRFY\\r\\nRCPT TO:<" X100 X100 X100 X100 ">\\r\\n}\\_\n"
	     "E \\{3 note recipient_probe\\r\\n}\\_\n"
	     "< 250 1\nC 250 1\n< 250 2\nC 250 2\nE rcpt \\{319 x}\n"
	     "S VRFY\nS RCPT TO:<" X100 X100 X100 X100 ">\nE note recipient_probe\n"),
	PLAY("E11 no offer: one at a time, noted once",
	     PLAY_GREET "> HELO a\nS HELO a\n< 250 mx\nC 250 mx\nE helo a\n"
	     "> MAIL FROM:<f@a>\n> RCPT TO:<t@b>\n> RSET\nS MAIL FROM:<f@a>\n"
	     "E note early_pipelining\n"
	     "< 250 1\nC 250 1\nE mail f@a\nS RCPT TO:<t@b>\n"
	     "< 250 2\nC 250 2\nE rcpt t@b\nS RSET\n< 250 3\nC 250 3\nE reset\n"),
	PLAY("E12 refused STARTTLS between two RCPTs comes third",
	     PLAY_EHLO
	     "> MAIL FROM:<f@a>\n> RCPT TO:<t@b>\n> STARTTLS\n> RCPT TO:<u@b>\n"
	     "S MAIL FROM:<f@a>\nS RCPT TO:<t@b>\nS RCPT TO:<u@b>\nE note starttls_refused\n"
	     "< 250 1\nC 250 1\nE mail f@a\n"
	     "< 250 2\nC 250 2\nC 502 5.5.1 ...\nE rcpt t@b\n"
	     "< 250 3\nC 250 3\nE rcpt u@b\n"),
	PLAY("E12 two local replies around the exchanger's",
	     PLAY_EHLO
	     "> XCLIENT a\n> NOOP\n> ETRN b\n"
	     "C 502 5.5.1 ...\nS NOOP\nE note command_refused\nE note command_refused\n"
	     "< 250-x\nC 250-x\n< 250 y\nC 250 y\nC 502 5.5.1 ...\n"),
	PLAY("E65 early talker: the first command goes up before the greeting",
	     "> EHLO a\n> NOOP\nS EHLO a\nE note early_talker\nE note early_pipelining\n"
	     "< 220 mx\nC 220 mx\n< 250 mx\nC 250 mx\nE helo a\nS NOOP\n"),
	PLAY("E65 early talker's local reply waits for the greeting",
	     "> AUTH PLAIN\nE note early_talker\nE note auth_refused\nW greeting\n"
	     "< 220-mx\nC 220-mx\n< 220 mx\nC 220 mx\nC 573 5.7.1 ...\n"),
	PLAY("E75 RSET clears on 250 only",
	     PLAY_EHLO PLAY_MAIL "> RSET\nS RSET\n< 451 no\nC 451 no\n"
	     "> RSET\nS RSET\n< 250 ok\nC 250 ok\nE reset\n"),
	PLAY("E36 VRFY, EXPN, HELP and NOOP pass with any argument",
	     PLAY_EHLO
	     "> vrfy <a>\n> EXPN b c\n> Help me\n> NOOP \xff\n"
	     "S vrfy <a>\nS EXPN b c\nS Help me\nS NOOP \xff\n"
	     "E note recipient_probe\nE note recipient_probe\n"
	     "< 252 1\n< 502 2\n< 214-3\n< 214 3\n< 250 4\n"
	     "C 252 1\nC 502 2\nC 214-3\nC 214 3\nC 250 4\n"),
	PLAY("end_junk: a hundred commands without mail",
	     PLAY_GREET
	     "> \\{99 ETRN x\\r\\n}\\_\n"
	     "C \\{99 502 5.5.1 command not available here [T1] http://help.example/\\r\\n}\\_\n"
	     "E \\{99 note command_refused\\r\\n}\\_\n"
	     "> ETRN x\nC 502 5.5.1 ...\nC 421 4.7.0 ...\nE note command_refused\n" SHUT
	     "= end_junk\n"),
};

Test(smtp_command, pipelines)
{
	play_all(pipelines, sizeof(pipelines) / sizeof(pipelines[0]));
}

static const struct play refusals[] = {
	PLAY("E34 AUTH refused with code, text and help page",
	     PLAY_EHLO "> AUTH PLAIN AGEAYg==\n"
	     "C 573 5.7.1 use port 587 [T1] http://help.example/\nE note auth_refused\n"
	     "> AUTH LOGIN\nC 573 5.7.1 ...\nE note auth_refused\n" PLAY_MAIL),
	WITH("E34 AUTH hidden", auth_hide,
	     PLAY_EHLO "> auth login\nC 502 5.5.1 ...\nE note auth_refused\n"),
	WITH("E34 settings cannot inject a line", auth_other,
	     PLAY_EHLO "> AUTH\nC 550 5.7.1 no??250 injected [T1]\nE note auth_refused\n"),
	WITH("E34 AUTH passed: rounds are data", auth_pass,
	     PLAY_EHLO
	     "> AUTH LOGIN\nS AUTH LOGIN\nW reply\n< 334 VXNlcg==\nC 334 VXNlcg==\nW idle\n"
	     "> DATA\nS DATA\n< 334 UGFzcw==\nC 334 UGFzcw==\n"
	     "> QUIT\nS QUIT\n< 235 ok\nC 235 ok\n" PLAY_MAIL),
	WITH("E34 AUTH passed: initial response and failure", auth_pass,
	     PLAY_EHLO
	     "> AUTH PLAIN AGEAYg==\nS AUTH PLAIN AGEAYg==\n< 535 no\nC 535 no\n" PLAY_MAIL),
	WITH("E34 AUTH passed: cancelled", auth_pass,
	     PLAY_EHLO
	     "> AUTH LOGIN\nS AUTH LOGIN\n< 334 x\nC 334 x\n> *\nS *\n< 501 cancelled\n"
	     "C 501 cancelled\n> NOOP\nS NOOP\n< 250 ok\nC 250 ok\n"),
	WITH("E34 AUTH passed: what is behind it waits for the answer", auth_pass,
	     PLAY_EHLO
	     "> NOOP\n> AUTH LOGIN\n> DATA\n> NOOP\nS NOOP\nS AUTH LOGIN\n"
	     "< 250 ok\nC 250 ok\n< 334 x\nC 334 x\nS DATA\n< 535 no\nC 535 no\nS NOOP\n"),
	WITH("E34 AUTH passed: an empty line is data too", auth_pass,
	     PLAY_EHLO "> AUTH LOGIN\nS AUTH LOGIN\n< 334 x\nC 334 x\n> \nS \n< 501 no\n"
	     "C 501 no\n"),
	WITH("E34 AUTH passed: 12,288 octets", auth_pass,
	     PLAY_EHLO
	     "> AUTH X \\{12279 a}\n"
	     "S AUTH X \\{12279 a}\n< 334 x\nC 334 x\n"
	     "> \\{12286 b}\nS \\{12286 b}\n< 235 ok\nC 235 ok\n"),
	WITH("E43 AUTH passed: a longer line ends it", auth_pass,
	     PLAY_EHLO "> AUTH X\nS AUTH X\n< 334 x\nC 334 x\n"
	     "> \\{12287 b}\nC 500 5.5.2 line too long...\n" SHUT "= end_line_too_long\n"),
	WITH("E45 AUTH passed: LF alone within it", auth_pass,
	     PLAY_EHLO "> AUTH X\nS AUTH X\n< 334 x\nC 334 x\n"
	     "> abc\\n\\_\nC 500 5.5.2 bare...\n" SHUT "= end_bare_newline\n"),
	PLAY("E35 E37 E38 E39 refused with 502",
	     PLAY_EHLO
	     "> XCLIENT ADDR=1\n> XFORWARD A=b\n> ETRN x\n> ATRN x\n> TURN\n> BURL x\n"
	     "> XEXCH50 1 2\n"
	     "> LHLO a\n> SEND FROM:<a>\n> SOML FROM:<a>\n> SAML FROM:<a>\n> VERB\n> ONEX\n"
	     "> X-LINK2STATE\n"
	     "C \\{14 502 5.5.1 command not available here [T1] http://help.example/\\r\\n}\\_\n"
	     "E \\{14 note command_refused\\r\\n}\\_\n"),
	PLAY("E38 not words at all: 500",
	     PLAY_EHLO "> \n> 250 ok\n> .\n>  NOOP\n> \t\n"
	     "C \\{5 500 5.5.2 syntax error [T1] http://help.example/\\r\\n}\\_\n"
	     "E \\{5 note command_refused\\r\\n}\\_\n"),
	PLAY("E38 words that only begin like known ones",
	     PLAY_EHLO "> NOOPS\n> DATAX\n> RSET\x0b\n> DATA\x0c\n> EHLO\\xa0x\n> QUIT,\n"
	     "C \\{6 502 5.5.1 command not available here [T1] http://help.example/\\r\\n}\\_\n"
	     "E \\{6 note command_refused\\r\\n}\\_\n"),
	PLAY("E21 BDAT is refused and its octets are swallowed",
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT
	     "> BDAT 12 LAST\n> NOOP\n> DATA\nC 502 5.5.1 ...\nE note command_refused\n"
	     "> RSET\nS RSET\n< 250 ok\nC 250 ok\nE reset\n"),
	PLAY("E21 BDAT outside a transaction, octets that look like anything",
	     PLAY_EHLO
	     "> bdat  20\n> \\0\\r\\n.\\r\\nQUIT\\r\\n\\xff\\n\\rabcde\\_\n> BDAT 0\n"
	     "> BDAT 0 last \n> BDAT 00002\n> \\_\n> NOOP\n"
	     "C 502 5.5.1 ...\nC 502 5.5.1 ...\nC 502 5.5.1 ...\nC 502 5.5.1 ...\n"
	     "E \\{4 note command_refused\\r\\n}\\_\n"
	     "C 502 5.5.1 ...\nE note command_refused\n"),
	PLAY("E21 BDAT in a pipeline is answered in its place",
	     PLAY_EHLO
	     "> MAIL FROM:<f@a>\n> BDAT 3\n> abcNOOP\nS MAIL FROM:<f@a>\nS NOOP\n"
	     "E note command_refused\n"
	     "< 250 1\nC 250 1\nC 502 5.5.1 ...\nE mail f@a\n< 250 2\nC 250 2\n"),
	PLAY("E21 client stalls within a chunk",
	     PLAY_EHLO "> BDAT 10\n> abc\nC 502 5.5.1 ...\nE note command_refused\nW body\n"
	     "! expire\n" SHUT "= end_timeout_body\n"),
};

Test(smtp_command, refusals)
{
	play_all(refusals, sizeof(refusals) / sizeof(refusals[0]));
}

/* E26, B58: sizes that are none end the session, whatever arithmetic would make of them. */
Test(smtp_command, absurd_chunks)
{
	static const char *const sizes[] = {
		"", " ", "x", "-1", "+1", "0x10", "1.5", "1e3", "1,000", "1 FIRST", "1 LAST x",
		"1073741825", "2147483647", "2147483648", "2147483649", "4294967295",
		"4294967296", "4294967297", "9223372036854775807", "9223372036854775808",
		"18446744073709551615", "18446744073709551616",
		"1234567890123456789012345678901234567890",
	};
	char script[1024];
	struct play play = { .name = "E26", .refused = SMTP_REPLY_COUNT, .script = script };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(script, sizeof(script),
			 PLAY_GREET "> BDAT %s\n> MAIL FROM:<a>\nC 501 5.5.4 ...\n"
			 SHUT "= end_chunk_size\n", sizes[i]);
		play_all(&play, 1);
	}
}

#define BAD_PATH(line) \
	"> " line "\nC 501 5.5.4 ...\n"
#define BAD_RCPT(line) \
	BAD_PATH(line) "E refused 501\n"
#define GOOD_MAIL(args, path) \
	"> MAIL FROM:" args "\nS MAIL FROM:" args "\n< 250 ok\nC 250 ok\nE mail" path "\n"
#define GOOD_RCPT(args, path) \
	"> RCPT TO:" args "\nS RCPT TO:" args "\n< 250 ok\nC 250 ok\nE rcpt" path "\n"

static const struct play paths[] = {
	PLAY("E40 spacing and case",
	     PLAY_EHLO
	     "> mail from : <a@b>\nS mail from : <a@b>\n< 250 ok\nC 250 ok\nE mail a@b\n"
	     "> MAIL\\tFROM\\t:\\t<a@b>\\t\nS MAIL\\tFROM\\t:\\t<a@b>\\t\n< 250 ok\nC 250 ok\n"
	     "E mail a@b\n"
	     "> rCpT   tO:<a@b>\nS rCpT   tO:<a@b>\n< 250 ok\nC 250 ok\nE rcpt a@b\n"),
	PLAY("E40 not surely understood: 501 here",
	     PLAY_EHLO
	     BAD_PATH("MAIL") BAD_PATH("MAIL FROM") BAD_PATH("MAIL FROM:") BAD_PATH("MAIL FROM: ")
	     BAD_PATH("MAIL TO:<a>") BAD_PATH("MAIL FROM <a>") BAD_PATH("MAIL FROM:<a")
	     BAD_PATH("MAIL FROM:<a>b") BAD_PATH("MAIL FROM:<a>SIZE=1")
	     BAD_PATH("MAIL FROM:<<a>>")
	     BAD_PATH("MAIL FROM:a>") BAD_PATH("MAIL FROM:<\"a>")
	     BAD_PATH("MAIL FROM:<\"a\\\\\">")
	     BAD_PATH("MAIL FROM:<a\\x01>") BAD_PATH("MAIL FROM:<a\\\\")
	     BAD_RCPT("RCPT") BAD_RCPT("RCPT FROM:<a>") BAD_RCPT("RCPT TO:<")
	     BAD_RCPT("RCPT TO:")),
	PLAY("E40 verb and word run together: 501 here, nothing forwarded",
	     PLAY_EHLO
	     "> MAILFROM:<a>\n> RCPTTO:<b>\n> mail:from:<a>\n"
	     "C \\{3 501 5.5.4 syntax error in parameters [T1] http://help.example/\\r\\n}\\_\n"
	     "E \\{3 note command_refused\\r\\n}\\_\n"),
	PLAY("E41 paths of all kinds",
	     PLAY_EHLO
	     GOOD_MAIL("<>", "")
	     GOOD_MAIL("<\"a b\"@c>", " \"a b\"@c")
	     GOOD_MAIL("<\">\"@c>", " \">\"@c")
	     GOOD_MAIL("<\"a\\\\\\\"b>c\"@d>", " \"a\\\\\\\"b>c\"@d")
	     GOOD_MAIL("<a\\\\>b@c>", " a\\\\>b@c")
	     GOOD_MAIL("<a@[IPv6:2001:db8::1]>", " a@[IPv6:2001:db8::1]")
	     GOOD_MAIL("<@one,@two:user@host>", " user@host")
	     GOOD_MAIL("<@one:\"@x:y\"@host>", " \"@x:y\"@host")
	     GOOD_MAIL("a@b", " a@b")
	     GOOD_MAIL("\"a b\"@c SIZE=5", " \"a b\"@c")
	     GOOD_RCPT("<Postmaster>", " Postmaster")
	     GOOD_RCPT("<\xc3\xa4@\xc3\xb6>", " \xc3\xa4@\xc3\xb6")
	     GOOD_RCPT("<a@b> NOTIFY=NEVER ORCPT=rfc822;a", " a@b")),
	PLAY("E41 longer than we keep: forwarded whole, told cut",
	     PLAY_EHLO GOOD_MAIL("<\\{400 x}>", " \\{319 x}")),
	PLAY("E42 E28 E29 E30 parameters pass",
	     PLAY_EHLO
	     GOOD_MAIL("<a> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+20y FOO=bar X", " a")
	     GOOD_MAIL("<a> BODY=7bit SIZE=99999999999999999999999999", " a")
	     GOOD_MAIL("<a> SIZE= SIZE =5 size=x =", " a")),
	PLAY("E27 BINARYMIME",
	     PLAY_EHLO
	     "> MAIL FROM:<a> BODY=BINARYMIME\nC 555 5.5.4 ...\n"
	     "> MAIL FROM:<a> X body=binarymime Y\nC 555 5.5.4 ...\n"),
	WITH("E31 SIZE above ours", size_1000,
	     PLAY_EHLO
	     "> MAIL FROM:<a> SIZE=1001\nC 552 5.3.4 ...\n"
	     "> MAIL FROM:<a> size=340282366920938463463374607431768211456\nC 552 5.3.4 ...\n"
	     GOOD_MAIL("<a> SIZE=1000", " a") GOOD_MAIL("<a> SIZE=0001000", " a")),
	WITH("E78 recipients beyond the limit", two_recipients,
	     PLAY_EHLO PLAY_MAIL PLAY_RCPT PLAY_RCPT
	     "> RCPT TO:<x@b>\nC 452 4.5.3 ...\nE note recipient_limit\nE refused 452 x@b\n"
	     "> RCPT TO:<y@b>\nC 452 4.5.3 ...\nE note recipient_limit\nE refused 452 y@b\n"
	     PLAY_DATA),
	WITH("E78 pipelined: a refused one does not count", two_recipients,
	     PLAY_EHLO PLAY_MAIL
	     "> RCPT TO:<1>\n> RCPT TO:<2>\n> RCPT TO:<3>\n> RCPT TO:<4>\n"
	     "S RCPT TO:<1>\nS RCPT TO:<2>\n"
	     "< 250 1\n< 550 2\nC 250 1\nC 550 2\nE rcpt 1\nE refused 550 2\nS RCPT TO:<3>\n"
	     "< 250 3\nC 250 3\nC 452 4.5.3 ...\nE rcpt 3\nE note recipient_limit\n"
	     "E refused 452 4\n"),
	PLAY("E77 only accepted recipients count",
	     PLAY_EHLO PLAY_MAIL
	     "> RCPT TO:<x>\n> RCPT TO:<y>\nS RCPT TO:<x>\nS RCPT TO:<y>\n"
	     "< 451 1\n< 251 2\nC 451 1\nC 251 2\nE refused 451 x\nE rcpt y\n"),
};

Test(smtp_command, paths)
{
	play_all(paths, sizeof(paths) / sizeof(paths[0]));
}

static const struct play lines[] = {
	PLAY("E43 4,096 octets pass",
	     PLAY_EHLO "> NOOP \\{4089 x}\nS NOOP \\{4089 x}\n< 250 ok\nC 250 ok\n"),
	PLAY("E43 4,097 octets: 500, and the session goes on",
	     PLAY_EHLO "> NOOP \\{4090 x}\n> NOOP\nC 500 5.5.2 line too long ...\nS NOOP\n"
	     "< 250 ok\nC 250 ok\n"),
	PLAY("E43 the rest of a long line is no command",
	     PLAY_EHLO "> NOOP \\{5000 x}\\nQUIT\\n\\0\\rRSET\n> NOOP\n"
	     "C 500 5.5.2 line too long ...\nS NOOP\n"),
	PLAY("E43 long line in a pipeline is answered in its place",
	     PLAY_EHLO "> RSET\n> \\{5000 x}\n> NOOP\nS RSET\nS NOOP\n"
	     "< 250 1\nC 250 1\nC 500 5.5.2 line too long ...\nE reset\n< 250 2\nC 250 2\n"),
	PLAY("E43 over 64 KB without a line end",
	     PLAY_EHLO "> NOOP \\{65600 x}\\_\nC 500 5.5.2 line too long ...\n" SHUT
	     "= end_line_too_long\n"),
	PLAY("E43 over 64 KB although a line end comes then",
	     PLAY_EHLO "> NOOP \\{65600 x}\n> NOOP\nC 500 5.5.2 line too long ...\n" SHUT
	     "= end_line_too_long\n"),
	PLAY("E45 LF alone",
	     PLAY_EHLO "> NOOP\n> NOOP x\\nRSET\nS NOOP\n"
	     "< 250 1\nC 250 1\n"
	     "C 500 5.5.2 bare CR, bare LF or NUL in a command [T1] http://help.example/\n"
	     SHUT "= end_bare_newline\n"),
	PLAY("E45 CR alone, CR before CRLF",
	     PLAY_EHLO "> NOOP\\rRSET\nC 500 5.5.2 bare ...\n" SHUT "= end_bare_newline\n"),
	PLAY("E45 CR CR LF",
	     PLAY_EHLO "> NOOP\\r\nC 500 5.5.2 bare ...\n" SHUT "= end_bare_newline\n"),
	PLAY("E45 LF as the very first line",
	     PLAY_GREET "> HELO a\\n\\_\nC 500 5.5.2 bare ...\n" SHUT "= end_bare_newline\n"),
	PLAY("E49 NUL in a command",
	     PLAY_EHLO "> NOOP \\0\nC 500 5.5.2 bare ...\n" SHUT "= end_bare_newline\n"),
	PLAY("E45 what follows is neither taken nor answered",
	     PLAY_EHLO "> RSET\n> a\\n\\_\n> MAIL FROM:<x>\n> QUIT\nS RSET\n"
	     "> MORE\n< 250 ok\nC 250 ok\nC 500 5.5.2 bare ...\nE reset\n" SHUT
	     "= end_bare_newline\n"),
	PLAY("E50 8-bit is forwarded",
	     PLAY_EHLO "> VRFY \\xff\\xfe\\xe9\\x01\\x1b[0m\n"
	     "S VRFY \\xff\\xfe\\xe9\\x01\\x1b[0m\nE note recipient_probe\n"),
};

Test(smtp_command, lines)
{
	play_all(lines, sizeof(lines) / sizeof(lines[0]));
}

static const struct play strangers[] = {
	PLAY("E44 TLS hello before the greeting",
	     "> \\x16\\x03\\x01\\x02\\0\\x01\\0\\_\nE note early_talker\n" ABORT
	     "= end_tls_on_connect\n"),
	PLAY("E44 TLS hello after the greeting",
	     PLAY_GREET "> \\x16\\x03\\x03\\x02\\0\\n\\r\\n\\_\n" ABORT "= end_tls_on_connect\n"),
	PLAY("E44 HTTP", PLAY_GREET "> GET / HTTP/1.1\n> Host: x\n> \nC 421 4.5.0 ...\n" SHUT
	     "= end_not_smtp\n"),
	PLAY("E44 HTTP with LF alone, before the greeting",
	     "> POST /x HTTP/1.0\\n\\_\nE note early_talker\n"
	     "C 421 4.5.0 this is not SMTP, closing [T1]\n" SHUT
	     "= end_not_smtp\n"),
	PLAY("E44 CONNECT", PLAY_GREET "> CONNECT mx:25 HTTP/1.1\nC 421 4.5.0 ...\n" SHUT
	     "= end_not_smtp\n"),
	PLAY("E44 PROXY header, version 1",
	     PLAY_GREET "> PROXY TCP4 1.2.3.4 5.6.7.8 1 25\nC 421 4.5.0 ...\n" SHUT
	     "= end_not_smtp\n"),
	PLAY("E44 PROXY header, version 2",
	     PLAY_GREET "> \\r\\n\\r\\n\\0\\r\\nQUIT\\n!\\_\n"
	     "C 500 5.5.2 ...\nC 500 5.5.2 ...\nE note command_refused\nE note command_refused\n"
	     "C 421 4.5.0 ...\n" SHUT "= end_not_smtp\n"),
	PLAY("E44 RDP", PLAY_GREET "> \\x03\\0\\0\\x13\\x0e\\_\nC 421 4.5.0 ...\n" SHUT
	     "= end_not_smtp\n"),
	PLAY("E44 binary", PLAY_GREET "> \\x80\\x2e\\x01\\_\nC 421 4.5.0 ...\n" SHUT
	     "= end_not_smtp\n"),
	PLAY("E44 SSH", PLAY_GREET "> SSH-2.0-OpenSSH_9.2\nC 421 4.5.0 ...\n" SHUT
	     "= end_not_smtp\n"),
	PLAY("E44 a foreign word later is only unknown",
	     PLAY_EHLO "> GET / HTTP/1.1\nC 502 5.5.1 ...\nE note command_refused\n" PLAY_MAIL),
	PLAY("E44 TLS hello as a later line",
	     PLAY_EHLO "> STARTTLS\nC 502 5.5.1 ...\nE note starttls_refused\n"
	     "> \\x16\\x03\\x01\\0\\n\\_\nC 500 5.5.2 bare ...\n" SHUT "= end_bare_newline\n"),
	PLAY("E44 a lone 0x16 and then the end",
	     PLAY_GREET "> \\x16\\_\nW line\n! client-fin\nC 421 4.5.0 ...\n" SHUT
	     "= end_not_smtp\n"),
};

Test(smtp_command, strangers)
{
	play_all(strangers, sizeof(strangers) / sizeof(strangers[0]));
}
