// SPDX-License-Identifier: GPL-2.0
/*
 * The text of postern.conf before libconfuse reads it. libconfuse counts the
 * lines of comments twice, drops characters that it does not know, replaces
 * ${NAME} by the environment, and leaves its scanner inside an unclosed
 * string for the next file. None of that may happen to a mail filter's
 * settings, so comments are blanked here and the rest is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "base/conf_private.h"

/* What stood last, which decides whether a string may follow. */
enum before { BEFORE_NAME, BEFORE_AFTER_NAME, BEFORE_VALUE };

struct cleaner {
	char *p;
	char *end;
	int line;
	int opened;		/* line of the { that is not closed yet, 0 = none */
	enum before before;
	struct conf_faults *faults;
};

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_-.:/%", c));
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static void blank_line(struct cleaner *c)
{
	while (c->p < c->end && *c->p != '\n')
		*c->p++ = ' ';
}

static void blank_block(struct cleaner *c)
{
	int began = c->line;

	while (c->p + 1 < c->end && !(c->p[0] == '*' && c->p[1] == '/')) {
		if (*c->p == '\n')
			c->line++;
		else
			*c->p = ' ';
		c->p++;
	}
	if (c->p + 1 >= c->end) {
		conf_fault(c->faults, began, "comment is not closed, expected */");
		c->p = c->end;
		return;
	}
	*c->p++ = ' ';
	*c->p++ = ' ';
}

/* Does the backslash at @c->p begin something that stands for one plain character? */
static void check_escape(struct cleaner *c, char quote)
{
	char next = c->p + 1 < c->end ? c->p[1] : '\n';

	if (quote == '"' && !(next && strchr("\"\\$", next)))
		conf_fault(c->faults, c->line, "backslash in \"...\", expected \\\\, \\\" or "
			   "\\$ (in '...' a backslash stands for itself)");
	if (quote == '"' || next == '\'' || next == '\\')
		c->p++;
}

static void skip_string(struct cleaner *c)
{
	char quote = *c->p++;

	if (c->before == BEFORE_NAME)
		conf_fault(c->faults, c->line, "string where a name was expected");
	c->before = c->before == BEFORE_VALUE ? BEFORE_NAME : c->before;
	for (; c->p < c->end && *c->p != '\n' && *c->p != quote; c->p++) {
		if (*c->p == '\\')
			check_escape(c, quote);
		else if (is_control(*c->p))
			conf_fault(c->faults, c->line, "control character in a string");
		else if (quote == '"' && c->p[0] == '$' && c->p[1] == '{')
			conf_fault(c->faults, c->line, "${ in \"...\", expected \\${ or '...'");
		if (c->p >= c->end || *c->p == '\n')
			break;
	}
	if (c->p < c->end && *c->p == quote)
		c->p++;
	else
		conf_fault(c->faults, c->line, "string is not closed on its line, expected %c",
			   quote);
}

static void skip_word(struct cleaner *c)
{
	while (c->p < c->end && is_bare(*c->p) &&
	       !(c->p[0] == '/' && (c->p[1] == '/' || c->p[1] == '*')))
		c->p++;
	if (c->p[-1] == '/')
		conf_fault(c->faults, c->line, "word ends in /, expected it in quotes");
	c->before = c->before == BEFORE_VALUE ? BEFORE_NAME : BEFORE_AFTER_NAME;
}

/* libconfuse takes the end of the file for a closing brace. */
static void note_brace(struct cleaner *c, char brace)
{
	if (brace == '{' && c->opened)
		conf_fault(c->faults, c->line, "section inside the one begun on line %d, "
			   "expected } first", c->opened);
	if (brace == '}' && !c->opened)
		conf_fault(c->faults, c->line, "} without {");
	c->opened = brace == '{' ? c->line : 0;
	c->before = BEFORE_NAME;
}

/* A run of octets outside of ASCII, of which the first is behind us. */
static void clean_foreign(struct cleaner *c)
{
	conf_fault(c->faults, c->line, "unexpected character outside of ASCII, expected text in "
		   "quotes");
	while (c->p < c->end && *c->p < 0)
		c->p++;
}

static void clean_mark(struct cleaner *c)
{
	char mark = *c->p++;

	if (mark == '=')
		c->before = BEFORE_VALUE;
	else if (mark == '{' || mark == '}')
		note_brace(c, mark);
	else if (mark == '\n')
		c->line++;
	else if (is_control(mark) && !(mark == '\r' && *c->p == '\n'))
		conf_fault(c->faults, c->line, "control character");
	else if (mark < 0)
		clean_foreign(c);
	else if (!is_control(mark) && mark != ' ' && mark != '\t')
		conf_fault(c->faults, c->line, "unexpected %c, expected text in quotes", mark);
	if (mark != '=' && mark != '{' && mark != '}' && mark != '\n')
		c->p[-1] = ' ';
}

static void clean_next(struct cleaner *c)
{
	bool slash = c->p[0] == '/';

	if (*c->p == '#' || (slash && c->p[1] == '/'))
		blank_line(c);
	else if (slash && c->p[1] == '*') {
		*c->p++ = ' ';
		*c->p++ = ' ';
		blank_block(c);
	} else if (*c->p == '"' || *c->p == '\'')
		skip_string(c);
	else if (is_bare(*c->p))
		skip_word(c);
	else
		clean_mark(c);
}

void conf_clean(char *text, size_t len, struct conf_faults *faults)
{
	struct cleaner c = { .p = text, .end = text + len, .line = 1, .faults = faults };

	while (c.p < c.end)
		clean_next(&c);
	if (c.opened)
		conf_fault(faults, c.opened, "section is not closed, expected }");
}
