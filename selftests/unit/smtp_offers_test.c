// SPDX-License-Identifier: GPL-2.0
/*
 * B103: recorded-style answers to EHLO (selftests/data/ehlo) come out as their
 * files say; the command of every keyword that is hidden is refused here, and
 * an answer to HELO is relayed as it is.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "smtp_play.h"

#define FOLDER	"selftests/data/ehlo"
#define LEAST	40		/* files */
#define TEXT	(32 * 1024)

#define REFUSED	"C 502 5.5.1 command not available here [T1] http://help.example/\n" \
		"E note command_refused\n"

#define NO_WORD	"C 500 5.5.2 syntax error [T1] http://help.example/\n" \
		"E note command_refused\n"

/* Commands of keywords that are no commands themselves, or whose refusal is another. */
static const struct {
	const char	*keyword;
	const char	*script;
} commands[] = {
	{ "STARTTLS", "> STARTTLS\nC 502 5.5.1 ...\nE note starttls_refused\n" },
	{ "AUTH", "> AUTH PLAIN AGEAYg==\nC 573 5.7.1 ...\nE note auth_refused\n" },
	{ "CHUNKING", "> BDAT 0 LAST\n" REFUSED },
	{ "BINARYMIME", "> MAIL FROM:<a> BODY=BINARYMIME\nC 555 5.5.4 ...\n" },
	/* Their commands pass (E36). */
	{ "VRFY", "> VRFY a\nS VRFY a\nE note recipient_probe\n< 252 a\nC 252 a\n" },
	{ "EXPN", "> EXPN a\nS EXPN a\nE note recipient_probe\n< 502 a\nC 502 a\n" },
	/* EHLO as a keyword is nothing that could be refused. */
	{ "EHLO", "" },
};

/* Keywords beyond the files whose commands a client may try all the same (E35-E39). */
static const char *const others[] = {
	"XCLIENT", "XFORWARD", "ETRN", "ATRN", "TURN", "BURL", "XEXCH50", "X-LINK2STATE", "X-EXPS",
	"CHECKPOINT", "VERB", "ONEX", "SEND", "SOML", "SAML", "XUSR", "PRDR", "PIPECONNECT",
	"X_PIPE_CONNECT", "REQUIRETLS", "LHLO",
};

struct script {
	char	text[TEXT];
	size_t	len;
};

static void add(struct script *s, const char *text, size_t len)
{
	cr_assert(s->len + len < sizeof(s->text));
	memcpy(s->text + s->len, text, len);
	s->len += len;
	s->text[s->len] = '\0';
}

static void add_text(struct script *s, const char *text)
{
	add(s, text, strlen(text));
}

static void read_file(const char *name, struct script *file)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	f = fopen(path, "r");
	cr_assert(f, "%s cannot be read", path);
	file->len = fread(file->text, 1, sizeof(file->text) - 1, f);
	file->text[file->len] = '\0';
	fclose(f);
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
static bool stays(const struct script *file, const char *word, size_t len)
{
	const char *line = file->text, *other;

	for (; *line; line += strcspn(line, "\n") + 1)
		if (*line == 'C' && keyword(line, &other) == len && !strncasecmp(word, other, len))
			return true;
	return false;
}

static void add_refusal(struct script *s, const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strlen(commands[i].keyword) == len &&
		    !strncasecmp(commands[i].keyword, word, len)) {
			add_text(s, commands[i].script);
			return;
		}
	add_text(s, "> ");
	add(s, word, len);
	/* What begins with a digit is no word of a command. */
	add_text(s, *word >= '0' && *word <= '9' ? " x\n" NO_WORD : " x\n" REFUSED);
}

/* For each hidden line of the file, the first apart, its command. */
static unsigned int add_refusals(struct script *s, const struct script *file)
{
	const char *line = file->text, *word;
	unsigned int hidden = 0;
	size_t len;

	for (line += strcspn(line, "\n") + 1; *line == '<'; line += strcspn(line, "\n") + 1) {
		len = keyword(line, &word);
		if (!len || (word[len] != ' ' && word[len] != '=' && word[len] != '\n') ||
		    stays(file, word, len))
			continue;
		add_refusal(s, word, len);
		hidden++;
	}
	return hidden;
}

static void play(const char *name, const struct script *s)
{
	const struct play row = { .name = name, .refused = SMTP_REPLY_COUNT, .script = s->text };

	play_all(&row, 1);
}

static unsigned int play_ehlo(const char *name, const struct script *file)
{
	static struct script s;
	unsigned int hidden;

	s.len = 0;
	add_text(&s, PLAY_GREET "> EHLO a\nS EHLO a\n");
	add(&s, file->text, file->len);
	add_text(&s, "E helo a\n");
	hidden = add_refusals(&s, file);
	add_text(&s, "> NOOP\nS NOOP\n< 250 ok\nC 250 ok\n" PLAY_QUIT);
	play(name, &s);
	return hidden;
}

/* The same answer to HELO: what came in goes out, whatever stands in it. */
static void play_helo(const char *name, const struct script *file)
{
	static struct script s;
	const char *line;
	size_t len;

	if (strstr(file->text, "\\n"))
		return;			/* LF alone leaves as CRLF: not the same octets */
	s.len = 0;
	add_text(&s, PLAY_GREET "> HELO a\nS HELO a\n");
	for (line = file->text; *line == '<'; line += len) {
		len = strcspn(line, "\n") + 1;
		add(&s, line, len);
	}
	for (line = file->text; *line == '<'; line += len) {
		len = strcspn(line, "\n") + 1;
		add_text(&s, "C");
		add(&s, line + 1, len - 1);
	}
	add_text(&s, "E helo a\n" PLAY_QUIT);
	play(name, &s);
}

Test(smtp_offers, golden)
{
	static struct script file;
	unsigned int files = 0, hidden = 0;
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;

	cr_assert(dir, FOLDER " is not there: run from the project's root");
	while ((entry = readdir(dir))) {
		if (!strstr(entry->d_name, ".txt"))
			continue;
		read_file(entry->d_name, &file);
		hidden += play_ehlo(entry->d_name, &file);
		play_helo(entry->d_name, &file);
		files++;
	}
	closedir(dir);
	cr_assert(files >= LEAST, "%u files", files);
	cr_assert(hidden > files, "%u hidden keywords", hidden);
}

Test(smtp_offers, commands_of_hidden_keywords)
{
	static struct script s;
	size_t i;

	s.len = 0;
	add_text(&s, PLAY_EHLO);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		add_refusal(&s, others[i], strlen(others[i]));
	add_text(&s, "> NOOP\nS NOOP\n< 250 ok\nC 250 ok\n");
	play("E35 E37 E38 E39", &s);
}
