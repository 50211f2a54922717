// SPDX-License-Identifier: GPL-2.0
/*
 * What follows MAIL and RCPT: "FROM:" or "TO:", the path, parameters (RFC
 * 5321, 4.1.1.2, 4.1.1.3). Parsed to know where the path ends and which
 * mailbox it names; the line itself is forwarded as it is. Blanks are
 * tolerated where clients are known to put them (E40); anything not surely
 * understood is refused by the caller.
 */
#include <errno.h>

#include "smtp/engine.h"

/* Octets of a quoted string at the front with its quotes, or 0 when it has no end. */
static size_t quoted_len(struct smtp_text text)
{
	size_t i;

	for (i = 1; i < text.len; i++) {
		if (text.data[i] == '\\')
			i++;
		else if (text.data[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Octets of one element of a path at the front, 0 when it is broken. */
static size_t element_len(struct smtp_text text)
{
	unsigned char c = (unsigned char)text.data[0];

	if (c == '"')
		return quoted_len(text);
	if (c == '\\')
		return text.len > 1 ? 2 : 0;
	if (c < ' ' || c == 0x7f || c == '<')
		return 0;
	return 1;
}

/* Octets up to an unquoted @end (a blank stands for every blank), or -EINVAL. */
static int span(struct smtp_text text, char end, size_t *len)
{
	struct smtp_text rest = text;
	size_t n;

	while (rest.len) {
		if (rest.data[0] == end || (end == ' ' && smtp_blank(rest.data[0])))
			break;
		n = element_len(rest);
		if (!n || (end == ' ' && rest.data[0] == '>'))
			return -EINVAL;
		smtp_text_cut(&rest, n);
	}
	*len = text.len - rest.len;
	return rest.len || end == ' ' ? 0 : -EINVAL;
}

/* "@one,@[IPv6:::2]:user@host" names user@host (RFC 5321, appendix C). */
static void cut_route(struct smtp_text *mailbox)
{
	bool literal = false;
	size_t i;

	if (!mailbox->len || mailbox->data[0] != '@')
		return;
	for (i = 0; i < mailbox->len; i++) {
		char c = mailbox->data[i];

		if (c == '[' || c == ']')
			literal = c == '[';
		if (c == ':' && !literal) {
			smtp_text_cut(mailbox, i + 1);
			return;
		}
	}
}

/* The path at the front of @args, in <> or bare, cut off together with its blanks. */
static int take_path(struct smtp_text *args, struct smtp_text *mailbox)
{
	bool angled = args->len && args->data[0] == '<';
	size_t len;

	if (angled)
		smtp_text_cut(args, 1);
	if (span(*args, angled ? '>' : ' ', &len) || (!angled && !len))
		return -EINVAL;
	*mailbox = (struct smtp_text) { args->data, len };
	smtp_text_cut(args, angled ? len + 1 : len);
	if (args->len && !smtp_blank(args->data[0]))
		return -EINVAL;
	cut_route(mailbox);
	return 0;
}

/* Of a parameter given twice the worse counts: which one the exchanger takes is not known. */

static void param_size(struct smtp_path *path, struct smtp_text value)
{
	uint64_t size;

	/* What is no number is the exchanger's to refuse. */
	if (!smtp_text_number(value, &size) && size > path->size)
		path->size = size;
}

static void param_body(struct smtp_path *path, struct smtp_text value)
{
	path->binary |= smtp_text_is(value, "BINARYMIME");
}

static void param_utf8(struct smtp_path *path, struct smtp_text value)
{
	(void)value;
	path->utf8 = true;
}

/* Parameters that concern us; all others pass (E30, E42). */
static const struct {
	const char	*word;
	void		(*take)(struct smtp_path *path, struct smtp_text value);
} params[] = {
	{ "SIZE",	param_size },
	{ "BODY",	param_body },
	{ "SMTPUTF8",	param_utf8 },
};

/* A control octet may part words for the exchanger where it does not for us. */
static bool has_control(struct smtp_text text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (((unsigned char)text.data[i] < ' ' && text.data[i] != '\t') ||
		    text.data[i] == 0x7f)
			return true;
	return false;
}

static void take_param(struct smtp_path *path, struct smtp_text word)
{
	struct smtp_text value;
	struct smtp_text key = smtp_text_key(word, &value);
	size_t i;

	for (i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		if (smtp_text_is(key, params[i].word))
			params[i].take(path, value);
}

int smtp_path_parse(struct smtp_text args, const char *word, struct smtp_path *out)
{
	*out = (struct smtp_path) { 0 };
	smtp_text_skip_blanks(&args);
	if (!smtp_text_begins(args, word))
		return -EINVAL;
	smtp_text_cut(&args, strlen(word));
	smtp_text_skip_blanks(&args);
	if (!args.len || args.data[0] != ':')
		return -EINVAL;
	smtp_text_cut(&args, 1);
	smtp_text_skip_blanks(&args);
	if (take_path(&args, &out->mailbox))
		return -EINVAL;
	if (has_control(args))
		return -EINVAL;
	smtp_text_skip_blanks(&args);
	while (args.len) {
		take_param(out, smtp_text_word(&args));
		smtp_text_skip_blanks(&args);
	}
	return 0;
}
