// SPDX-License-Identifier: GPL-2.0
/*
 * B103: recorded-style answers to EHLO (selftests/data/ehlo) come out as their
 * files say; the command of every keyword that is hidden is refused here, and
 * an answer to HELO is relayed as it is.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "smtp_owner.h"

#define FOLDER	"selftests/data/ehlo"
#define LEAST	40		/* files */
#define TEXT	(32 * 1024)

#define REFUSED	"502 5.5.1 command not available here [T1] http://help.example/\r\n"
#define NO_WORD	"500 5.5.2 syntax error [T1] http://help.example/\r\n"

/* Commands of keywords that are no commands themselves, or whose refusal is another. */
static const struct command {
	const char	*keyword;
	const char	*line;		/* the command, without CRLF; NULL: there is none */
	const char	*reply;		/* of ours, its beginning; NULL: it passes (E36) */
	const char	*event;
} commands[] = {
	{ "STARTTLS", "STARTTLS", "502 5.5.1 ", "note starttls_refused\r\n" },
	{ "AUTH", "AUTH PLAIN AGEAYg==", "573 5.7.1 ", "note auth_refused\r\n" },
	{ "CHUNKING", "BDAT 0 LAST", REFUSED, "note command_refused\r\n" },
	{ "BINARYMIME", "MAIL FROM:<a> BODY=BINARYMIME", "555 5.5.4 ", "" },
	{ "VRFY", "VRFY a", NULL, "note recipient_probe\r\n" },
	{ "EXPN", "EXPN a", NULL, "note recipient_probe\r\n" },
	/* EHLO as a keyword is nothing that could be refused. */
	{ "EHLO", NULL, NULL, NULL },
};

/* Keywords beyond the files whose commands a client may try all the same (E35-E39). */
static const char *const others[] = {
	"XCLIENT", "XFORWARD", "ETRN", "ATRN", "TURN", "BURL", "XEXCH50", "X-LINK2STATE", "X-EXPS",
	"CHECKPOINT", "VERB", "ONEX", "SEND", "SOML", "SAML", "XUSR", "PRDR", "PIPECONNECT",
	"X_PIPE_CONNECT", "REQUIRETLS", "LHLO",
};

/* A file of the folder. */
struct golden {
	const char	*name;
	char		text[TEXT];
	struct bytes	said;		/* by the exchanger */
	struct bytes	shown;		/* to the client, of said */
};

static void octets_add(struct bytes *b, const char *at, const char *end);

/* What stands behind a backslash: r n t, xNN, {N text}. Returns what stands behind that. */
static const char *escape_add(struct bytes *b, const char *at, const char *end)
{
	char hex[3] = { 0 }, c = *at == 'n' ? '\n' : *at == 't' ? '\t' : '\r', *text;
	const char *close = memchr(at, '}', (size_t)(end - at));
	unsigned long n;

	cr_assert(strchr("rntx{", *at), "unknown escape \\%c", *at);
	if (*at == '{') {
		for (n = strtoul(at + 1, &text, 10); n; n--)
			octets_add(b, text + 1, close);
		return close + 1;
	}
	if (*at == 'x') {
		memcpy(hex, at + 1, 2);
		c = (char)strtoul(hex, NULL, 16);
		at += 2;
	}
	bytes_add(b, &c, 1);
	return at + 1;
}

static void octets_add(struct bytes *b, const char *at, const char *end)
{
	while (at < end) {
		if (*at == '\\')
			at = escape_add(b, at + 1, end);
		else
			bytes_add(b, at++, 1);
	}
}

/* CRLF behind it, unless it ends in "\_". */
static void line_add(struct bytes *b, const char *at, size_t len)
{
	bool bare = len >= 2 && !memcmp(at + len - 2, "\\_", 2);

	octets_add(b, at, at + len - (bare ? 2 : 0));
	if (!bare)
		bytes_add(b, "\r\n", 2);
}

static void read_golden(struct golden *g, const char *name)
{
	char path[512];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	f = fopen(path, "r");
	cr_assert(f, "%s cannot be read", path);
	g->text[fread(g->text, 1, sizeof(g->text) - 1, f)] = '\0';
	fclose(f);
	g->name = name;
	g->said.len = g->shown.len = 0;
	for (const char *line = g->text; *line; line += len + 1) {
		len = strcspn(line, "\n");
		cr_assert(len > 2 && (*line == '<' || *line == 'C'), "%s: %.*s", path, (int)len,
			  line);
		line_add(*line == '<' ? &g->said : &g->shown, line + 2, len - 2);
	}
}

/* The keyword of a line "< 250-KEYWORD ..." or "C ..."; its length, 0 = none that is a word. */
static size_t keyword(const char *line, const char **word)
{
	size_t len = strcspn(line, "\n");

	if (len < 7)
		return 0;
	*word = line + 6;
	return strspn(*word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
}

/* Is the keyword of a "<" line in a "C" line of the file? */
static bool stays(const struct golden *g, const char *word, size_t len)
{
	const char *line = g->text, *other;

	for (; *line; line += strcspn(line, "\n") + 1)
		if (*line == 'C' && keyword(line, &other) == len && !strncasecmp(word, other, len))
			return true;
	return false;
}

/* All that came on @kind since the last look is @data. */
static void came(struct owner *o, int kind, const char *data, size_t len, const char *name)
{
	struct bytes *got = &o->got[kind];

	cr_assert(got->len == len && !memcmp(got->data, data, len),
		  "%s: came\n%.*s-- expected\n%.*s", name, (int)got->len, got->data, (int)len,
		  data);
	got->len = 0;
}

static void came_text(struct owner *o, int kind, const char *text, const char *name)
{
	came(o, kind, text, strlen(text), name);
}

static void say(struct owner *o, int side, const char *text)
{
	owner_send(o, side, text, strlen(text), false);
}

/* A command that passes is answered, and both octet for octet. */
static void passes(struct owner *o, const char *line, const char *event, const char *name)
{
	say(o, CLIENT, line);
	came_text(o, TO_SERVER, line, name);
	came_text(o, EVENTS, event, name);
	say(o, SERVER, "250 ok\r\n");
	came_text(o, TO_CLIENT, "250 ok\r\n", name);
}

static void refused(struct owner *o, const char *line, const char *reply, const char *event,
		    const char *name)
{
	struct bytes *got = &o->got[TO_CLIENT];
	size_t len = strlen(reply);

	say(o, CLIENT, line);
	cr_assert(got->len >= len && !memcmp(got->data, reply, len) &&
		  memchr(got->data, '\n', got->len) == got->data + got->len - 1,
		  "%s: %s: came %.*s", name, line, (int)got->len, got->data);
	got->len = 0;
	came_text(o, TO_SERVER, "", name);
	came_text(o, EVENTS, event, name);
}

/* The command of a keyword that is hidden. */
static void try_command(struct owner *o, const char *word, size_t len, const char *name)
{
	struct command c = { .reply = *word >= '0' && *word <= '9' ? NO_WORD : REFUSED,
			     .event = "note command_refused\r\n" };
	char line[512];

	/* What begins with a digit is no word of a command. */
	snprintf(line, sizeof(line), "%.*s x\r\n", (int)len, word);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strlen(commands[i].keyword) != len ||
		    strncasecmp(commands[i].keyword, word, len))
			continue;
		c = commands[i];
		if (!c.line)
			return;
		snprintf(line, sizeof(line), "%s\r\n", c.line);
	}
	if (c.reply)
		refused(o, line, c.reply, c.event, name);
	else
		passes(o, line, c.event, name);
}

/* For each hidden line of the file, the first apart, its command. */
static unsigned int try_commands(struct owner *o, const struct golden *g)
{
	const char *line = g->text, *word;
	unsigned int hidden = 0;
	size_t len;

	for (line += strcspn(line, "\n") + 1; *line == '<'; line += strcspn(line, "\n") + 1) {
		len = keyword(line, &word);
		if (!len || (word[len] != ' ' && word[len] != '=' && word[len] != '\n') ||
		    stays(g, word, len))
			continue;
		try_command(o, word, len, g->name);
		hidden++;
	}
	return hidden;
}

/* Greeting, then @command, answered with @answer: @at octets, the rest @each at a time. */
static void ask(struct owner *o, const char *command, const struct bytes *answer, size_t at,
		size_t each)
{
	size_t n;

	owner_reset(o);
	owner_start(o, SMTP_REPLY_COUNT);
	say(o, SERVER, "220 mx\r\n");
	came_text(o, TO_CLIENT, "220 mx\r\n", command);
	say(o, CLIENT, command);
	came_text(o, TO_SERVER, command, command);
	owner_send(o, SERVER, answer->data, at, false);
	for (; at < answer->len; at += n) {
		n = answer->len - at < each ? answer->len - at : each;
		owner_send(o, SERVER, answer->data + at, n, false);
	}
}

static void leave(struct owner *o, const char *name)
{
	passes(o, "NOOP\r\n", "", name);
	passes(o, "QUIT\r\n", "", name);
	o->eof[SERVER] = true;
	owner_turns(o, false);
	cr_assert(smtp_end_reason(&o->smtp) == POSTERN_R_end_quit, "%s: no orderly end", name);
}

static unsigned int play_ehlo(struct owner *o, const struct golden *g, size_t at, size_t each)
{
	unsigned int hidden;

	ask(o, "EHLO a\r\n", &g->said, at, each);
	came(o, TO_CLIENT, g->shown.data, g->shown.len, g->name);
	came_text(o, EVENTS, "helo a\r\n", g->name);
	hidden = try_commands(o, g);
	leave(o, g->name);
	return hidden;
}

/* The same answer to HELO: what came in goes out, whatever stands in it. */
static void play_helo(struct owner *o, const struct golden *g, size_t at, size_t each)
{
	if (strstr(g->text, "\\n"))
		return;			/* LF alone leaves as CRLF: not the same octets */
	ask(o, "HELO a\r\n", &g->said, at, each);
	came(o, TO_CLIENT, g->said.data, g->said.len, g->name);
	came_text(o, EVENTS, "helo a\r\n", g->name);
	leave(o, g->name);
}

/* B7: in pieces, and cut in two behind each octet, of long answers behind every few. */
static unsigned int play_golden(struct owner *o, const struct golden *g)
{
	size_t len = g->said.len, at;

	for (at = 1; at < len; at += 1 + len / 600) {
		play_ehlo(o, g, at, len);
		play_helo(o, g, at, len);
	}
	for (at = 1; at <= 7; at += 6) {
		play_ehlo(o, g, 0, at);
		play_helo(o, g, 0, at);
	}
	return play_ehlo(o, g, 0, len);
}

Test(smtp_offers, golden)
{
	static struct golden g;
	struct owner *o = calloc(1, sizeof(*o));
	unsigned int files = 0, hidden = 0;
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;

	cr_assert(dir, FOLDER " is not there: run from the project's root");
	while ((entry = readdir(dir))) {
		if (!strstr(entry->d_name, ".txt"))
			continue;
		read_golden(&g, entry->d_name);
		hidden += play_golden(o, &g);
		files++;
	}
	closedir(dir);
	free(o);
	cr_assert(files >= LEAST, "%u files", files);
	cr_assert(hidden > files, "%u hidden keywords", hidden);
}

Test(smtp_offers, commands_of_hidden_keywords)
{
	static const struct bytes answer = { 8, "250 mx\r\n" };
	struct owner *o = calloc(1, sizeof(*o));
	size_t i;

	ask(o, "EHLO a\r\n", &answer, 0, 8);
	o->got[TO_CLIENT].len = o->got[EVENTS].len = 0;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		try_command(o, others[i], strlen(others[i]), "E35 E37 E38 E39");
	leave(o, "E35 E37 E38 E39");
	free(o);
}
