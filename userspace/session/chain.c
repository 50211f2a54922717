// SPDX-License-Identifier: GPL-2.0
/* The block chains of chain.h. */
#include "session/chain.h"

#include <errno.h>
#include <string.h>

struct chain_block {
	struct chain_block	*next;
	uint16_t		start;	/* octets in front were removed */
	uint16_t		end;
	char			data[CHAIN_BLOCK];
};

void store_init(struct store *st, size_t budget, size_t session)
{
	*st = (struct store){ .budget = budget };
	pool_init(&st->blocks, sizeof(struct chain_block));
	st->birth = session + CHAIN_PER_SESSION * st->blocks.object;
}

void store_free(struct store *st)
{
	pool_free(&st->blocks);
}

static size_t octets_left(const struct store *st)
{
	size_t taken = st->reserved + st->extra * st->blocks.object;

	return taken < st->budget ? st->budget - taken : 0;
}

bool store_admit(struct store *st)
{
	if (octets_left(st) < st->birth)
		return false;
	st->reserved += st->birth;
	return true;
}

void store_leave(struct store *st)
{
	st->reserved -= st->birth;
}

size_t chain_room(const struct store *st, const struct chain *c, size_t most)
{
	size_t blocks = c->blocks ? c->blocks : 1;
	size_t room;

	blocks += octets_left(st) / CHAIN_PER_SESSION / st->blocks.object;
	if (blocks > most / CHAIN_BLOCK)
		return most;
	room = blocks * CHAIN_BLOCK;
	/* The first block may have lost its front. */
	if (c->head)
		room -= c->head->start;
	return room < most ? room : most;
}

static void put_first(struct store *st, struct chain *c)
{
	struct chain_block *b = c->head;

	c->head = b->next;
	if (!c->head)
		c->tail = NULL;
	if (--c->blocks)
		st->extra--;
	pool_put(&st->blocks, b);
}

/* Take the blocks behind @last back: they hold nothing that is counted yet. */
static void cut_behind(struct store *st, struct chain *c, struct chain_block *last)
{
	struct chain_block *b = last ? last->next : c->head, *next;

	for (; b; b = next) {
		next = b->next;
		if (--c->blocks)
			st->extra--;
		pool_put(&st->blocks, b);
	}
	c->tail = last;
	if (last)
		last->next = NULL;
	else
		c->head = NULL;
}

static int add_block(struct store *st, struct chain *c)
{
	struct chain_block *b = pool_get(&st->blocks);

	if (!b)
		return -ENOMEM;
	b->next = NULL;
	b->start = 0;
	b->end = 0;
	if (c->tail)
		c->tail->next = b;
	else
		c->head = b;
	c->tail = b;
	if (c->blocks++)
		st->extra++;
	return 0;
}

int chain_add(struct store *st, struct chain *c, const char *data, size_t len)
{
	struct chain_block *last = c->tail;
	uint16_t last_end = last ? last->end : 0;
	size_t done = 0, room;

	while (done < len) {
		room = c->tail ? CHAIN_BLOCK - c->tail->end : 0;
		if (!room && add_block(st, c)) {
			cut_behind(st, c, last);
			if (last)
				last->end = last_end;
			return -ENOMEM;
		}
		room = CHAIN_BLOCK - c->tail->end;
		if (room > len - done)
			room = len - done;
		memcpy(c->tail->data + c->tail->end, data + done, room);
		c->tail->end += (uint16_t)room;
		done += room;
	}
	c->len += (uint32_t)len;
	return 0;
}

void chain_drop(struct store *st, struct chain *c, size_t len)
{
	c->len -= (uint32_t)len;
	while (c->head) {
		size_t have = (size_t)(c->head->end - c->head->start);

		if (len < have)
			break;
		len -= have;
		put_first(st, c);
	}
	if (c->head)
		c->head->start += (uint16_t)len;
}

void chain_copy(const struct chain *c, char *out)
{
	for (const struct chain_block *b = c->head; b; b = b->next) {
		memcpy(out, b->data + b->start, (size_t)(b->end - b->start));
		out += b->end - b->start;
	}
}

size_t chain_iov(const struct chain *c, struct iovec *iov, size_t most)
{
	struct chain_block *b = c->head;
	size_t n = 0;

	for (; b && n < most; b = b->next, n++) {
		iov[n].iov_base = b->data + b->start;
		iov[n].iov_len = (size_t)(b->end - b->start);
	}
	return n;
}
