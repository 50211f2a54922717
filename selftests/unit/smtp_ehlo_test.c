// SPDX-License-Identifier: GPL-2.0
/* EHLO and HELO: what is offered, what is hidden (E1-E9, E31, E32, E34). */
#include <criterion/criterion.h>

#include "smtp_play.h"

static void auth_pass(struct conf_class *class)
{
	class->auth = CONF_AUTH_PASS;
}

static void size_1000(struct conf_class *class)
{
	class->max_size = 1000;
}

static void tls_refuse(struct conf_class *class)
{
	class->starttls = CONF_STARTTLS_REFUSE;
}

#define ASK	PLAY_GREET "> EHLO a\nS EHLO a\n"

static const struct play offers[] = {
	PLAY("E1 HELO is relayed untouched",
	     PLAY_GREET "> HELO a\nS HELO a\n< 250-hi\n< 250 CHUNKING\n"
	     "C 250-hi\nC 250 CHUNKING\nE helo a\n"),
	PLAY("E2 all that is allowed stays, in order",
	     ASK "< 250-mx.example hello\n< 250-PIPELINING\n< 250-SIZE 100\n< 250-8BITMIME\n"
	     "< 250-ENHANCEDSTATUSCODES\n< 250-DSN\n< 250-SMTPUTF8\n< 250-HELP\n< 250-DELIVERBY\n"
	     "< 250-MT-PRIORITY STANAG4406\n< 250-FUTURERELEASE 1 2\n< 250-RRVS\n"
	     "< 250-NO-SOLICITING\n< 250 LIMITS RCPTMAX=5\n"
	     "C 250-mx.example hello\nC 250-PIPELINING\nC 250-SIZE 100\nC 250-8BITMIME\n"
	     "C 250-ENHANCEDSTATUSCODES\nC 250-DSN\nC 250-SMTPUTF8\nC 250-HELP\nC 250-DELIVERBY\n"
	     "C 250-MT-PRIORITY STANAG4406\nC 250-FUTURERELEASE 1 2\nC 250-RRVS\n"
	     "C 250-NO-SOLICITING\nC 250 LIMITS RCPTMAX=5\nE helo a\n"),
	PLAY("E3 Postfix: hidden lines in the middle go",
	     ASK "< 250-mx\n< 250-PIPELINING\n< 250-SIZE 10240000\n< 250-VRFY\n< 250-ETRN\n"
	     "< 250-STARTTLS\n< 250-AUTH PLAIN LOGIN\n< 250-AUTH=PLAIN LOGIN\n"
	     "< 250-ENHANCEDSTATUSCODES\n< 250-8BITMIME\n< 250-DSN\n< 250-SMTPUTF8\n"
	     "< 250 CHUNKING\n"
	     "C 250-mx\nC 250-PIPELINING\nC 250-SIZE 10240000\nC 250-ENHANCEDSTATUSCODES\n"
	     "C 250-8BITMIME\nC 250-DSN\nC 250 SMTPUTF8\nE helo a\n"),
	PLAY("E3 Exchange: the last ones go",
	     ASK "< 250-mx Hello [10.0.0.1]\n< 250-SIZE 37748736\n< 250-PIPELINING\n< 250-DSN\n"
	     "< 250-ENHANCEDSTATUSCODES\n< 250-STARTTLS\n< 250-X-ANONYMOUSTLS\n< 250-AUTH NTLM\n"
	     "< 250-X-EXPS GSSAPI NTLM\n< 250-8BITMIME\n< 250-BINARYMIME\n< 250-CHUNKING\n"
	     "< 250-XEXCH50\n< 250-XRDST\n< 250 XSHADOW\n"
	     "C 250-mx Hello [10.0.0.1]\nC 250-SIZE 37748736\nC 250-PIPELINING\nC 250-DSN\n"
	     "C 250-ENHANCEDSTATUSCODES\nC 250 8BITMIME\nE helo a\n"),
	PLAY("E3 all go: the first line is the only one",
	     ASK "< 250-mx here\n< 250-STARTTLS\n< 250-CHUNKING\n< 250 AUTH PLAIN\n"
	     "C 250 mx here\nE helo a\n"),
	PLAY("E3 one line stays one line", ASK "< 250 mx\nC 250 mx\nE helo a\n"),
	PLAY("E3 the only keyword goes", ASK "< 250-mx\n< 250 STARTTLS\nC 250 mx\nE helo a\n"),
	PLAY("E4 case, trailing blanks, duplicates",
	     ASK "< 250-mx\n< 250-size 5  \n< 250-Size 6\n< 250-auth=LOGIN\n< 250 starttls \n"
	     "C 250-mx\nC 250-size 5  \nC 250 Size 6\nE helo a\n"),
	PLAY("E4 keyword with a control octet",
	     ASK "< 250-mx\n< 250-SIZE\\x01 5\n< 250-DSN\\x7f\n< 250 DSN\nC 250-mx\nC 250 DSN\n"
	     "E helo a\n"),
	PLAY("E4 words that only begin like an allowed one",
	     ASK "< 250-mx\n< 250-SIZEX 5\n< 250-DSNX\n< 250-XSIZE\n< 250- SIZE\n< 250 8BITMIME\n"
	     "C 250-mx\nC 250 8BITMIME\nE helo a\n"),
	PLAY("E4 an empty keyword line",
	     ASK "< 250-mx\n< 250-\n< 250 \nC 250 mx\nE helo a\n"),
	PLAY("E54 code alone", ASK "< 250\nC 250\nE helo a\n"),
	PLAY("E54 code alone at the end",
	     ASK "< 250-mx\n< 250-DSN\n< 250\nC 250-mx\nC 250 DSN\nE helo a\n"),
	PLAY("E55 LF alone in EHLO",
	     ASK "< 250-mx\\n250-DSN\\n250 SIZE\\n\\_\nC 250-mx\nC 250-DSN\nC 250 SIZE\n"
	     "E helo a\n"),
	PLAY("E5 EHLO again is rewritten again and resets on 250",
	     PLAY_EHLO PLAY_MAIL
	     "> EHLO b\nS EHLO b\n< 250-mx\n< 250 STARTTLS\nC 250 mx\nE helo b\nE reset\n"
	     "> RSET\nS RSET\n< 250 ok\nC 250 ok\nE reset\n"),
	PLAY("E5 EHLO again refused: nothing is reset",
	     PLAY_EHLO PLAY_MAIL
	     "> EHLO b\nS EHLO b\n< 503-no\n< 503 CHUNKING\nC 503-no\nC 503 CHUNKING\n"
	     PLAY_RCPT PLAY_DATA),
	PLAY("E6 EHLO refused, HELO taken",
	     ASK "< 502 what\nC 502 what\n> HELO a\nS HELO a\n< 250 mx\nC 250 mx\nE helo a\n"),
	PLAY("E6 EHLO refused for now in two lines",
	     ASK "< 450-not\n< 450 now\nC 450-not\nC 450 now\n"),
	PLAY("E8 commands behind EHLO keep their order, one at a time",
	     PLAY_GREET
	     "> EHLO a\n> NOOP\n> NOOP 2\nS EHLO a\nE note early_pipelining\n"
	     "< 250 mx\nC 250 mx\nE helo a\nS NOOP\n< 250 1\nC 250 1\nS NOOP 2\n"
	     "< 250 2\nC 250 2\n"),
	PLAY("E8 commands behind EHLO go together once PIPELINING is offered",
	     PLAY_GREET
	     "> EHLO a\n> NOOP\n> NOOP 2\nS EHLO a\nE note early_pipelining\n"
	     "< 250-mx\n< 250 PIPELINING\nC 250-mx\nC 250 PIPELINING\nE helo a\nS NOOP\n"
	     "S NOOP 2\n"
	     "< 250 1\n< 250 2\nC 250 1\nC 250 2\n"),
	PLAY("E9 strange arguments are the exchanger's to judge",
	     PLAY_GREET
	     "> EHLO\nS EHLO\n< 501 arg\nC 501 arg\n"
	     "> EHLO [IPv6:::1]\nS EHLO [IPv6:::1]\n< 250 mx\nC 250 mx\nE helo [IPv6:::1]\n"
	     "> EHLO \xc3\xa4 b \nS EHLO \xc3\xa4 b \n< 250 mx\nC 250 mx\nE helo \xc3\xa4 b\n"
	     "E reset\n"
	     "> EHLO \\{300 x}\nS EHLO \\{300 x}\n< 250 mx\nC 250 mx\nE helo \\{300 x}\n"
	     "E reset\n"),
	PLAY("E7 101 lines",
	     ASK
	     "< 250-mx\n< \\{99 250-DSN\\r\\n}\\_\n< 250 DSN\n"
	     "C 421 4.4.2 ...\nA CLOSE_CLIENT DISCARD_CLIENT CLOSE_SERVER\n= end_mx_protocol\n"),
	PLAY("E7 100 lines pass",
	     ASK "< 250-mx\n< \\{98 250-DSN\\r\\n}\\_\n< 250 DSN\n"
	     "C 250-mx\nC \\{98 250-DSN\\r\\n}\\_\nC 250 DSN\nE helo a\n"),
	PLAY("E7 more than 16 KB",
	     ASK
	     "< 250-mx\n< 250-X\\{4000 x}\n< 250-X\\{4000 x}\n< 250-X\\{4000 x}\n"
	     "< 250-X\\{4000 x}\n"
	     "< 250-X\\{4000 x}\n"
	     "C 421 4.4.2 ...\nA CLOSE_CLIENT DISCARD_CLIENT CLOSE_SERVER\n= end_mx_protocol\n"),
	PLAY("E53 code changes within EHLO",
	     ASK "< 250-mx\n< 550 no\nC 421 4.4.2 ...\n"
	     "A CLOSE_CLIENT DISCARD_CLIENT CLOSE_SERVER\n= end_mx_protocol\n"),
	{ .name = "E34 AUTH is shown where the class passes it", .refused = SMTP_REPLY_COUNT,
	  .set = auth_pass, .script =
	     ASK "< 250-mx\n< 250-AUTH PLAIN\n< 250-AUTH=PLAIN\n< 250 STARTTLS\n"
	     "C 250-mx\nC 250-AUTH PLAIN\nC 250 AUTH=PLAIN\nE helo a\n" },
	{ .name = "E31 SIZE is lowered to ours", .refused = SMTP_REPLY_COUNT,
	  .set = size_1000, .script =
	     ASK "< 250-mx\n< 250 SIZE 2000\nC 250-mx\nC 250 SIZE 1000\nE helo a\n"
	     "> EHLO a\nS EHLO a\n< 250-mx\n< 250 size\nC 250-mx\nC 250 SIZE 1000\nE helo a\n"
	     "E reset\n"
	     "> EHLO a\nS EHLO a\n< 250-mx\n< 250 SIZE 0\nC 250-mx\nC 250 SIZE 1000\nE helo a\n"
	     "E reset\n"
	     "> EHLO a\nS EHLO a\n< 250-mx\n< 250 SIZE 999\nC 250-mx\nC 250 SIZE 999\nE helo a\n"
	     "E reset\n"
	     "> EHLO a\nS EHLO a\n< 250-mx\n< 250 SIZE 99999999999999999999999999\n"
	     "C 250-mx\nC 250 SIZE 1000\nE helo a\nE reset\n"
	     "> EHLO a\nS EHLO a\n< 250-SIZE 9999 mx\n< 250 DSN\nC 250-SIZE 9999 mx\nC 250 DSN\n"
	     "E helo a\nE reset\n" },
	PLAY("E32 STARTTLS hidden",
	     PLAY_EHLO "> STARTTLS\nC 502 5.5.1 ...\nE note starttls_refused\n"
	     "> NOOP\nS NOOP\n< 250 ok\nC 250 ok\n"),
	{ .name = "E33 STARTTLS refused", .refused = SMTP_REPLY_COUNT, .set = tls_refuse, .script
	     =
	     ASK "< 250-mx\n< 250 STARTTLS\nC 250 mx\nE helo a\n"
	     "> starttls\nC 454 4.7.0 TLS not available here [T1]\nE note starttls_refused\n"
	     "> NOOP\nS NOOP\n< 250 ok\nC 250 ok\n" },
};

Test(smtp_ehlo, plays)
{
	play_all(offers, sizeof(offers) / sizeof(offers[0]));
}
