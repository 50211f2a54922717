// SPDX-License-Identifier: GPL-2.0
/* Reading scenarios: script.h. */
#include "script.h"

#include <ctype.h>

#define DEEPEST		8	/* blocks within blocks */

/* Where reading stands. */
struct reader {
	struct script	*script;
	struct scenario	*now;		/* NULL: before the first */
	struct block	*block;		/* being read, or NULL */
	const char	*file;
	unsigned int	number;
	unsigned int	depth;
	bool		bad;
};

static bool take_line(struct reader *r, char *text);

static void fault(struct reader *r, const char *what, const char *text)
{
	fprintf(stderr, "%s:%u: %s: %s\n", r->file, r->number, what, text);
	r->bad = true;
}

static void *grow(void *rows, size_t count, size_t size)
{
	void *more = reallocarray(rows, count + 1, size);

	if (!more) {
		perror("scenario");
		exit(2);
	}
	memset((char *)more + count * size, 0, size);
	return more;
}

/* Escapes. */

static void octets_add(struct reader *r, struct bytes *b, const char *at, const char *end);

/* "{N text}": the text N times; returns what stands behind it. */
static const char *repeat_add(struct reader *r, struct bytes *b, const char *at, const char *end)
{
	char *text;
	unsigned long n = strtoul(at + 1, &text, 10);
	const char *close = memchr(at, '}', (size_t)(end - at));

	if (!close || *text != ' ') {
		fault(r, "expected \\{N text}", at);
		return end;
	}
	while (n--)
		octets_add(r, b, text + 1, close);
	return close + 1;
}

static const char *hex_add(struct reader *r, struct bytes *b, const char *at, const char *end)
{
	char hex[3] = { 0 }, c;

	if (end - at < 3 || !isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2])) {
		fault(r, "expected \\xNN", at);
		return end;
	}
	memcpy(hex, at + 1, 2);
	c = (char)strtoul(hex, NULL, 16);
	bytes_add(b, &c, 1);
	return at + 3;
}

/* What stands behind a backslash; returns what stands behind that. */
static const char *escape_add(struct reader *r, struct bytes *b, const char *at, const char *end)
{
	static const char names[] = "rnt0\\", octets[] = "\r\n\t\0\\";
	const char *name = at < end ? memchr(names, *at, sizeof(names) - 1) : NULL;

	if (name) {
		bytes_add(b, &octets[name - names], 1);
		return at + 1;
	}
	if (at < end && *at == 'x')
		return hex_add(r, b, at, end);
	if (at < end && *at == '{')
		return repeat_add(r, b, at, end);
	fault(r, "unknown escape", at);
	return end;
}

static void octets_add(struct reader *r, struct bytes *b, const char *at, const char *end)
{
	while (at < end) {
		if (*at == '\\')
			at = escape_add(r, b, at + 1, end);
		else
			bytes_add(b, at++, 1);
	}
}

/* A line of octets: CRLF behind it, unless it ends in "\_". */
static void text_add(struct reader *r, struct bytes *b, const char *text)
{
	size_t len = strlen(text);
	bool bare = len >= 2 && !strcmp(text + len - 2, "\\_");

	octets_add(r, b, text, text + len - (bare ? 2 : 0));
	if (!bare)
		bytes_add(b, "\r\n", 2);
}

/* Lines of a scenario. */

static void add_line(struct reader *r, char kind, const char *text)
{
	struct scenario *now = r->now;
	struct line *last = now->count ? &now->lines[now->count - 1] : NULL;
	bool octets = strchr("><CSBE", kind), escapes = octets || kind == 's';

	if (!octets || !last || last->kind != kind) {
		now->lines = grow(now->lines, now->count, sizeof(*now->lines));
		last = &now->lines[now->count++];
		last->kind = kind;
		last->number = r->number;
	}
	if (octets)
		text_add(r, &last->text, text);
	else if (escapes)
		octets_add(r, &last->text, text, text + strlen(text));
	else
		bytes_add(&last->text, text, strlen(text));
	bytes_add(&last->text, "", 1);
	last->text.len--;
}

static char *word_end(char *at)
{
	return at + strcspn(at, " \t");
}

/* Case numbers, bars, then the name. */
static void begin_scenario(struct reader *r, const char *text)
{
	struct script *s = r->script;
	char *end;
	unsigned long n;

	s->scenarios = grow(s->scenarios, s->count, sizeof(*s->scenarios));
	r->now = &s->scenarios[s->count++];
	r->now->name = strdup(text);
	r->now->file = r->file;
	r->now->number = r->number;
	for (; (*text == 'E' || *text == 'B' || *text == 'I') && isdigit((unsigned char)text[1]);
	     text = end + (*end == ' ')) {
		n = strtoul(text + 1, &end, 10);
		if (*text == 'E' && n < SCRIPT_CASES)
			r->now->cases[n] = true;
	}
}

static const struct block *find_block(const struct script *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->block_count; i++)
		if (strlen(s->blocks[i].name) == len && !memcmp(s->blocks[i].name, name, len))
			return &s->blocks[i];
	return NULL;
}

/* The @n'th of arguments that have " | " between them; false: there are not so many. */
static bool argument(const char *args, unsigned int n, const char **at, size_t *len)
{
	const char *end;

	for (; args; args = end ? end + 2 + (end[2] == ' ') : NULL) {
		end = strstr(args, " |");
		*at = args;
		*len = end ? (size_t)(end - args) : strlen(args);
		if (!--n)
			return true;
	}
	return false;
}

/* A line of a block with $1 to $9 put in. */
static char *fill_in(struct reader *r, const char *text, const char *args)
{
	struct bytes out = { 0 };
	const char *arg;
	size_t len;

	for (; *text; text++) {
		if (*text != '$' || text[1] < '1' || text[1] > '9') {
			bytes_add(&out, text, 1);
			continue;
		}
		text++;
		if (argument(args, (unsigned int)(*text - '0'), &arg, &len))
			bytes_add(&out, arg, len);
		else
			fault(r, "argument is missing for", text - 1);
	}
	bytes_add(&out, "", 1);
	return out.data;
}

static void use_block(struct reader *r, char *text)
{
	char *end = word_end(text), *line;
	const struct block *b = find_block(r->script, text, (size_t)(end - text));
	const char *args = *end ? end + 1 : NULL;

	if (!b || r->depth == DEEPEST) {
		fault(r, b ? "blocks too deep" : "no block of that name", text);
		return;
	}
	r->depth++;
	for (size_t i = 0; i < b->count; i++) {
		line = fill_in(r, b->lines[i], args);
		take_line(r, line);
		free(line);
	}
	r->depth--;
}

static void begin_block(struct reader *r, const char *name)
{
	struct script *s = r->script;

	if (find_block(s, name, strlen(name)))
		fault(r, "second block of that name", name);
	s->blocks = grow(s->blocks, s->block_count, sizeof(*s->blocks));
	r->block = &s->blocks[s->block_count++];
	r->block->name = strdup(name);
}

static void block_line(struct reader *r, const char *text)
{
	struct block *b = r->block;

	if (!strcmp(text, "end")) {
		r->block = NULL;
		return;
	}
	b->lines = grow(b->lines, b->count, sizeof(*b->lines));
	b->lines[b->count++] = strdup(text);
}

/* A line that begins with a word. False: it does not. */
static bool take_word(struct reader *r, char *text)
{
	char *end = word_end(text), *rest = *end ? end + 1 : end;
	size_t len = (size_t)(end - text);

	if (len == 8 && !memcmp(text, "scenario", len))
		begin_scenario(r, rest);
	else if (len == 5 && !memcmp(text, "block", len))
		begin_block(r, rest);
	else if (len == 3 && !memcmp(text, "set", len) && r->now)
		add_line(r, 's', rest);
	else if (len == 3 && !memcmp(text, "use", len) && r->now)
		use_block(r, rest);
	else
		return false;
	return true;
}

static bool take_line(struct reader *r, char *text)
{
	text += strspn(text, " \t");
	if (r->block)
		block_line(r, text);
	else if (*text && *text != '#' && !take_word(r, text)) {
		if (!r->now || !strchr("><!CSBEXW=TKR", *text) ||
		    (text[1] && text[1] != ' '))
			fault(r, "not understood, or before the first scenario", text);
		else
			add_line(r, *text, text[1] ? text + 2 : "");
	}
	return !r->bad;
}

bool script_read(struct script *s, const char *file)
{
	struct reader r = { .script = s };
	FILE *fp = fopen(file, "r");
	char *text = NULL;
	size_t size = 0;
	ssize_t len;

	if (!fp) {
		perror(file);
		return false;
	}
	s->files = grow(s->files, s->file_count, sizeof(*s->files));
	r.file = s->files[s->file_count++] = strdup(file);
	while (!r.bad && (len = getline(&text, &size, fp)) >= 0) {
		r.number++;
		if (len && text[len - 1] == '\n')
			text[len - 1] = '\0';
		take_line(&r, text);
	}
	if (r.block)
		fault(&r, "block without an end", r.block->name);
	free(text);
	fclose(fp);
	return !r.bad;
}

static void free_block(struct block *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->lines[i]);
	free(b->lines);
	free(b->name);
}

void script_free(struct script *s)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t k = 0; k < s->scenarios[i].count; k++)
			bytes_free(&s->scenarios[i].lines[k].text);
		free(s->scenarios[i].lines);
		free(s->scenarios[i].name);
	}
	for (size_t i = 0; i < s->block_count; i++)
		free_block(&s->blocks[i]);
	for (size_t i = 0; i < s->file_count; i++)
		free(s->files[i]);
	free(s->files);
	free(s->scenarios);
	free(s->blocks);
}
