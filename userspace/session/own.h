/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is an address one of this machine's own? Asked before every dial, so that
 * the inspector never talks to itself and is nobody's open proxy. The kernel's
 * routing answers; answers are kept for a short time. One thread.
 */
#ifndef SESSION_OWN_H
#define SESSION_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "postern/abi.h"

#define OWN_CACHE	256		/* answers kept */
#define OWN_MEMORY_NS	2000000000ULL	/* for so long */

struct own {
	int			fd4;		/* datagram sockets that only ask for routes */
	int			fd6;
	struct {
		struct postern_addr	addr;
		uint64_t		until;	/* boot-time ns */
		bool			own;
	} cache[OWN_CACHE];
};

/* Open the sockets. Returns 0 or -errno; then nothing is open. */
int own_open(struct own *o);
void own_close(struct own *o);

/* Is @a delivered to this machine (loopback included)? @now is boot-time ns. */
bool own_address(struct own *o, const struct postern_addr *a, uint64_t now);

#endif
