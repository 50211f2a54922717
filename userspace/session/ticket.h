/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tickets: the short id of a session, in its replies, records and Received
 * lines. Unique while the process lives, and not to be guessed: a counter goes
 * through a permutation whose key is drawn at start.
 */
#ifndef SESSION_TICKET_H
#define SESSION_TICKET_H

#include <stdint.h>

#define TICKET_LETTERS	10	/* of 5 bits each */
#define TICKET_TEXT	(TICKET_LETTERS + 1)

struct ticket_key {
	uint64_t round[6];
};

/* Draw a key. Returns 0 or -errno. */
int ticket_key_draw(struct ticket_key *key);

/* The ticket of @number, of which the low 50 bits count. */
void ticket_write(const struct ticket_key *key, uint64_t number, char out[TICKET_TEXT]);

#endif
