// SPDX-License-Identifier: GPL-2.0
/*
 * Numeric references and those names that matter in URLs (HTML standard,
 * section 13.2.5.72 and on). The final semicolon may be missing, as browsers
 * allow. Any thread.
 */
#include <ctype.h>
#include <string.h>

#include "verdict/decode.h"
#include "verdict/reference.h"

/* Names that stand for characters of URLs. Compared in full. */
static const struct {
	const char *name;
	char c;
} names[] = {
	{ "amp", '&' }, { "AMP", '&' }, { "colon", ':' }, { "sol", '/' }, { "bsol", '\\' },
	{ "period", '.' }, { "commat", '@' }, { "num", '#' }, { "quest", '?' },
	{ "percnt", '%' }, { "equals", '=' }, { "lowbar", '_' }, { "quot", '"' },
	{ "lt", '<' }, { "gt", '>' }, { "Tab", '\t' }, { "NewLine", '\n' },
};

bool reference_take(struct reference *r, char c, bool *used)
{
	bool first = r->len == 1, numeric = r->len > 1 && r->text[1] == '#';

	*used = true;
	if (r->len && c == ';')
		return false;
	if (r->len && !isalnum((unsigned char)c) && !(first && c == '#')) {
		*used = false;
		return false;
	}
	if (numeric && hex_value(c) < 0 && !(r->len == 2 && (c | 0x20) == 'x')) {
		*used = false;
		return false;
	}
	if (numeric && r->len > 2 && (r->text[2] | 0x20) != 'x' && !isdigit((unsigned char)c)) {
		*used = false;
		return false;
	}
	if (r->len == sizeof(r->text)) {
		*used = false;
		return false;
	}
	r->text[r->len++] = c;
	return true;
}

static size_t put_utf8(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

static size_t numeric_value(const struct reference *r, char out[4])
{
	bool hex = r->len > 2 && (r->text[2] | 0x20) == 'x';
	size_t at = hex ? 3 : 2;
	uint32_t code = 0;

	if (at == r->len)
		return 0;
	for (; at < r->len; at++) {
		code = code * (hex ? 16 : 10) + (uint32_t)hex_value(r->text[at]);
		if (code > 0x10ffff)
			return 0;
	}
	return code ? put_utf8(code, out) : 0;
}

size_t reference_value(const struct reference *r, char out[4])
{
	if (r->len < 2)
		return 0;
	if (r->text[1] == '#')
		return numeric_value(r, out);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) == r->len - 1 &&
		    !memcmp(names[i].name, r->text + 1, r->len - 1)) {
			out[0] = names[i].c;
			return 1;
		}
	}
	return 0;
}
