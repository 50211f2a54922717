// SPDX-License-Identifier: GPL-2.0
/*
 * Can the matcher be trusted with a stream in pieces of any size?
 *
 * Some releases of vectorscan (5.4.9 of Debian 12; mended by its pull request
 * 402) lose a match when a call ends between two octets for which they skip
 * ahead: whoever cuts a message well would pass. They skip only where more
 * than 16 octets are left, so pieces of 16 are safe there, and slower. Plain
 * words are found by other means, which have no such fault; neither has
 * Hyperscan. Runs while rules are compiled.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "verdict/rules.h"

/* Patterns that are skipped ahead for by pairs, with a text that each matches. */
static const struct {
	const char *pattern;
	const char *text;
} probes[] = {
	{ "subject:.*x\\r?$", "subject:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbx\r\nsender: cc\r\n" },
	{ "^b?y?[y]\\r?$", "zzzzzzzzzzzzzzzzzzzzzzzz\r\nyy\r\nzzzzzzzzzzzzzzzzz\r\n" },
	{ "[0-9]{1,2}c[a-f]*", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz7czzzzzzzzzzzz" },
	{ "[b-d]{1,3}[cd]+\\d*", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzbdzzzzzzzzzzzzzzz" },
	{ "[ac]{1,3}[cd]+", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzadzzzzzzzzzzzzzz" },
};

#define PAD	64

static int on_match(unsigned int id, unsigned long long from, unsigned long long to,
		    unsigned int flags, void *context)
{
	(void)id;
	(void)from;
	(void)to;
	(void)flags;
	*(bool *)context = true;
	return 0;
}

/* Is the match found with a first call of @first octets? */
static bool found_when_cut(const hs_database_t *base, hs_scratch_t *scratch, const char *text,
			   size_t first)
{
	size_t len = strlen(text);
	hs_stream_t *stream;
	bool found = false;

	if (hs_open_stream(base, 0, &stream) != HS_SUCCESS)
		return false;
	hs_scan_stream(stream, text, (unsigned int)first, 0, scratch, on_match, &found);
	hs_scan_stream(stream, text + first, (unsigned int)(len - first), 0, scratch, on_match,
		       &found);
	hs_close_stream(stream, scratch, on_match, &found);
	return found;
}

/* Cut the text of one probe at every place, behind fillings of every length. */
static bool probe_passes(const char *pattern, const char *text)
{
	hs_compile_error_t *error = NULL;
	hs_database_t *base = NULL;
	hs_scratch_t *scratch = NULL;
	char padded[PAD + 128];
	bool passes;

	passes = hs_compile(pattern, HS_FLAG_MULTILINE | HS_FLAG_CASELESS, HS_MODE_STREAM, NULL,
			    &base, &error) == HS_SUCCESS &&
		 hs_alloc_scratch(base, &scratch) == HS_SUCCESS;
	for (size_t pad = 0; pad < PAD && passes; pad += 7) {
		memset(padded, 'z', pad);
		padded[pad ? pad - 1 : 0] = '\n';
		strcpy(padded + pad, text);
		for (size_t first = 1; first < strlen(padded) && passes; first++)
			passes = found_when_cut(base, scratch, padded, first);
	}
	hs_free_compile_error(error);
	hs_free_scratch(scratch);
	hs_free_database(base);
	return passes;
}

/* Is @pattern a plain word: no special character but escaped punctuation? */
static bool is_word(const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern == '\\' && ispunct((unsigned char)pattern[1]))
			pattern++;
		else if (strchr("\\^$.[|()?*+{", *pattern))
			return false;
	}
	return true;
}

size_t rules_piece(const char *const *patterns, size_t count)
{
	bool words = true;

	for (size_t i = 0; i < count; i++)
		words &= is_word(patterns[i]);
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]) && !words; i++) {
		if (!probe_passes(probes[i].pattern, probes[i].text))
			return RULES_PIECE_SAFE;
	}
	return RULES_PIECE_MOST;
}
