/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An input of the fuzzers is a text of steps, one a line:
 *
 *   C text    the client says text and CRLF	c text  without CRLF
 *   S text    the exchanger does		s text
 *   ! word    something happens
 *   = key value   a setting; only in front
 *   / n m ..  from here on octets arrive in pieces of n, m, .. octets, over and over
 *   < n       from here on each turn is first tried with n octets of output room
 *
 * "C*100 text" is said a hundred times. In a text \r \n \t \0 \\ and \xHH
 * stand for octets; all others stand for themselves. Further first octets are
 * a fuzzer's own. What cannot be read is left out: any octets are an input.
 */
#ifndef FUZZ_STEPS_H
#define FUZZ_STEPS_H

#include <stdbool.h>
#include <stddef.h>

/* Octets that all steps of an input may stand for, repeats included. */
#define STEPS_OCTETS	(160 * 1024)
#define STEP_TEXT	4096

struct steps {
	const char	*data;
	size_t		len;
	size_t		spent;		/* octets said so far */
};

struct step {
	char		kind;
	unsigned int	times;
	size_t		len;
	char		text[STEP_TEXT];	/* decoded, NUL behind it */
};

/* The next step; false at the end. */
bool step_next(struct steps *all, struct step *out);

/* Up to @most numbers of a text; returns how many. */
size_t step_numbers(const struct step *step, unsigned int *out, size_t most);

#endif
