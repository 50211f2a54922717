// SPDX-License-Identifier: GPL-2.0
/* Words and numbers in a line of peer octets; no locale, no NUL, no copy. */
#include <errno.h>

#include "smtp/engine.h"

const struct smtp_text smtp_no_text = { "", 0 };

bool smtp_text_begins(struct smtp_text text, const char *word)
{
	size_t i;

	for (i = 0; word[i]; i++)
		if (i >= text.len || smtp_lower(text.data[i]) != smtp_lower(word[i]))
			return false;
	return true;
}

bool smtp_text_is(struct smtp_text text, const char *word)
{
	return text.len == strlen(word) && smtp_text_begins(text, word);
}

bool smtp_text_has(struct smtp_text text, const char *word)
{
	for (; text.len; smtp_text_cut(&text, 1))
		if (smtp_text_begins(text, word))
			return true;
	return false;
}

void smtp_text_cut(struct smtp_text *text, size_t n)
{
	if (n > text->len)
		n = text->len;
	text->data += n;
	text->len -= n;
}

void smtp_text_skip_blanks(struct smtp_text *text)
{
	while (text->len && smtp_blank(text->data[0]))
		smtp_text_cut(text, 1);
}

struct smtp_text smtp_text_word(struct smtp_text *text)
{
	struct smtp_text word = { text->data, 0 };

	while (text->len && !smtp_blank(text->data[0])) {
		word.len++;
		smtp_text_cut(text, 1);
	}
	return word;
}

struct smtp_text smtp_text_key(struct smtp_text word, struct smtp_text *value)
{
	const char *equals = word.len ? memchr(word.data, '=', word.len) : NULL;
	struct smtp_text key = word;

	*value = smtp_no_text;
	if (!equals)
		return key;
	key.len = (size_t)(equals - word.data);
	*value = word;
	smtp_text_cut(value, key.len + 1);
	return key;
}

int smtp_text_number(struct smtp_text text, uint64_t *out)
{
	uint64_t n = 0;
	size_t i;

	if (!text.len)
		return -EINVAL;
	for (i = 0; i < text.len; i++) {
		unsigned int digit = (unsigned char)text.data[i] - (unsigned int)'0';

		if (digit > 9)
			return -EINVAL;
		if (n > (UINT64_MAX - digit) / 10)
			n = UINT64_MAX;
		else
			n = n * 10 + digit;
	}
	*out = n;
	return 0;
}
