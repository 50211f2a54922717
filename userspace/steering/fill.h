/* SPDX-License-Identifier: GPL-2.0 */
/* From the configuration into the maps. Internal to steering. */
#ifndef STEERING_FILL_H
#define STEERING_FILL_H

#include "steering/view.h"

/*
 * Classes, pools, destinations and own addresses. Rows of the configuration
 * that vanished from it go, rows made by hand stay; where a class has another
 * number than before, the rows that name it follow. 0 or -errno, with words.
 */
int fill_policy(struct steering *s, const struct conf *conf,
		const struct steering_report *report);

/* The settings row, which the programs wait for: last of all. 0 or -errno. */
int fill_settings(struct steering *s, const struct conf *conf);

/* Workers that the configuration asks for, 1..POSTERN_MAX_WORKERS. */
unsigned int fill_workers(const struct conf *conf);

#endif
