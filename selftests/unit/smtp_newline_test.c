// SPDX-License-Identifier: GPL-2.0
/* newlines = normalise: a bare CR or LF becomes CRLF, and never an end (E45-E49, B4). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "smtp_play.h"

#define SHUT	"A CLOSE_CLIENT DISCARD_CLIENT CLOSE_SERVER\n"
#define NOTED	"E note newline_normalised\n"
#define TAKEN	"! accept\nS .\nW dot\n< 250 ok\nC 250 ok\nE message_accepted 250\nW idle\n"

static void normalise(struct conf_class *class)
{
	class->newlines = CONF_NEWLINES_NORMALISE;
}

static void normalise_auth(struct conf_class *class)
{
	class->newlines = CONF_NEWLINES_NORMALISE;
	class->auth = CONF_AUTH_PASS;
}

static void normalise_received(struct conf_class *class)
{
	class->newlines = CONF_NEWLINES_NORMALISE;
	class->received = true;
}

static void normalise_20(struct conf_class *class)
{
	class->newlines = CONF_NEWLINES_NORMALISE;
	class->max_size = 20;
}

static void normalise_lines(struct conf_class *class)
{
	class->newlines = CONF_NEWLINES_NORMALISE;
	class->max_line = 1000;
}

#define WITH(name_, set_, ...) \
	{ .name = name_, .refused = SMTP_REPLY_COUNT, .set = set_, .script = __VA_ARGS__ }
#define NORMAL(name_, ...)	WITH(name_, normalise, __VA_ARGS__)

static const struct play commands[] = {
	NORMAL("E45 LF ends a line and leaves as CRLF, told once",
	       PLAY_GREET "> EHLO a\\n\\_\nS EHLO a\n" NOTED
	       "< 250-mx\n< 250 PIPELINING\nC 250-mx\nC 250 PIPELINING\nE helo a\n"
	       "> NOOP\\nNOOP x\nS NOOP\nS NOOP x\n< 250 1\n< 250 2\nC 250 1\nC 250 2\n"),
	NORMAL("E45 CRLF alone is not told", PLAY_EHLO PLAY_QUIT),
	NORMAL("E45 answered here as well",
	       PLAY_EHLO "> ETRN x\\n\\n\\_\nC 502 5.5.1 ...\nC 500 5.5.2 syntax...\n"
	       "E note command_refused\n" NOTED "E note command_refused\n"),
	NORMAL("E45 arguments end before the LF",
	       PLAY_EHLO "> MAIL FROM:<f@a> SIZE=5\\n\\_\nS MAIL FROM:<f@a> SIZE=5\n" NOTED
	       "< 250 ok\nC 250 ok\nE mail f@a\n"),
	NORMAL("E45 a whole message with LF alone but for its end",
	       PLAY_EHLO
	       "> MAIL FROM:<f>\\nRCPT TO:<t>\\nDATA\\n\\_\n"
	       "S MAIL FROM:<f>\nS RCPT TO:<t>\nS DATA\n" NOTED
	       "< 250 1\n< 250 2\n< 354 go\nC 250 1\nC 250 2\nC 354 go\n"
	       "E mail f\nE rcpt t\nE data\n"
	       "> a\\n\\nb\n> .\nS a\nS \nS b\nB a\nB \nB b\n" NOTED "A VERDICT\n" TAKEN),
	NORMAL("E45 behind DATA the start is the start, however DATA ended",
	       PLAY_EHLO PLAY_MAIL PLAY_RCPT "> DATA\\n.\nS DATA\n" NOTED
	       "< 354 go\nC 354 go\nE data\nA VERDICT\n" TAKEN),
	NORMAL("E45 a bare CR still ends the session",
	       PLAY_EHLO "> NOOP\\rRSET\nC 500 5.5.2 bare ...\n" SHUT "= end_bare_newline\n"),
	NORMAL("E45 CR CR LF, and CR before LF of another line",
	       PLAY_EHLO "> NOOP\\r\nC 500 5.5.2 bare ...\n" SHUT "= end_bare_newline\n"),
	NORMAL("E49 a NUL still ends the session, LF or not",
	       PLAY_EHLO "> NOOP \\0\\n\\_\nC 500 5.5.2 bare ...\n" SHUT "= end_bare_newline\n"),
	NORMAL("E44 HTTP with LF alone",
	       PLAY_GREET "> GET / HTTP/1.0\\n\\_\nC 421 4.5.0 ...\n" NOTED SHUT
	       "= end_not_smtp\n"),
	NORMAL("E44 the second line is not the first",
	       PLAY_GREET "> x\\nGET /\\n\\_\nC 502 5.5.1 ...\nC 502 5.5.1 ...\n"
	       "E note command_refused\n" NOTED "E note command_refused\n"),
	NORMAL("E43 4,096 octets as forwarded",
	       PLAY_EHLO "> NOOP \\{4089 x}\\n\\_\nS NOOP \\{4089 x}\n" NOTED
	       "< 250 ok\nC 250 ok\n"),
	NORMAL("E43 4,097 octets as forwarded, 4,096 as sent",
	       PLAY_EHLO "> NOOP \\{4090 x}\\nNOOP\nC 500 5.5.2 line too long ...\nS NOOP\n"
	       "< 250 ok\nC 250 ok\n"),
	NORMAL("E43 the rest of a long line ends at LF",
	       PLAY_EHLO "> NOOP \\{5000 x}\\nNOOP\nC 500 5.5.2 line too long ...\nS NOOP\n"
	       "< 250 ok\nC 250 ok\n"),
	WITH("E34 lines within AUTH", normalise_auth,
	     PLAY_EHLO "> AUTH X\\n\\_\nS AUTH X\n" NOTED "< 334 x\nC 334 x\n"
	     "> abc\\n\\_\nS abc\n< 334 y\nC 334 y\n> \\n\\_\nS \n< 501 no\nC 501 no\n"),
};

Test(smtp_newline, commands)
{
	play_all(commands, sizeof(commands) / sizeof(commands[0]));
}

static const struct play messages[] = {
	NORMAL("E46 E47 each kind of line end",
	       PLAY_BODY "> a\\nb\\rc\n> \\r\\r\\n\\n\\n\\r\\_\n> .\n"
	       "S a\nS b\nS c\nS \nS \nS \nS \nS \nS ..\n"
	       "B a\nB b\nB c\nB \nB \nB \nB \nB \nB .\n" NOTED
	       "> .\nA VERDICT\n" TAKEN),
	NORMAL("E47 CR CR LF is two line ends",
	       PLAY_BODY "> a\\r\n> b\n> .\nS a\nS \nS b\nB a\nB \nB b\n" NOTED
	       "A VERDICT\n" TAKEN),
	NORMAL("E46 nothing bare: nothing told",
	       PLAY_BODY "> a\n> \n> ..\n> .b\n> .\nS a\nS \nS ..\nS .b\nB a\nB \nB .\nB b\n"
	       "A VERDICT\n" TAKEN),
	NORMAL("E46 told for each message",
	       PLAY_BODY "> a\\n\n> .\nS a\nS \nB a\nB \n" NOTED "A VERDICT\n" TAKEN
	       PLAY_MAIL PLAY_RCPT PLAY_DATA "> \\rb\\n\\n\n> .\nS \nS b\nS \nS \n"
	       "B \nB b\nB \nB \n" NOTED "A VERDICT\n" TAKEN),
	NORMAL("E48 dots behind bare ends are stuffing, as the exchanger sees them",
	       PLAY_BODY "> a\\n..b\\r.c\\n.. \n> .\nS a\nS ..b\nS .c\nS .. \n"
	       "B a\nB .b\nB c\nB . \n"
	       NOTED "A VERDICT\n" TAKEN),
	NORMAL("E49 NUL loses the message",
	       PLAY_BODY "> a\\nb\\0c\\n.\\n\n> .\n> RSET\nS a\nS b\\_\nB a\nB b\\_\n" NOTED
	       "A RESET_SERVER\nC 550 5.5.2 bare CR, bare LF or NUL in the message ...\n"
	       "C 250 2.0.0 ...\nE message_rejected 550\n"),
	NORMAL("E49 NUL behind a CR, a dot, a dot and CR",
	       PLAY_BODY "> a\\r\\0\n> .\nS a\nB a\n" NOTED
	       "A RESET_SERVER\nC 550 5.5.2 ...\nE message_rejected 550\n"),
	NORMAL("E49 NUL behind a dot",
	       PLAY_BODY "> a\n> .\\0\n> .\nS a\nB a\n"
	       "A RESET_SERVER\nC 550 5.5.2 ...\nE message_rejected 550\n"),
	NORMAL("E49 NUL behind dot CR",
	       PLAY_BODY "> a\n> .\\r\\0\n> .\nS a\nS ..\nB a\nB .\n" NOTED
	       "A RESET_SERVER\nC 550 5.5.2 ...\nE message_rejected 550\n"),
	NORMAL("E17 a refused message ends at the true end alone",
	       PLAY_BODY "> a\\n\\_\nS a\nB a\n" NOTED "! reject\nA RESET_SERVER\n"
	       "> .\n> RSET\n> .\n> RSET\n"
	       "C 550 5.7.1 ...\nC 250 2.0.0 ...\nE message_rejected 550\n"),
	NORMAL("E17 refused behind LF dot",
	       PLAY_BODY "> a\\n.\\_\nS a\nB a\n" NOTED "! reject\nA RESET_SERVER\n"
	       "> \n> RSET\n> .\nC 550 5.7.1 ...\nE message_rejected 550\n"),
	NORMAL("E17 refused behind LF dot CR: its LF starts a line",
	       PLAY_BODY "> a\\n.\\r\\_\nS a\nB a\n" NOTED "! reject\nA RESET_SERVER\n"
	       "> \\n.\nC 550 5.7.1 ...\nE message_rejected 550\n"),
	NORMAL("E15 nobody to get it: a lone dot with a bare end is a message",
	       PLAY_EHLO PLAY_MAIL "> DATA\nS DATA\n< 354 go\nC 354 go\n"
	       "> .\\n\\_\nS ..\nB .\nE data\n" NOTED "> .\nS ..\nB .\n> .\nA VERDICT\n"
	       "! accept\nS .\n< 554 no\nC 554 no\nE message_rejected 554\n"),
	NORMAL("E15 nobody to get it, and a true lone dot",
	       PLAY_EHLO PLAY_MAIL "> DATA\nS DATA\n< 354 go\nC 354 go\n> .\nS .\n< 554 no\n"
	       "C 554 no\n"),
	NORMAL("E73 FIN behind a CR",
	       PLAY_BODY "> a\\r\\_\nS a\\_\nB a\\_\n! client-fin\n"
	       "A CLOSE_CLIENT DISCARD_CLIENT RESET_SERVER\nE message_aborted 0\n"),
	WITH("E84 Received in front of a stuffed dot", normalise_received,
	     PLAY_BODY "> .\\n\n> .\nS Received: from a ([10.64.0.2])\n"
	     "S \\tby rtr.example with ESMTP id T1;\nS \\tTue, 14 Nov 2023 22:13:20 +0000\n"
	     "S ..\nS \nB .\nB \n" NOTED "A VERDICT\n" TAKEN),
	WITH("E31 as large as allowed, as it goes up", normalise_20,
	     PLAY_BODY "> 123456\\n..890123\\r.\n> .\nS 123456\nS ..890123\nS ..\nB 123456\n"
	     "B .890123\nB .\n" NOTED "A VERDICT\n" TAKEN),
	WITH("E31 one octet too large as it goes up", normalise_20,
	     PLAY_BODY "> 12345678\\n12345678\\rx\n> .\nS 12345678\nS 12345678\nB 12345678\n"
	     "B 12345678\n" NOTED "A RESET_SERVER\nC 552 5.3.4 ...\nE message_rejected 552\n"),
	WITH("E31 no room for the other half of a line end", normalise_20,
	     PLAY_BODY "> 12345678\\n123456789\\nx\n> .\nS 12345678\nS 123456789\\_\nB 12345678\n"
	     "B 123456789\\_\n" NOTED "A RESET_SERVER\nC 552 5.3.4 ...\nE message_rejected 552\n"),
	WITH("E31 no room for a stuffed dot's line", normalise_20,
	     PLAY_BODY "> 1234567890123456\\n.\\n\n> .\nS 1234567890123456\nB 1234567890123456\n"
	     NOTED "A RESET_SERVER\nC 552 5.3.4 ...\nE message_rejected 552\n"),
	WITH("E51 lines are what stands between the ends that go up", normalise_lines,
	     PLAY_BODY "> \\{1000 x}\\n\\{1000 y}\\r.\\{1000 z}\n> .\n"
	     "S \\{1000 x}\nS \\{1000 y}\nS .\\{1000 z}\nB \\{1000 x}\nB \\{1000 y}\nB \\{1000 z}\n"
	     NOTED "A VERDICT\n" TAKEN),
	WITH("E51 an octet more", normalise_lines,
	     PLAY_BODY "> \\{1000 x}\\n\\{1001 y}\\n\n> .\nS \\{1000 x}\nS \\{1000 y}\\_\n"
	     "B \\{1000 x}\nB \\{1000 y}\\_\n" NOTED
	     "A RESET_SERVER\nC 554 5.5.2 line of the message too long...\n"
	     "E message_rejected 554\n"),
};

Test(smtp_newline, messages)
{
	play_all(messages, sizeof(messages) / sizeof(messages[0]));
}

/* B4: what some receiver takes for an end. Each is a line, and the dot in it is stuffed. */
static const struct {
	const char	*octets;	/* behind "x" */
	const char	*up;
	const char	*content;
} lookalikes[] = {
	{ "\\n.\\n", "\\r\\n..\\r\\n", "\\r\\n.\\r\\n" },
	{ "\\n.\\r\\n", "\\r\\n..\\r\\n", "\\r\\n.\\r\\n" },
	{ "\\n.\\r", "\\r\\n..\\r\\n", "\\r\\n.\\r\\n" },
	{ "\\r\\n.\\n", "\\r\\n..\\r\\n", "\\r\\n.\\r\\n" },
	{ "\\r\\n.\\r", "\\r\\n..\\r\\n", "\\r\\n.\\r\\n" },
	{ "\\r.\\r", "\\r\\n..\\r\\n", "\\r\\n.\\r\\n" },
	{ "\\r.\\n", "\\r\\n..\\r\\n", "\\r\\n.\\r\\n" },
	{ "\\r.\\r\\n", "\\r\\n..\\r\\n", "\\r\\n.\\r\\n" },
	{ "\\n\\n.\\n", "\\r\\n\\r\\n..\\r\\n", "\\r\\n\\r\\n.\\r\\n" },
	{ "\\r\\n.\\r\\r\\n", "\\r\\n..\\r\\n\\r\\n", "\\r\\n.\\r\\n\\r\\n" },
	{ "\\r\\r\\n.\\r\\r\\n", "\\r\\n\\r\\n..\\r\\n\\r\\n", "\\r\\n\\r\\n.\\r\\n\\r\\n" },
	{ "\\n\\r.\\n\\r", "\\r\\n\\r\\n..\\r\\n\\r\\n", "\\r\\n\\r\\n.\\r\\n\\r\\n" },
	{ "\\r\\n\\r.\\r\\n", "\\r\\n\\r\\n..\\r\\n", "\\r\\n\\r\\n.\\r\\n" },
	{ "\\n.\\n.\\r\\n", "\\r\\n..\\r\\n..\\r\\n", "\\r\\n.\\r\\n.\\r\\n" },
	{ "\\r\\n.\\n.\\r.\\r\\n",
	  "\\r\\n..\\r\\n..\\r\\n..\\r\\n", "\\r\\n.\\r\\n.\\r\\n.\\r\\n" },
	{ "\\{998 y}\\n.\\n", "\\{998 y}\\r\\n..\\r\\n", "\\{998 y}\\r\\n.\\r\\n" },
	{ "\\{1022 y}\\r\\n.\\n", "\\{1022 y}\\r\\n..\\r\\n", "\\{1022 y}\\r\\n.\\r\\n" },
	{ "\\{1023 y}\\r.\\n", "\\{1023 y}\\r\\n..\\r\\n", "\\{1023 y}\\r\\n.\\r\\n" },
};

Test(smtp_newline, smuggling)
{
	char script[8192];
	struct play play = { .refused = SMTP_REPLY_COUNT, .set = normalise, .script = script };
	size_t i;

	for (i = 0; i < sizeof(lookalikes) / sizeof(lookalikes[0]); i++) {
		play.name = lookalikes[i].octets;
		snprintf(script, sizeof(script), PLAY_BODY
			 "> x%s\\_\n> MAIL FROM:<evil>\n> DATA\n> y\n> .\n"
			 "S x%s\\_\nS MAIL FROM:<evil>\nS DATA\nS y\n"
			 "B x%s\\_\nB MAIL FROM:<evil>\nB DATA\nB y\n"
			 NOTED "A VERDICT\n" TAKEN,
			 lookalikes[i].octets, lookalikes[i].up, lookalikes[i].content);
		play_all(&play, 1);
	}
}

/*
 * Random messages in random segments against a naive twin, which has all of the
 * octets before it, cuts them into lines, and knows no states.
 */
#define RANDOM_OCTETS	60

struct twin {
	struct bytes	up;		/* without the end */
	struct bytes	content;
	bool		bare;
};

static uint64_t random_state;

static unsigned int pick(unsigned int below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned int)((random_state >> 11) % below);
}

/* Where the true end begins: its dot. */
static size_t true_end(const char *data, size_t len)
{
	size_t i;

	for (i = 0; i + 3 <= len; i++)
		if (!memcmp(data + i, ".\r\n", 3) &&
		    (!i || (i >= 2 && data[i - 2] == '\r' && data[i - 1] == '\n')))
			return i;
	cr_assert_fail("a message without an end");
	return 0;
}

static void twin_line(struct twin *tw, const char *line, size_t len)
{
	bool dot = len && line[0] == '.';

	if (len == 1 && dot)
		bytes_add(&tw->up, ".", 1);
	bytes_add(&tw->up, line, len);
	bytes_add(&tw->up, "\r\n", 2);
	if (len == 1 && dot)
		bytes_add(&tw->content, ".", 1);
	else
		bytes_add(&tw->content, line + dot, len - dot);
	bytes_add(&tw->content, "\r\n", 2);
}

static void twin_message(struct twin *tw, const char *data, size_t len)
{
	size_t i = 0, n;
	bool crlf;

	tw->up.len = tw->content.len = 0;
	tw->bare = false;
	while (i < len) {
		for (n = 0; data[i + n] != '\r' && data[i + n] != '\n'; n++)
			;
		twin_line(tw, data + i, n);
		i += n;
		crlf = data[i] == '\r' && i + 1 < len && data[i + 1] == '\n';
		tw->bare |= !crlf;
		i += crlf ? 2 : 1;
	}
}

static void begin_random(struct owner *o)
{
	static const char client[] = "EHLO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n";
	static const char server[] = "220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n";
	size_t i;

	owner_reset(o);
	normalise(&o->class);
	owner_start(o, SMTP_REPLY_COUNT);
	owner_send(o, SERVER, server, 7, false);
	bytes_add(&o->in[CLIENT], client, sizeof(client) - 1);
	owner_turns(o, false);
	for (i = 7; i < sizeof(server) - 1; i += 7)
		owner_send(o, SERVER, server + i, 7, false);
	o->got[TO_SERVER].len = o->got[EVENTS].len = 0;
}

static void play_random(struct owner *o, struct twin *tw)
{
	static const char octets[] = "\r\r\r\n\n\n....x";
	char data[RANDOM_OCTETS + 5];
	size_t len = pick(RANDOM_OCTETS), at = 0, n, i;

	for (i = 0; i < len; i++)
		data[i] = octets[pick(sizeof(octets) - 1)];
	memcpy(data + len, "\r\n.\r\n", 5);
	len = true_end(data, len + 5);
	twin_message(tw, data, len);
	memcpy(data + len, ".\r\n", 3);
	begin_random(o);
	for (; at < len + 3; at += n) {
		n = 1 + pick((unsigned int)(len + 3 - at));
		owner_send(o, CLIENT, data + at, n, pick(4) == 0);
	}
	cr_assert(o->acts == SMTP_ACT_VERDICT);
	cr_assert(o->got[TO_SERVER].len == tw->up.len &&
		  !memcmp(o->got[TO_SERVER].data, tw->up.data, tw->up.len),
		  "up:\n%.*s-- twin\n%.*s--", (int)o->got[TO_SERVER].len,
		  o->got[TO_SERVER].data, (int)tw->up.len, tw->up.data);
	cr_assert(o->got[CONTENT].len == tw->content.len &&
		  !memcmp(o->got[CONTENT].data, tw->content.data, tw->content.len));
	cr_assert(!!o->got[EVENTS].len == tw->bare);
}

Test(smtp_newline, random_messages)
{
	struct owner *o = calloc(1, sizeof(*o));
	struct twin *tw = calloc(1, sizeof(*tw));
	const char *seed = getenv("POSTERN_SEED");
	unsigned int i, count = getenv("POSTERN_NIGHTLY") ? 1000000 : 20000;

	random_state = seed ? strtoull(seed, NULL, 10) : 20240331;
	cr_assert(random_state, "POSTERN_SEED must not be 0");
	for (i = 0; i < count; i++)
		play_random(o, tw);
	free(tw);
	free(o);
}
