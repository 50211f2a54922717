/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Content-Transfer-Encoding undone while it streams (RFC 2045, section 6):
 * octets in, octets out, a few octets of state. As forgiving as the software
 * that will show the message: what is not code is skipped or left as it is.
 */
#ifndef VERDICT_DECODE_H
#define VERDICT_DECODE_H

#include <stddef.h>
#include <stdint.h>

enum decode_kind { DECODE_NONE, DECODE_QUOTED, DECODE_BASE64 };

/* One octet of input never makes more than this. */
#define DECODE_BURST	3

enum decode_quoted {
	QUOTED_PLAIN,
	QUOTED_MARK,		/* "=" seen */
	QUOTED_BREAK,		/* "=" and blanks seen */
	QUOTED_DIGIT,		/* "=" and one digit seen */
};

struct decode {
	enum decode_kind kind;
	enum decode_quoted quoted;
	uint32_t	bits;	/* base64: collected, 6 for each of `have` */
	unsigned int	have;
	char		first;	/* quoted: the digit seen */
};

void decode_init(struct decode *d, enum decode_kind kind);

/*
 * Decode from @in to @out. Returns the octets written, at most @room, and
 * sets *@len to the octets taken; takes all of them when @room is at least
 * DECODE_BURST times *@len. @room must be at least 4 * DECODE_BURST.
 */
size_t decode_run(struct decode *d, const char *in, size_t *len, char *out, size_t room);

/* Value of a hexadecimal digit, or -1. */
int hex_value(char c);

#endif
