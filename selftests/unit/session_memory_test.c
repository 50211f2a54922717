// SPDX-License-Identifier: GPL-2.0
/* session/pool.c and session/chain.c: nothing is lost, and budgets hold. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session/chain.h"
#include "session/pool.h"

#define OBJECTS	3000

Test(pool, objects_are_apart_and_come_back)
{
	static unsigned char *objects[OBJECTS];
	struct pool p;

	pool_init(&p, 100);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < OBJECTS; i++) {
			objects[i] = pool_get(&p);
			cr_assert(objects[i]);
			cr_assert_eq((uintptr_t)objects[i] % 16, 0);
			memset(objects[i], i & 0xff, 100);
		}
		for (int i = 0; i < OBJECTS; i++)
			for (int at = 0; at < 100; at++)
				cr_assert_eq(objects[i][at], i & 0xff, "objects overlap");
		for (int i = 0; i < OBJECTS; i++)
			pool_put(&p, objects[round == 1 ? OBJECTS - 1 - i : i]);
		cr_assert_eq(p.used, 0);
	}
	pool_put(&p, NULL);
	pool_free(&p);
	cr_assert_eq(pool_octets(&p), 0);
}

Test(pool, a_load_that_is_over_is_given_back)
{
	static void *objects[OBJECTS];
	struct pool p;
	size_t peak;

	pool_init(&p, 2000);
	for (int i = 0; i < OBJECTS; i++)
		objects[i] = pool_get(&p);
	peak = pool_octets(&p);
	cr_assert_geq(peak, OBJECTS * 2000);
	cr_assert_leq(peak, OBJECTS * 2000 * 11 / 10);
	for (int i = 0; i < OBJECTS; i++)
		pool_put(&p, objects[i]);
	pool_trim(&p);
	cr_assert_leq(p.slabs, 1);
	pool_free(&p);
}

/* A chain against a plain array. */
static void shake_chain(struct store *st, struct chain *c)
{
	static char model[200000], copy[200000], piece[9000];
	size_t len = 0;

	for (int round = 0; round < 3000; round++) {
		size_t n = (size_t)random() % sizeof(piece);

		if (random() % 2 && len + n < sizeof(model)) {
			for (size_t i = 0; i < n; i++)
				piece[i] = (char)random();
			cr_assert_eq(chain_add(st, c, piece, n), 0);
			memcpy(model + len, piece, n);
			len += n;
		} else {
			n = n > len ? len : n;
			chain_drop(st, c, n);
			memmove(model, model + n, len - n);
			len -= n;
		}
		cr_assert_eq(c->len, len);
		chain_copy(c, copy);
		cr_assert_eq(memcmp(copy, model, len), 0);
		cr_assert(len || !c->blocks, "an empty chain holds a block");
	}
	chain_drop(st, c, c->len);
}

Test(chain, keeps_octets_in_order)
{
	struct chain c = { 0 };
	struct store st;

	srandom(3);
	store_init(&st, 64 << 20, 1000);
	shake_chain(&st, &c);
	cr_assert_eq(st.extra, 0);
	cr_assert_eq(st.blocks.used, 0);
	store_free(&st);
}

Test(chain, iov_shows_the_first_octets)
{
	char data[CHAIN_BLOCK * 3], seen[CHAIN_BLOCK * 3];
	struct iovec iov[2];
	struct chain c = { 0 };
	struct store st;
	size_t n, len = 0;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	store_init(&st, 1 << 20, 1000);
	cr_assert_eq(chain_add(&st, &c, data, sizeof(data)), 0);
	chain_drop(&st, &c, 100);
	n = chain_iov(&c, iov, 2);
	cr_assert_eq(n, 2);
	for (size_t i = 0; i < n; i++) {
		memcpy(seen + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	cr_assert_eq(len, 2 * CHAIN_BLOCK - 100);
	cr_assert_eq(memcmp(seen, data + 100, len), 0);
	chain_drop(&st, &c, c.len);
	store_free(&st);
}

#define SESSIONS 1000

/* Sessions are admitted until the budget is full; each may still hold its first blocks. */
Test(store, budget_bounds_what_is_held)
{
	static struct chain chains[SESSIONS][CHAIN_PER_SESSION];
	static char data[64 * 1024];
	struct store st;
	size_t budget = 4 << 20, admitted = 0;

	store_init(&st, budget, 2500);
	while (admitted < SESSIONS && store_admit(&st))
		admitted++;
	cr_assert_geq(admitted, budget / (2500 + 4 * (CHAIN_BLOCK + 64)));
	cr_assert_lt(admitted, SESSIONS);
	for (size_t i = 0; i < admitted; i++)
		for (int k = 0; k < CHAIN_PER_SESSION; k++) {
			size_t room = chain_room(&st, &chains[i][k], sizeof(data));

			cr_assert_geq(room, CHAIN_BLOCK);
			cr_assert_eq(chain_add(&st, &chains[i][k], data, room), 0);
		}
	cr_assert_leq(admitted * 2500 + st.blocks.used * st.blocks.object, budget);
	cr_assert_leq(admitted * 2500 + pool_octets(&st.blocks), budget * 11 / 10);
	for (size_t i = 0; i < admitted; i++) {
		for (int k = 0; k < CHAIN_PER_SESSION; k++)
			chain_drop(&st, &chains[i][k], chains[i][k].len);
		store_leave(&st);
	}
	cr_assert_eq(st.reserved, 0);
	cr_assert_eq(st.extra, 0);
	store_free(&st);
}

/* Few sessions share what is left: one may hold much, and the next gets a share. */
Test(store, what_is_left_is_shared)
{
	static char data[64 * 1024];
	struct chain a = { 0 }, b = { 0 };
	struct store st;

	store_init(&st, 256 * 1024, 2500);
	cr_assert(store_admit(&st));
	cr_assert(store_admit(&st));
	cr_assert_gt(chain_room(&st, &a, sizeof(data)), 32 * 1024);
	cr_assert_eq(chain_add(&st, &a, data, chain_room(&st, &a, sizeof(data))), 0);
	cr_assert_geq(chain_room(&st, &b, sizeof(data)), 16 * 1024);
	/* A chain that is full to its share has at least the room it takes. */
	cr_assert_geq(chain_room(&st, &a, sizeof(data)), a.len);
	chain_drop(&st, &a, a.len);
	store_free(&st);
}

/* Octets that are gone from the first block are not room. */
Test(store, room_is_in_whole_blocks)
{
	static char data[CHAIN_BLOCK];
	struct chain c = { 0 };
	struct store st;

	store_init(&st, 1, 2500);
	cr_assert_eq(chain_room(&st, &c, 65536), CHAIN_BLOCK);
	cr_assert_eq(chain_add(&st, &c, data, CHAIN_BLOCK), 0);
	chain_drop(&st, &c, 1000);
	cr_assert_eq(chain_room(&st, &c, 65536), c.len);
	chain_drop(&st, &c, c.len);
	store_free(&st);
}
