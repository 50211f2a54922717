// SPDX-License-Identifier: GPL-2.0
/* Tickets: a balanced Feistel network over 50 bits. Pure but for the key. */
#include "session/ticket.h"

#include <errno.h>
#include <sys/random.h>

#define HALF_BITS	25
#define HALF_MASK	((1u << HALF_BITS) - 1)
#define ROUNDS		(sizeof(((struct ticket_key *)0)->round) / sizeof(uint64_t))

/* No i, l, o and u: tickets are read out over the telephone. */
static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

int ticket_key_draw(struct ticket_key *key)
{
	ssize_t n;

	do {
		n = getrandom(key, sizeof(*key), 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*key) ? 0 : -EIO;
}

/* A keyed mix of 25 bits (the finalizer of SplitMix64). */
static uint32_t mix(uint32_t half, uint64_t key)
{
	uint64_t x = half ^ key;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL + key;
	return (uint32_t)((x ^ x >> 31) >> 17) & HALF_MASK;
}

void ticket_write(const struct ticket_key *key, uint64_t number, char out[TICKET_TEXT])
{
	uint32_t left = (uint32_t)(number >> HALF_BITS) & HALF_MASK;
	uint32_t right = (uint32_t)number & HALF_MASK;
	uint64_t bits;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint32_t next = left ^ mix(right, key->round[i]);

		left = right;
		right = next;
	}
	bits = (uint64_t)left << HALF_BITS | right;
	for (int i = TICKET_LETTERS - 1; i >= 0; i--, bits >>= 5)
		out[i] = letters[bits & 31];
	out[TICKET_LETTERS] = '\0';
}
