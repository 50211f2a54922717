// SPDX-License-Identifier: GPL-2.0
/*
 * B9: replies of ours never overtake replies that the exchanger still owes.
 * Random sequences of commands, some answered here and some there, in random
 * segments, with an exchanger that answers late and in random pieces. The
 * oracle is a queue: for each command, in order, the reply that it must get.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "smtp_owner.h"

/* Sequences of make check, and of make nightly. */
#define SEQUENCES	10000
#define SEQUENCES_LONG	200000
#define COMMANDS	40

struct model {
	struct owner	owner;
	uint64_t	random;
	struct bytes	commands;	/* all that the client will say */
	size_t		sent;
	struct bytes	oracle;		/* all that it must hear, "..." lines cut at the code */
	struct bytes	answers;	/* said by the exchanger, not sent yet */
	size_t		read;		/* of what the exchanger got */
};

static unsigned int pick(struct model *m, unsigned int below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (unsigned int)((m->random >> 11) % below);
}

static void put(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

/* Commands that the exchanger answers; it repeats the number that stands in them. */
static const char *const there[] = {
	"NOOP %u", "VRFY %u", "mail from:<%u>", "RCPT TO:<%u>", "rset %u", "HELP %u", "EXPN %u",
	"HELO %u", "EHLO %u",
};

#define THERE (sizeof(there) / sizeof(there[0]))

/* 4,200 octets. */
#define X70	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X700	X70 X70 X70 X70 X70 X70 X70 X70 X70 X70
#define LONG_LINE X700 X700 X700 X700 X700 X700

/* Commands that we answer, and the code. */
static const struct {
	const char	*command;
	const char	*code;
} here[] = {
	{ "STARTTLS", "502" }, { "AUTH PLAIN x", "573" }, { "XCLIENT a", "502" }, { "", "500" },
	{ "MAIL FROM", "501" }, { "RCPT <x>", "501" }, { "BDAT 0 LAST", "502" },
	{ "MAIL FROM:<x> BODY=BINARYMIME", "555" }, { "gibberish", "502" },
	{ "BDAT 6 LAST\r\nQUIT", "502" }, { LONG_LINE, "500" }, { LONG_LINE "\nQUIT", "500" },
};

static void choose_command(struct model *m, unsigned int number)
{
	char line[128];
	unsigned int i;

	if (pick(m, 2)) {
		snprintf(line, sizeof(line), there[pick(m, THERE)], number);
		put(&m->commands, line);
		snprintf(line, sizeof(line), "R %u\n", number);
	} else {
		i = pick(m, sizeof(here) / sizeof(here[0]));
		put(&m->commands, here[i].command);
		snprintf(line, sizeof(line), "L %s\n", here[i].code);
	}
	put(&m->commands, "\r\n");
	put(&m->oracle, line);
}

/* What the exchanger says to a command line: any class, one line or several. */
static void answer_line(struct model *m, const char *line, size_t len)
{
	static const char *const codes[] = { "250", "252", "450", "550", "502" };
	char text[128], number[16] = "";
	size_t i, n = 0;

	for (i = 0; i < len && n < sizeof(number) - 1; i++)
		if (line[i] >= '0' && line[i] <= '9')
			number[n++] = line[i];
	number[n] = '\0';
	/* Of an accepted EHLO only the first line stays: it has the number. */
	if (len > 4 && !memcmp(line, "EHLO", 4)) {
		snprintf(text, sizeof(text), "%s R %s\r\n", codes[pick(m, 5)], number);
	} else if (pick(m, 4) == 0) {
		i = pick(m, 5);
		snprintf(text, sizeof(text), "%s-more\r\n%s R %s\r\n", codes[i], codes[i], number);
	} else {
		snprintf(text, sizeof(text), "%s R %s\r\n", codes[pick(m, 5)], number);
	}
	put(&m->answers, text);
}

static void exchanger_reads(struct model *m)
{
	struct bytes *got = &m->owner.got[TO_SERVER];
	const char *end;

	while ((end = memchr(got->data + m->read, '\n', got->len - m->read))) {
		size_t len = (size_t)(end - got->data) + 1 - m->read;

		answer_line(m, got->data + m->read, len);
		m->read += len;
	}
}

static void client_sends(struct model *m)
{
	size_t left = m->commands.len - m->sent;
	size_t n = 1 + pick(m, pick(m, 2) ? 8 : 400);

	if (n > left)
		n = left;
	owner_send(&m->owner, CLIENT, m->commands.data + m->sent, n, pick(m, 8) == 0);
	m->sent += n;
	exchanger_reads(m);
}

static void exchanger_sends(struct model *m)
{
	size_t n = 1 + pick(m, 60);

	if (n > m->answers.len)
		n = m->answers.len;
	owner_send(&m->owner, SERVER, m->answers.data, n, pick(m, 8) == 0);
	m->answers.len -= n;
	memmove(m->answers.data, m->answers.data + n, m->answers.len);
	exchanger_reads(m);
}

/* The replies as the oracle writes them: "R number" from there, "L code" from here. */
static void check(struct model *m, unsigned int sequence)
{
	struct bytes *got = &m->owner.got[TO_CLIENT];
	struct bytes *heard = calloc(1, sizeof(*heard));
	char *line = got->data, *end;

	got->data[got->len] = '\0';
	for (; (end = strstr(line, "\r\n")); line = end + 2) {
		*end = '\0';
		if (line[3] == '-')
			continue;
		put(heard, line[4] == 'R' ? line + 4 : "L ");
		if (line[4] != 'R')
			bytes_add(heard, line, 3);
		put(heard, "\n");
	}
	cr_assert(heard->len == m->oracle.len && !memcmp(heard->data, m->oracle.data, heard->len),
		  "sequence %u:\n-- heard\n%.*s-- oracle\n%.*s", sequence, (int)heard->len,
		  heard->data, (int)m->oracle.len, m->oracle.data);
	free(heard);
}

static void begin(struct model *m, bool pipelining)
{
	const char *ehlo = pipelining ? "250-mx\r\n250 PIPELINING\r\n" : "250 mx\r\n";

	m->sent = m->read = m->commands.len = m->oracle.len = m->answers.len = 0;
	owner_reset(&m->owner);
	owner_start(&m->owner, SMTP_REPLY_COUNT);
	owner_send(&m->owner, SERVER, "220 mx\r\n", 8, false);
	owner_send(&m->owner, CLIENT, "EHLO a\r\n", 8, false);
	owner_send(&m->owner, SERVER, ehlo, strlen(ehlo), false);
	m->owner.got[TO_CLIENT].len = m->owner.got[TO_SERVER].len = 0;
}

static void play_sequence(struct model *m, unsigned int sequence)
{
	unsigned int i, commands = 1 + pick(m, COMMANDS);

	begin(m, pick(m, 4) != 0);
	for (i = 0; i < commands; i++)
		choose_command(m, i);
	while (m->sent < m->commands.len || m->answers.len) {
		if (m->sent < m->commands.len && (!m->answers.len || pick(m, 2)))
			client_sends(m);
		else
			exchanger_sends(m);
	}
	cr_assert(!m->owner.acts, "sequence %u: acts %#x", sequence, m->owner.acts);
	check(m, sequence);
}

Test(smtp_order, replies_keep_their_order)
{
	struct model *m = calloc(1, sizeof(*m));
	const char *seed = getenv("POSTERN_SEED");
	unsigned int i;

	m->random = seed ? strtoull(seed, NULL, 10) : 20240229;
	cr_assert(m->random, "POSTERN_SEED must not be 0");
	for (i = 0; i < (getenv("POSTERN_NIGHTLY") ? SEQUENCES_LONG : SEQUENCES); i++)
		play_sequence(m, i);
	free(m);
}
