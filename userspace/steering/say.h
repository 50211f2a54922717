/* SPDX-License-Identifier: GPL-2.0 */
/* Findings in words, to whoever called check, up or down. Internal. */
#ifndef STEERING_SAY_H
#define STEERING_SAY_H

#include "steering/steering.h"

/* Longest finding, with the final NUL; longer ones are cut. */
#define SAY_TEXT 512

/* Something that prevents steering. Returns 1, for counting. */
int say_fault(const struct steering_report *report, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Something the operator should know; steering works. */
void say_note(const struct steering_report *report, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Keep what libbpf prints instead of showing it: begin forgets, the other gives
 * the first complaint since ("" for none), which is the cause of the later ones.
 * For one thread at a time: libbpf's print function carries no argument.
 */
void say_libbpf_begin(void);
const char *say_libbpf(void);

#endif
