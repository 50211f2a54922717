/* SPDX-License-Identifier: GPL-2.0 */
/* Settings of a class as the fuzzers' inputs spell them: "= key value". */
#ifndef FUZZ_SETTINGS_H
#define FUZZ_SETTINGS_H

#include "base/conf.h"

/*
 * auth|starttls|chunking|newlines word, received|starttls_offer 0|1,
 * max_size|max_recipients|max_junk|max_line number. What is none is left out.
 */
void settings_set(struct conf_class *class, const char *text);

#endif
