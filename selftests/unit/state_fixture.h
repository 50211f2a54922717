/* SPDX-License-Identifier: GPL-2.0 */
/* A state store in a directory of the test's own, for the tests of state/. */
#ifndef STATE_FIXTURE_H
#define STATE_FIXTURE_H

#include "state/state.h"

extern char fixture_dir[64];

/* A fresh directory; nothing when there is one already. */
void fixture_make_dir(void);
/* Open the store in it, which must work. */
struct state *fixture_open(void);
/* Path of the file. Returns @path. */
char *fixture_file(char *path, size_t size);
/* Close and remove all; NULL: only remove. */
void fixture_close(struct state *s);
void fixture_remove(void);

struct postern_prefix fixture_prefix(const char *text);
/* A treatment of a line without an end. */
struct state_treatment fixture_line(const char *addr, enum postern_treatment treatment);
bool fixture_same(const struct state_treatment *a, const struct state_treatment *b);
/* Number of treatments in the store; -1 on error. */
int fixture_treatments(struct state *s);

#endif
