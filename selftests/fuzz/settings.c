// SPDX-License-Identifier: GPL-2.0
/* Settings of a class as the fuzzers' inputs spell them. */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

struct words {
	const char	*key;
	const char	*words;		/* its values in order, one blank each */
	size_t		offset;
	size_t		size;
	uint64_t	least;
};

#define FIELD(name) offsetof(struct conf_class, name), sizeof(((struct conf_class *)0)->name)

static const struct words settings[] = {
	{ "auth",	"refuse hide pass",	FIELD(auth), 0 },
	{ "starttls",	"hide refuse pass",	FIELD(starttls), 0 },
	{ "chunking",	"hide pass",		FIELD(chunking), 0 },
	{ "newlines",	"refuse normalise",	FIELD(newlines), 0 },
	{ "received",	"0 1",			FIELD(received), 0 },
	{ "starttls_offer", "0 1",		FIELD(starttls_offer), 0 },
	{ "max_size",	NULL,			FIELD(max_size), 0 },
	{ "max_recipients", NULL,		FIELD(max_recipients), 1 },
	{ "max_junk",	NULL,			FIELD(max_junk), 3 },
	{ "max_line",	NULL,			FIELD(max_line), 10 },
};

static uint64_t value_of(const struct words *row, const char *word)
{
	const char *at = row->words;
	uint64_t n = 0;

	if (!at)
		return strtoull(word, NULL, 10);
	for (; *at; at += strcspn(at, " ") + (strchr(at, ' ') != NULL), n++)
		if (!strncmp(at, word, strcspn(at, " ")))
			return n;
	return 0;
}

void settings_set(struct conf_class *class, const char *text)
{
	size_t n = strcspn(text, " "), i;
	char *field = (char *)class;
	uint64_t value;

	for (i = 0; text[n] && i < sizeof(settings) / sizeof(settings[0]); i++) {
		const struct words *row = &settings[i];

		if (strlen(row->key) != n || memcmp(row->key, text, n))
			continue;
		value = value_of(row, text + n + 1);
		if (value > (uint64_t)1 << 40)
			value = (uint64_t)1 << 40;
		value = value < row->least ? row->least : value;
		memcpy(field + row->offset, &value, row->size);	/* little-endian */
	}
}
