/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Octets that must be kept from one turn to the next: a queue of small blocks
 * out of one worker's store. An empty chain holds no block.
 *
 * The store has a budget. Each session that is born reserves its own size (the
 * scan of a message included) and one block for each of its four chains, so
 * that it can always go on, slowly; further blocks come from what is left, and
 * chain_room() says how much one chain may take. One thread.
 */
#ifndef SESSION_CHAIN_H
#define SESSION_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "session/pool.h"

/* Octets that one block holds. */
#define CHAIN_BLOCK	2048
/* Chains of one session. */
#define CHAIN_PER_SESSION 4

struct store {
	struct pool	blocks;
	size_t		budget;		/* octets, all told */
	size_t		birth;		/* octets that one session reserves */
	size_t		reserved;	/* octets of all sessions' reservations */
	size_t		extra;		/* blocks beyond the first of their chain */
};

struct chain_block;

struct chain {
	struct chain_block	*head;
	struct chain_block	*tail;
	uint32_t		len;	/* octets */
	uint32_t		blocks;
};

/* Start: @budget octets for sessions of @session octets each and all their blocks. */
void store_init(struct store *st, size_t budget, size_t session);

/* Return everything to the kernel. No chain may hold a block. */
void store_free(struct store *st);

/* Reserve for one more session; false when the budget does not allow it. */
bool store_admit(struct store *st);

/* The session is over: undo store_admit(). Its chains are empty. */
void store_leave(struct store *st);

/*
 * Octets that the chain may hold in all, at most @most; CHAIN_BLOCK at least.
 * A quarter of what is left, because a turn may fill four chains.
 */
size_t chain_room(const struct store *st, const struct chain *c, size_t most);

/* Add octets at the end. Returns 0 or -ENOMEM; then nothing was added. */
int chain_add(struct store *st, struct chain *c, const char *data, size_t len);

/* Remove the first @len octets; at most the chain's. */
void chain_drop(struct store *st, struct chain *c, size_t len);

/* Copy all octets to @out, which has room for them. */
void chain_copy(const struct chain *c, char *out);

/* Point at most @most elements of @iov at the first octets. Returns how many were used. */
size_t chain_iov(const struct chain *c, struct iovec *iov, size_t most);

#endif
