// SPDX-License-Identifier: GPL-2.0
/* Number hosts (the inet_aton() forms) and letters mapped by UTS 46. */
#include <ctype.h>
#include <string.h>

#include "verdict/decode.h"
#include "verdict/host.h"
#include "verdict/url.h"

/* Ranges of code points that stand for plain characters, as runs of @period. */
static const struct {
	uint32_t first, last;
	char plain;		/* what the first stands for */
	uint32_t period;
} ranges[] = {
	{ 0x2460, 0x2468, '1', 9 },	/* circled digits */
	{ 0x24b6, 0x24cf, 'a', 26 },	/* circled letters */
	{ 0x24d0, 0x24e9, 'a', 26 },
	{ 0x3002, 0x3002, '.', 1 },	/* ideographic full stop */
	{ 0xff0d, 0xff0d, '-', 1 },	/* full-width forms */
	{ 0xff0e, 0xff0e, '.', 1 },
	{ 0xff10, 0xff19, '0', 10 },
	{ 0xff21, 0xff3a, 'a', 26 },
	{ 0xff41, 0xff5a, 'a', 26 },
	{ 0xff61, 0xff61, '.', 1 },
	{ 0x1d400, 0x1d6a3, 'a', 26 },	/* mathematical letters */
	{ 0x1d7ce, 0x1d7ff, '0', 10 },	/* mathematical digits */
};

/* Code point of a three- or four-octet UTF-8 sequence; 0 when it is none. */
static uint32_t wide_code(const unsigned char *s, size_t len, size_t *used)
{
	uint32_t code;

	*used = (s[0] & 0xf8) == 0xf0 ? 4 : 3;
	if (s[0] < 0xe0 || s[0] > 0xf4 || len < *used)
		return 0;
	code = s[0] & (*used == 4 ? 0x07 : 0x0f);
	for (size_t i = 1; i < *used; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	return code;
}

/* The plain character that @code is mapped to, or 0. */
static char plain_of(uint32_t code)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (code >= ranges[i].first && code <= ranges[i].last)
			return (char)(ranges[i].plain +
				      (code - ranges[i].first) % ranges[i].period);
	}
	return 0;
}

size_t host_map(char *host, size_t len, bool *mapped)
{
	const unsigned char *s = (const unsigned char *)host;
	size_t at = 0, made = 0, used;

	while (at < len) {
		uint32_t code = wide_code(s + at, len - at, &used);
		char plain = code ? plain_of(code) : 0;

		if (plain) {
			*mapped = true;
			host[made++] = plain;
			at += used;
		} else {
			host[made++] = (char)(s[at] < 0x80 ? tolower(s[at]) : s[at]);
			at++;
		}
	}
	return made;
}

enum part_kind { PART_NONE, PART_DECIMAL, PART_PADDED, PART_OCTAL, PART_HEX };

struct part {
	enum part_kind	kind;
	uint64_t	value;		/* saturates */
};

static bool digits(const char *s, size_t len, unsigned int base, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < len; i++) {
		int digit = hex_value(s[i]);

		if (digit < 0 || (unsigned int)digit >= base)
			return false;
		if (*value <= UINT32_MAX)
			*value = *value * base + (unsigned int)digit;
	}
	return len > 0;
}

static struct part read_part(const char *s, size_t len)
{
	struct part part = { PART_NONE, 0 };

	if (len > 2 && s[0] == '0' && s[1] == 'x')
		part.kind = digits(s + 2, len - 2, 16, &part.value) ? PART_HEX : PART_NONE;
	else if (len > 3 && s[0] == '0')
		part.kind = digits(s, len, 8, &part.value) ? PART_OCTAL : PART_NONE;
	else if (digits(s, len, 10, &part.value))
		part.kind = len > 1 && s[0] == '0' ? PART_PADDED : PART_DECIMAL;
	return part;
}

/* Split at dots. Returns the number of parts, 0 when one is no number. */
static size_t read_parts(const char *host, size_t len, struct part parts[4], size_t *used)
{
	size_t count = 0, at = 0, n;

	while (at < len && count < 4) {
		const char *dot = memchr(host + at, '.', len - at);

		n = dot ? (size_t)(dot - host) - at : len - at;
		parts[count] = read_part(host + at, n);
		if (parts[count++].kind == PART_NONE)
			return 0;
		at += n + (dot != NULL);
	}
	*used = at;
	return count;
}

/* Addresses that are nobody's on the net: RFC 1918, loopback, link-local, zero. */
static bool is_private(const struct part p[4])
{
	return p[0].value == 0 || p[0].value == 10 || p[0].value == 127 ||
	       (p[0].value == 192 && p[1].value == 168) ||
	       (p[0].value == 172 && p[1].value >= 16 && p[1].value < 32) ||
	       (p[0].value == 169 && p[1].value == 254);
}

/* One number for the whole address: anything from 1.0.0.0 on is meant. */
static uint32_t judge_single(const struct part *p)
{
	return p->value >= 1u << 24 && p->value <= UINT32_MAX ? LINK_BIT(number_host) : 0;
}

uint32_t host_number_judge(const char *host, size_t len)
{
	struct part parts[4];
	size_t used = 0, count = read_parts(host, len, parts, &used);
	bool strange = false;

	if (!count)
		return 0;
	for (size_t i = 0; i < count; i++) {
		strange |= parts[i].kind == PART_OCTAL || parts[i].kind == PART_HEX;
		if (count > 1 && i + 1 < count && parts[i].value > 255)
			return 0;
	}
	if (used < len)
		return count == 4 && !strange && parts[3].value <= 255 ? LINK_BIT(address_name) : 0;
	if (count == 1)
		return judge_single(parts);
	if (strange)
		return LINK_BIT(number_host);
	if (count == 4 && parts[3].value <= 255 && !is_private(parts))
		return LINK_BIT(address_host);
	return 0;
}
