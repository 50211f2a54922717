/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keeps the router's own addresses right in steering: rtnetlink says that one
 * came or went. Needs no rights. The clerk's one thread.
 */
#ifndef CONTROL_ADDRESSES_H
#define CONTROL_ADDRESSES_H

#include <stdint.h>

#include "steering/steering.h"

struct addresses {
	int		fd;		/* polls readable when something changed */
	uint64_t	due;		/* boot-time ns of the next attempt, 0 = all is right */
	bool		failing;
};

/* Listen and be due at once. Returns 0 or -errno after an error in the log. */
int addresses_open(struct addresses *a);

/* Something changed: read it away and be due. */
void addresses_changed(struct addresses *a, uint64_t now);

/* Refresh if it is due; after a failure, said once, it is due again in a second. */
void addresses_run(struct addresses *a, struct steering *steering, uint64_t now);

#endif
