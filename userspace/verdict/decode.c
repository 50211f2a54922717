// SPDX-License-Identifier: GPL-2.0
/* Quoted-printable and base64. No memory of its own; any thread. */
#include <stdbool.h>
#include <string.h>

#include "verdict/decode.h"

/* Place in the base64 alphabet, counted from one; 0 for every other octet. */
static const uint8_t place[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45,
	46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['+'] = 63, ['/'] = 64,
};

#define BAD 0x80

/* The six bits that @c stands for, or BAD. */
static uint8_t sextet(uint8_t c)
{
	return (place[c] - 1) & (BAD | 0x3f);
}

int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

void decode_init(struct decode *d, enum decode_kind kind)
{
	*d = (struct decode){ .kind = kind };
}

/* One octet the slow way: state kept between quanta, anything may come. */
static size_t base64_octet(struct decode *d, uint8_t c, char *out)
{
	size_t n = 0;

	if (c == '=') {
		/* What is whole leaves; a new quantum may follow. */
		if (d->have >= 2)
			out[n++] = (char)(d->bits >> (d->have == 2 ? 4 : 10));
		if (d->have == 3)
			out[n++] = (char)(d->bits >> 2);
		d->have = 0;
		return n;
	}
	if (sextet(c) & BAD)
		return 0;
	d->bits = d->bits << 6 | sextet(c);
	if (++d->have < 4)
		return 0;
	d->have = 0;
	out[0] = (char)(d->bits >> 16);
	out[1] = (char)(d->bits >> 8);
	out[2] = (char)d->bits;
	return 3;
}

/* Whole quanta in a row. Returns how many. */
static size_t base64_quanta(const uint8_t *in, size_t most, char *out)
{
	size_t n;

	for (n = 0; n < most; n++, in += 4, out += 3) {
		uint8_t a = sextet(in[0]), b = sextet(in[1]);
		uint8_t c = sextet(in[2]), e = sextet(in[3]);
		uint32_t bits = (uint32_t)a << 18 | b << 12 | c << 6 | e;

		if ((a | b | c | e) & BAD)
			break;
		out[0] = (char)(bits >> 16);
		out[1] = (char)(bits >> 8);
		out[2] = (char)bits;
	}
	return n;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t base64_run(struct decode *d, const char *in, size_t *len, char *out, size_t room)
{
	const uint8_t *s = (const uint8_t *)in;
	size_t at = 0, made = 0, quanta;

	while (at < *len && made + DECODE_BURST <= room) {
		if (!d->have) {
			quanta = base64_quanta(s + at, least((*len - at) / 4, (room - made) / 3),
					       out + made);
			at += 4 * quanta;
			made += 3 * quanta;
			if (at >= *len || made + DECODE_BURST > room)
				break;
		}
		made += base64_octet(d, s[at++], out + made);
	}
	*len = at;
	return made;
}

/* The octet @c behind "=": begins a code, ends the line softly, or is no code. */
static size_t quoted_mark(struct decode *d, char c, char *out)
{
	d->quoted = QUOTED_PLAIN;
	if (c == '\n')
		return 0;
	if (c == '\r' || c == ' ' || c == '\t') {
		d->quoted = QUOTED_BREAK;
		return 0;
	}
	if (hex_value(c) >= 0) {
		d->first = c;
		d->quoted = QUOTED_DIGIT;
		return 0;
	}
	out[0] = '=';
	out[1] = c;
	return 2;
}

/* Blanks behind "=" belong to the soft line break. */
static size_t quoted_break(struct decode *d, char c, char *out)
{
	if (c == '\r' || c == ' ' || c == '\t')
		return 0;
	d->quoted = c == '=' ? QUOTED_MARK : QUOTED_PLAIN;
	if (c == '\n' || c == '=')
		return 0;
	out[0] = c;
	return 1;
}

static size_t quoted_digit(struct decode *d, char c, char *out)
{
	int low = hex_value(c);

	d->quoted = QUOTED_PLAIN;
	if (low >= 0) {
		out[0] = (char)(hex_value(d->first) << 4 | low);
		return 1;
	}
	out[0] = '=';
	out[1] = d->first;
	if (c == '=') {
		d->quoted = QUOTED_MARK;
		return 2;
	}
	out[2] = c;
	return 3;
}

/* Copy up to the next "=" and step over it. Returns the octets copied. */
static size_t quoted_plain(struct decode *d, const char *in, size_t *len, char *out, size_t room)
{
	size_t n = least(*len, room);
	const char *mark = memchr(in, '=', n);

	if (mark) {
		n = (size_t)(mark - in);
		d->quoted = QUOTED_MARK;
	}
	memcpy(out, in, n);
	*len = n + (mark ? 1 : 0);
	return n;
}

/* One octet, or a plain run of them. Sets *@len to the octets taken. */
static size_t quoted_step(struct decode *d, const char *in, size_t *len, char *out, size_t room)
{
	switch (d->quoted) {
	case QUOTED_PLAIN:
		return quoted_plain(d, in, len, out, room);
	case QUOTED_MARK:
		*len = 1;
		return quoted_mark(d, *in, out);
	case QUOTED_BREAK:
		*len = 1;
		return quoted_break(d, *in, out);
	case QUOTED_DIGIT:
		break;
	}
	*len = 1;
	return quoted_digit(d, *in, out);
}

static size_t quoted_run(struct decode *d, const char *in, size_t *len, char *out, size_t room)
{
	size_t at = 0, made = 0, taken;

	while (at < *len && made + DECODE_BURST <= room) {
		taken = *len - at;
		made += quoted_step(d, in + at, &taken, out + made, room - made);
		at += taken;
	}
	*len = at;
	return made;
}

size_t decode_run(struct decode *d, const char *in, size_t *len, char *out, size_t room)
{
	if (d->kind == DECODE_BASE64)
		return base64_run(d, in, len, out, room);
	if (d->kind == DECODE_QUOTED)
		return quoted_run(d, in, len, out, room);
	*len = least(*len, room);
	memcpy(out, in, *len);
	return *len;
}
