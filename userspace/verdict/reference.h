/* SPDX-License-Identifier: GPL-2.0 */
/* HTML character references ("&#119;", "&amp;") undone while text streams. */
#ifndef VERDICT_REFERENCE_H
#define VERDICT_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest reference looked at; padding with more zeros than fit is left as it is. */
#define REFERENCE_MAX	24

struct reference {
	size_t		len;		/* 0 = none in progress */
	char		text[REFERENCE_MAX];	/* from the "&" on */
};

/*
 * Take @c behind what is in progress (begin with "&"). Returns true while
 * more is needed. On false the reference is over: reference_value() tells
 * what it was, and *@used whether @c belonged to it.
 */
bool reference_take(struct reference *r, char c, bool *used);

/* Write the character meant as UTF-8. Returns its length, 0 when it was no reference. */
size_t reference_value(const struct reference *r, char out[4]);

#endif
