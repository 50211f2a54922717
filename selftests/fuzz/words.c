// SPDX-License-Identifier: GPL-2.0
/* What the mutator puts in. */
#include "mutator.h"

#include <stddef.h>

const char *const mutator_steps[] = {
	"C EHLO a", "C HELO a", "C MAIL FROM:<a@b>", "C MAIL FROM:<> SIZE=50 BODY=8BITMIME",
	"C MAIL FROM:<a> BODY=BINARYMIME", "C RCPT TO:<b>", "C RCPT TO:<c@d>", "C DATA", "C RSET",
	"C NOOP", "C QUIT", "C VRFY a", "C HELP", "C AUTH PLAIN", "C AUTH PLAIN AGEAYg==", "C *",
	"C STARTTLS", "C BDAT 5 LAST", "C BDAT 5", "C BDAT 0 LAST", "C BDAT x", "c abcde",
	"C XCLIENT a", "C ETRN a", "C frob", "C GET / HTTP/1.1", "C Subject: x", "C ", "C .",
	"C ..", "C .x", "C text", "c MAIL FROM:<a>\\n", "c text\\n", "c text\\r", "c \\n.\\n",
	"c \\r\\n.\\r\\r\\n", "c a\\r\\n.\\r\\nMAIL FROM:<x>\\r\\n", "c*2050 xx", "c*33000 xx",
	"C*120 NOOP", "C*30 RCPT TO:<b>",
	"S 220 mx", "S 250 ok", "S 250-mx", "S 250-PIPELINING", "S 250 PIPELINING", "S 250-SIZE 99",
	"S 250-AUTH PLAIN", "S 250 STARTTLS", "S 250 CHUNKING", "S 251 fw", "S 354 go", "S 334 ",
	"S 235 in", "S 421 x", "S 450 x", "S 550 x", "S 554 x", "S 221 bye", "S 250", "S 530 tls",
	"S*20 250 ok", "s 250 ok\\n", "S 150 x", "S x", "S*110 250-x", "c \\x16\\x03\\x01\\0\\x05",
	"! accept", "! reject", "! tempfail", "! drop", "! shutdown", "! expire", "! client-fin",
	"! client-reset", "! server-fin", "! server-reset", "! refuse-data",
	"/ 1", "/ 2", "/ 3 1 7", "/ 0", "< 0", "< 100", "< 600", "< 5000",
	"= auth hide", "= auth pass", "= starttls refuse", "= starttls pass", "= chunking pass",
	"= newlines normalise", "= received 1", "= starttls_offer 1", "= max_size 40",
	"= max_recipients 2", "= max_junk 10", "= max_line 30", "= refused 554", NULL
};

const char *const mutator_passages[] = {
	"S 220 mx\nC EHLO a\nS 250-mx\nS 250-SIZE 1000\nS 250-CHUNKING\nS 250-STARTTLS\n"
	"S 250-AUTH PLAIN\nS 250 PIPELINING\n",
	"S 220 mx\nC HELO a\nS 250 mx\n",
	"C MAIL FROM:<a@b>\nS 250 ok\nC RCPT TO:<c@d>\nS 250 ok\n",
	"C MAIL FROM:<a@b>\nC RCPT TO:<c@d>\nC RCPT TO:<e@f>\nC DATA\nS 250 ok\nS 250 ok\n"
	"S 550 no\nS 354 go\n",
	"C DATA\nS 354 go\nC Subject: a\nC \nC text\nC ..dot\nC .\n! accept\nS 250 taken\n",
	"C DATA\nS 354 go\nC text\nC .\n! reject\n",
	"C text\nC .\n! accept\nS 550 no\n",
	"C BDAT 5\nc abcde\nS 250 ok\nC BDAT 3 LAST\nc abc\nS 250 ok\n! accept\nS 250 taken\n",
	"C AUTH LOGIN\nS 334 a\nC YQ==\nS 334 b\nC Yg==\nS 235 in\n",
	"C STARTTLS\nS 220 go\nc \\x16\\x03\\x01\\0\\x05abcde\ns \\x16\\x03\\x03\\0\\x02ab\n",
	"C QUIT\nS 221 bye\n", NULL
};
