/* SPDX-License-Identifier: GPL-2.0 */
/* What a target tells the mutator of its steps (steps.h); both end with NULL. */
#ifndef FUZZ_MUTATOR_H
#define FUZZ_MUTATOR_H

/* Single steps. */
extern const char *const mutator_steps[];
/* Several steps that make sense together, one a line. */
extern const char *const mutator_passages[];

#endif
