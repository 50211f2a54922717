/* SPDX-License-Identifier: GPL-2.0 */
/* A configuration from text, for tests that need one. */
#ifndef UNIT_STEERING_CONF_H
#define UNIT_STEERING_CONF_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/conf.h"

static inline struct conf *conf_of(const char *text)
{
	char path[] = "/tmp/postern-unit-XXXXXX", err[1024] = "";
	struct conf *conf = NULL;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	cr_assert_eq(conf_read(path, &conf, err, sizeof(err)), 0, "%s", err);
	unlink(path);
	return conf;
}

#endif
