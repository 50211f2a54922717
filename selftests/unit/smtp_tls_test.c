// SPDX-License-Identifier: GPL-2.0
/* STARTTLS by class: hidden, refused, passed (E32, E33, E38, B12). */
#include <criterion/criterion.h>

#include "smtp_play.h"

static void refuse(struct conf_class *class)
{
	class->starttls = CONF_STARTTLS_REFUSE;
}

static void refuse_visibly(struct conf_class *class)
{
	class->starttls = CONF_STARTTLS_REFUSE;
	class->starttls_offer = true;
}

static void hide_with_offer(struct conf_class *class)
{
	class->starttls_offer = true;
}

static void pass(struct conf_class *class)
{
	class->starttls = CONF_STARTTLS_PASS;
}

static void pass_ten(struct conf_class *class)
{
	class->starttls = CONF_STARTTLS_PASS;
	class->tls_octets = 10;
}

#define TLS(name_, set_, ...) \
	{ .name = name_, .set = set_, .refused = SMTP_REPLY_COUNT, .script = __VA_ARGS__ }
#define SHADOW(name_, set_, ...) \
	{ .name = name_, .set = set_, .refused = SMTP_REPLY_COUNT, .shadow = true, \
	  .script = __VA_ARGS__ }

/* What an exchanger with TLS offers; what is left of it in each class. */
#define OFFER	"< 250-mx\n< 250-STARTTLS\n< 250-REQUIRETLS\n< 250 PIPELINING\n"
#define SHOWN	"C 250-mx\nC 250-STARTTLS\nC 250-REQUIRETLS\nC 250 PIPELINING\nE helo a\n"
#define BARE	"C 250-mx\nC 250 PIPELINING\nE helo a\n"
#define ASK	PLAY_GREET "> EHLO a\nS EHLO a\n" OFFER
#define STARTTLS "> STARTTLS\nS STARTTLS\nW reply\n"
#define GO	"< 220 go\nC 220 go\nE note tls_passed\nW tunnel\n"
/* Up to the switch; behind the first flight of both sides. */
#define SWITCH	ASK SHOWN STARTTLS GO
#define HELLO	"> \\x16\\x03\\x01hello\\_\nS \\x16\\x03\\x01hello\\_\n"
#define FLIGHT	"< \\x16\\x03\\x03back\\_\nC \\x16\\x03\\x03back\\_\n"
#define TUNNEL	SWITCH HELLO FLIGHT

#define INJECTED	"A RESET_SERVER RESET_CLIENT\n= end_tls_inject\n"
#define CLOSED	"A CLOSE_SERVER CLOSE_CLIENT DISCARD_CLIENT\n"

static const struct play offers[] = {
	TLS("E2 E38 pass shows STARTTLS and REQUIRETLS", pass, ASK SHOWN),
	PLAY("E2 E38 hide shows neither", ASK BARE),
	TLS("E33 refuse shows neither", refuse, ASK BARE),
	TLS("E33 E38 refuse with the offer shows STARTTLS alone", refuse_visibly,
	    ASK "C 250-mx\nC 250-STARTTLS\nC 250 PIPELINING\nE helo a\n"),
	TLS("E32 hide has no offer to show", hide_with_offer, ASK BARE),
	TLS("E4 pass: a keyword with a control octet goes all the same", pass,
	    PLAY_GREET "> EHLO a\nS EHLO a\n< 250-mx\n< 250-STARTTLS\\x01\n< 250 DSN\n"
	    "C 250-mx\nC 250 DSN\nE helo a\n"),
};

static const struct play refusals[] = {
	PLAY("E32 hidden: 502 in its slot, also in a pipeline (E12)",
	     ASK BARE
	     "> NOOP\n> STARTTLS\n> NOOP\nS NOOP\nS NOOP\nE note starttls_refused\n"
	     "< 250 1\n< 250 2\nC 250 1\nC 502 5.5.1 ...\nC 250 2\n"),
	TLS("E33 refused: 454 in its slot, also in a pipeline (E12)", refuse,
	    ASK BARE
	    "> NOOP\n> STARTTLS\n> NOOP\nS NOOP\nS NOOP\nE note starttls_refused\n"
	    "< 250 1\n< 250 2\nC 250 1\nC 454 4.7.0 TLS not available here [T1]\nC 250 2\n"),
	TLS("E33 refused although it is shown", refuse_visibly,
	    ASK "C 250-mx\nC 250-STARTTLS\nC 250 PIPELINING\nE helo a\n"
	    "> STARTTLS\nC 454 4.7.0 ...\nE note starttls_refused\n"
	    "> NOOP\nS NOOP\n< 250 ok\nC 250 ok\n"),
	TLS("E33 refused twice, with arguments too", refuse,
	    ASK BARE
	    "> STARTTLS\nC 454 4.7.0 ...\nE note starttls_refused\n"
	    "> starttls now\nC 454 4.7.0 ...\nE note starttls_refused\n"),
	TLS("E33 E34 AUTH behind a refused STARTTLS", refuse,
	    ASK BARE
	    "> STARTTLS\nC 454 4.7.0 ...\nE note starttls_refused\n"
	    "> AUTH PLAIN AGEAYg==\nC 573 5.7.1 ...\nE note auth_refused\n"),
	TLS("E33 a TLS client behind a refused STARTTLS is not forwarded", refuse,
	    ASK BARE
	    "> STARTTLS\nC 454 4.7.0 ...\nE note starttls_refused\n"
	    "> \\x16\\x03\\x01\\0\nC 500 5.5.2 ...\n" CLOSED "= end_bare_newline\n"),
};

static const struct play leavings[] = {
	PLAY("E32 QUIT behind EHLO while STARTTLS is hidden",
	     ASK BARE
	     "> QUIT\nS QUIT\n< 221 bye\nC 221 bye\n"
	     "! server-fin\nE note left_after_ehlo\n" CLOSED "= end_quit\n"),
	PLAY("E32 closed behind EHLO", ASK BARE
	     "! client-fin\nE note left_after_ehlo\n" CLOSED "= end_client_closed\n"),
	PLAY("E32 reset behind EHLO", ASK BARE
	     "! client-rst\nE note left_after_ehlo\nA RESET_SERVER RESET_CLIENT\n"
	     "= end_client_reset\n"),
	TLS("E32 left behind a STARTTLS that was refused", refuse_visibly,
	    ASK "C 250-mx\nC 250-STARTTLS\nC 250 PIPELINING\nE helo a\n"
	    "> STARTTLS\nC 454 4.7.0 ...\nE note starttls_refused\n"
	    "! client-fin\nE note left_after_ehlo\n" CLOSED "= end_client_closed\n"),
	PLAY("E32 EHLO twice, then QUIT: once", ASK BARE
	     "> EHLO b\nS EHLO b\n" OFFER "C 250-mx\nC 250 PIPELINING\nE helo b\nE reset\n"
	     "> QUIT\nS QUIT\n< 221 bye\nC 221 bye\n"
	     "! client-fin\nE note left_after_ehlo\n" CLOSED "= end_quit\n"),
	PLAY("E32 the exchanger had not offered it",
	     PLAY_EHLO PLAY_QUIT),
	PLAY("E32 something was done behind EHLO", ASK BARE
	     "> NOOP\nS NOOP\n< 250 ok\nC 250 ok\n" PLAY_QUIT),
	PLAY("E32 mail was tried", ASK BARE
	     "> MAIL FROM:<f@a>\nS MAIL FROM:<f@a>\n< 550 no\nC 550 no\n" PLAY_QUIT),
	PLAY("E32 mail was sent, then EHLO and QUIT", ASK BARE PLAY_MAIL
	     "> EHLO b\nS EHLO b\n" OFFER "C 250-mx\nC 250 PIPELINING\nE helo b\nE reset\n"
	     PLAY_QUIT),
	PLAY("E32 HELO behind EHLO", ASK BARE
	     "> HELO b\nS HELO b\n< 250 mx\nC 250 mx\nE helo b\nE reset\n" PLAY_QUIT),
	PLAY("E32 the exchanger ended it", ASK BARE
	     "! server-fin\n" CLOSED "= end_mx_closed\n"),
	TLS("E32 not counted where TLS passes", pass, ASK SHOWN PLAY_QUIT),
};

#define MAIL_530(text) \
	"> MAIL FROM:<f@a>\nS MAIL FROM:<f@a>\n< 530 " text "\nC 530 " text "\n"

static const struct play wanted[] = {
	PLAY("E33 530 to MAIL, once a session", PLAY_EHLO
	     MAIL_530("5.7.0 Must issue a STARTTLS command first") "E note tls_wanted\n"
	     MAIL_530("5.7.0 Must issue a STARTTLS command first")),
	PLAY("E33 530 of two lines to RCPT", PLAY_EHLO PLAY_MAIL
	     "> RCPT TO:<t@b>\nS RCPT TO:<t@b>\n< 530-use tls\n< 530 please\n"
	     "C 530-use tls\nC 530 please\nE note tls_wanted\nE refused 530 t@b\n"),
	PLAY("E33 530 to DATA", PLAY_EHLO PLAY_MAIL PLAY_RCPT
	     "> DATA\nS DATA\n< 530 TLS\nC 530 TLS\nE note tls_wanted\n"),
	PLAY("E33 530 within a message, told at its end", PLAY_BODY
	     "> x\nS x\nB x\n< 530 TLS\n> .\nC 530 TLS\nE note tls_wanted\n"
	     "E message_rejected 530\nA RESET_SERVER CLOSE_CLIENT DISCARD_CLIENT\n"
	     "= end_mx_during_data\n"),
	PLAY("E33 530 without a word, TLS was offered", ASK BARE
	     MAIL_530("no") "E note tls_wanted\n"),
	PLAY("E33 530 without a word, TLS was not offered", PLAY_EHLO MAIL_530("no")),
	PLAY("E33 530 that wants AUTH", ASK BARE MAIL_530("5.7.0 Authentication required")),
	PLAY("E33 550 that names TLS", PLAY_EHLO
	     "> MAIL FROM:<f@a>\nS MAIL FROM:<f@a>\n< 550 no TLS\nC 550 no TLS\n"),
};

static const struct play switches[] = {
	TLS("E33 both ways, octet for octet, no line in it", pass,
	    TUNNEL
	    "> QUIT\\r\\n\\0\\xff\\r\\_\nS QUIT\\r\\n\\0\\xff\\r\\_\n"
	    "< 421 \\n\\0\\xfe\\_\nC 421 \\n\\0\\xfe\\_\n"
	    "> \\{3000 0123456789}\\_\nS \\{3000 0123456789}\\_\n"
	    "< \\{3000 9876543210}\\_\nC \\{3000 9876543210}\\_\nW tunnel\n"),
	TLS("E33 a reply of several lines", pass,
	    ASK SHOWN STARTTLS "< 220-go\n< 220 on\nC 220-go\nC 220 on\nE note tls_passed\n"
	    HELLO FLIGHT),
	TLS("E54 220 without a text", pass,
	    ASK SHOWN STARTTLS "< 220\nC 220\nE note tls_passed\n" HELLO),
	TLS("E33 the exchanger answers with an alert", pass,
	    SWITCH HELLO "< \\x15\\x03\\x03\\_\nC \\x15\\x03\\x03\\_\n"
	    "! server-fin\n" CLOSED "= end_mx_closed\n"),
	TLS("E33 STARTTLS without EHLO, with arguments, is the exchanger's to judge", pass,
	    PLAY_GREET "> STARTTLS now\nS STARTTLS now\n< 501 no\nC 501 no\n"
	    "> NOOP\nS NOOP\n< 250 ok\nC 250 ok\n"),
	TLS("E33 within a transaction, which is none of ours any more", pass,
	    ASK SHOWN PLAY_MAIL STARTTLS GO HELLO),
	TLS("E12 behind others in a pipeline", pass,
	    ASK SHOWN "> NOOP\n> XCLIENT a\n> STARTTLS\nS NOOP\nS STARTTLS\n"
	    "E note command_refused\n"
	    "< 250 ok\n< 220 go\nC 250 ok\nC 502 5.5.1 ...\nC 220 go\nE note tls_passed\n" HELLO),
	TLS("E33 454: in the clear it goes on, and STARTTLS may come again", pass,
	    ASK SHOWN STARTTLS "< 454 not now\nC 454 not now\nW idle\n"
	    STARTTLS GO HELLO),
	TLS("E33 502: in the clear it goes on", pass,
	    ASK SHOWN STARTTLS "< 502 what\nC 502 what\n" PLAY_MAIL PLAY_RCPT PLAY_DATA),
	TLS("E58 421 ends it", pass,
	    ASK SHOWN STARTTLS "< 421 going\nC 421 going\n" CLOSED "= end_mx_421\n"),
	TLS("E33 530 to STARTTLS itself", pass,
	    ASK SHOWN STARTTLS "< 530 no\nC 530 no\nE note tls_wanted\n"
	    "> NOOP\nS NOOP\n< 250 ok\nC 250 ok\n"),
	TLS("E56 another 2xx: some clients would switch, others not", pass,
	    ASK SHOWN STARTTLS "< 250 ok\nC 421 4.4.2 ...\n" CLOSED "= end_mx_protocol\n"),
	TLS("E56 3xx to STARTTLS", pass,
	    ASK SHOWN STARTTLS "< 334 more\nC 421 4.4.2 ...\n" CLOSED "= end_mx_protocol\n"),
};

static const struct play injections[] = {
	TLS("B12 a command behind STARTTLS, answered with 220", pass,
	    ASK SHOWN "> STARTTLS\n> MAIL FROM:<x@y>\nS STARTTLS\n< 220 go\n" INJECTED),
	TLS("B12 an octet behind STARTTLS", pass,
	    ASK SHOWN "> STARTTLS\n> x\\_\nS STARTTLS\n< 220 go\n" INJECTED),
	TLS("B12 a TLS client that does not wait", pass,
	    ASK SHOWN "> STARTTLS\n> \\x16\\x03\\x01\\_\nS STARTTLS\n< 220 go\n" INJECTED),
	TLS("B12 STARTTLS twice", pass,
	    ASK SHOWN "> STARTTLS\n> STARTTLS\nS STARTTLS\n< 220 go\n" INJECTED),
	TLS("B12 a command between the lines of the 220", pass,
	    ASK SHOWN STARTTLS "< 220-go\nC 220-go\n> NOOP\n< 220 on\n" INJECTED),
	TLS("B12 a command behind STARTTLS, answered with 454", pass,
	    ASK SHOWN "> STARTTLS\n> MAIL FROM:<x@y>\nS STARTTLS\n< 454 no\n"
	    "C 454 no\nC 421 4.5.0 octets sent before the answer to STARTTLS, closing [T1]\n"
	    CLOSED "= end_tls_inject\n"),
	TLS("B12 a command behind STARTTLS, answered with 421", pass,
	    ASK SHOWN "> STARTTLS\n> MAIL FROM:<x@y>\nS STARTTLS\n< 421 no\nC 421 no\n"
	    CLOSED "= end_mx_421\n"),
	TLS("B12 a command behind STARTTLS, answered with 530", pass,
	    ASK SHOWN "> STARTTLS\n> MAIL FROM:<x@y>\nS STARTTLS\n< 530 no\n"
	    "C 530 no\nC 421 4.5.0 ...\nE note tls_wanted\n" CLOSED "= end_tls_inject\n"),
	TLS("B12 a reply glued to the 220", pass,
	    ASK SHOWN STARTTLS "< 220 go\n< 250 injected\n"
	    "C 220 go\nE note tls_passed\n" INJECTED),
	TLS("B12 a reply behind the 220", pass, SWITCH "< 250 injected\n" INJECTED),
	TLS("B12 the exchanger speaks TLS first", pass, SWITCH "< \\x16\\x03\\_\n" INJECTED),
	TLS("B12 the exchanger speaks in the clear behind the client's hello", pass,
	    SWITCH HELLO "< 250 injected\n" INJECTED),
	TLS("B12 a command behind the switch", pass, SWITCH "> EHLO b\n" INJECTED),
	TLS("B12 a command behind the switch, after a CRLF", pass,
	    SWITCH "> \n> EHLO b\n" INJECTED),
	TLS("B12 both at once: the exchanger's cannot be an answer", pass,
	    ASK SHOWN STARTTLS "< 220 go\n< \\x16\\_\nC 220 go\nE note tls_passed\n" INJECTED),
};

static const struct play ends[] = {
	TLS("E72 client resets before the 220", pass,
	    ASK SHOWN STARTTLS "! client-rst\nA RESET_SERVER RESET_CLIENT\n= end_client_reset\n"),
	TLS("E72 client resets behind the 220", pass,
	    SWITCH "! client-rst\nA RESET_SERVER RESET_CLIENT\n= end_client_reset\n"),
	TLS("E72 client resets within TLS", pass,
	    TUNNEL "! client-rst\nA RESET_SERVER RESET_CLIENT\n= end_client_reset\n"),
	TLS("E73 client ends its side before the 220", pass,
	    ASK SHOWN STARTTLS "! client-fin\n"
	    "< 220 go\nC 220 go\nE note tls_passed\n" CLOSED "= end_client_closed\n"),
	TLS("E73 client ends its side before the 454", pass,
	    ASK SHOWN STARTTLS "! client-fin\n< 454 no\nC 454 no\n" CLOSED
	    "= end_client_closed\n"),
	TLS("E73 client ends its side behind the 220", pass,
	    SWITCH "! client-fin\n" CLOSED "= end_client_closed\n"),
	TLS("E73 client ends its side within TLS", pass,
	    TUNNEL "> bye\\_\nS bye\\_\n! client-fin\n" CLOSED "= end_client_closed\n"),
	TLS("E73 exchanger ends its side before the 220", pass,
	    ASK SHOWN STARTTLS "! server-fin\nC 421 4.4.2 ...\n" CLOSED "= end_mx_closed\n"),
	TLS("E73 exchanger ends its side behind the 220", pass,
	    SWITCH "! server-fin\n" CLOSED "= end_mx_closed\n"),
	TLS("E73 exchanger ends its side within TLS", pass,
	    TUNNEL "< bye\\_\nC bye\\_\n! server-fin\n" CLOSED "= end_mx_closed\n"),
	TLS("E71 exchanger resets before the 220", pass,
	    ASK SHOWN STARTTLS "! server-rst\nA RESET_SERVER RESET_CLIENT\n= end_mx_reset\n"),
	TLS("E71 exchanger resets behind the 220", pass,
	    SWITCH "! server-rst\nA RESET_SERVER RESET_CLIENT\n= end_mx_reset\n"),
	TLS("E71 exchanger resets within TLS", pass,
	    TUNNEL "! server-rst\nA RESET_SERVER RESET_CLIENT\n= end_mx_reset\n"),
	TLS("the 220 does not come", pass,
	    ASK SHOWN STARTTLS "! expire\nC 421 4.4.2 ...\n" CLOSED "= end_timeout_reply\n"),
	TLS("nothing comes behind the 220", pass,
	    SWITCH "! expire\n" CLOSED "= end_timeout_idle\n"),
	TLS("nothing comes any more within TLS", pass,
	    TUNNEL "! expire\n" CLOSED "= end_timeout_idle\n"),
	TLS("an orderly end does not come", pass,
	    TUNNEL "! expire\n" CLOSED "W closing\n! expire\nA RESET_SERVER RESET_CLIENT\n"
	    "= end_timeout_idle\n"),
	TLS("E83 the inspector stops: TLS goes on", pass,
	    TUNNEL "! shutdown\n> x\\_\nS x\\_\n< y\\_\nC y\\_\n"),
	TLS("E83 the inspector stops before the 220: TLS goes on", pass,
	    ASK SHOWN STARTTLS "! shutdown\n" GO HELLO FLIGHT),
	TLS("E83 the inspector stops before the 454", pass,
	    ASK SHOWN STARTTLS "! shutdown\n< 454 no\nC 454 no\nC 421 4.3.2 ...\n" CLOSED
	    "= end_shutdown\n"),
	TLS("E80 the line is refused: no word within TLS", pass,
	    TUNNEL "! refused\n" CLOSED "= end_refused_line\n"),
	TLS("E80 the line is refused before the 220", pass,
	    ASK SHOWN STARTTLS "! refused\n< 220 go\nC 220 go\nE note tls_passed\n" CLOSED
	    "= end_refused_line\n"),
};

/* Ten octets: HELLO has eight. */
static const struct play limits[] = {
	TLS("tls_octets less one", pass_ten,
	    SWITCH HELLO "> 9\\_\nS 9\\_\n< \\x16\\_\nC \\x16\\_\n"),
	TLS("tls_octets to the octet", pass_ten,
	    SWITCH HELLO "> 90\\_\nS 90\\_\n< \\x16more than ten\\_\nC \\x16more than ten\\_\n"
	    "W tunnel\n! client-fin\n" CLOSED "= end_client_closed\n"),
	TLS("tls_octets and one more", pass_ten,
	    SWITCH HELLO "> 901\\_\nS 90\\_\n" CLOSED "= end_tls_limit\n"),
	TLS("tls_octets: a flood", pass_ten,
	    SWITCH "> \\x16\\{500 0123456789}\\_\nS \\x16012345678\\_\n" CLOSED
	    "= end_tls_limit\n"),
	TLS("tls_time", pass, TUNNEL "! late\n" CLOSED "= end_tls_limit\n"),
	TLS("tls_time, before anybody spoke", pass, SWITCH "! late\n" CLOSED "= end_tls_limit\n"),
	TLS("tls_time is nothing outside of TLS", pass,
	    ASK SHOWN "! late\n> NOOP\nS NOOP\n< 250 ok\nC 250 ok\n" STARTTLS GO HELLO),
	SHADOW("shadow: tls_octets is counted once", pass_ten,
	       SWITCH HELLO "> 901\\_\nS 901\\_\nE note tls_limit_shadow\n"
	       "> \\{500 0123456789}\\_\nS \\{500 0123456789}\\_\n! late\nW tunnel\n"),
	SHADOW("shadow: tls_time is counted once", pass_ten,
	       SWITCH HELLO "! late\nE note tls_limit_shadow\n"
	       "> \\{5 0123456789}\\_\nS \\{5 0123456789}\\_\n! late\n"),
	SHADOW("shadow: an injection ends it all the same", pass,
	       SWITCH "> EHLO b\n" INJECTED),
};

#define PLAYS(rows) \
	Test(smtp_tls, rows) \
	{ \
		play_all(rows, sizeof(rows) / sizeof(rows[0])); \
	}

PLAYS(offers)
PLAYS(refusals)
PLAYS(leavings)
PLAYS(wanted)
PLAYS(switches)
PLAYS(injections)
PLAYS(ends)
PLAYS(limits)
