// SPDX-License-Identifier: GPL-2.0
/*
 * The slab pool of pool.h. Each object has a word in front that names its
 * slab. A slab stands in the list `part`, in the list `spare`, or, when it is
 * full, in none. With address checks on, an object that is not in use is
 * poisoned, so that a use after pool_put() is seen.
 */
#include "session/pool.h"

#include <stdint.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#define SLAB_OCTETS	(128 * 1024)
#define LEAST_OBJECTS	8

struct pool_slab {
	struct pool_slab	*next;
	struct pool_slab	**prev;
	struct pool_item	*free;
	size_t			used;
	size_t			fresh;	/* objects that were never handed out */
};

/* What stands in front of an object; its size keeps the alignment. */
struct pool_item {
	struct pool_slab	*slab;
	struct pool_item	*next;	/* while free */
};

#define ROUND(octets, to)	(((octets) + (to) - 1) / (to) * (to))
#define SLAB_HEAD		ROUND(sizeof(struct pool_slab), 16)

static size_t slab_octets(const struct pool *p)
{
	return ROUND(SLAB_HEAD + p->per_slab * p->object, 4096);
}

void pool_init(struct pool *p, size_t object)
{
	*p = (struct pool){ .object = sizeof(struct pool_item) + ROUND(object, 16) };
	p->per_slab = (SLAB_OCTETS - SLAB_HEAD) / p->object;
	if (p->per_slab < LEAST_OBJECTS)
		p->per_slab = LEAST_OBJECTS;
}

static void list_add(struct pool_slab **head, struct pool_slab *s)
{
	s->next = *head;
	s->prev = head;
	if (s->next)
		s->next->prev = &s->next;
	*head = s;
}

static void list_del(struct pool_slab *s)
{
	*s->prev = s->next;
	if (s->next)
		s->next->prev = s->prev;
}

static void slab_free(struct pool *p, struct pool_slab *s)
{
	list_del(s);
	p->slabs--;
	p->empty--;
	ASAN_UNPOISON_MEMORY_REGION(s, slab_octets(p));
	munmap(s, slab_octets(p));
}

/* A slab with room, or NULL. It stands in the list `part` afterwards. */
static struct pool_slab *slab_with_room(struct pool *p)
{
	struct pool_slab *s = p->part;

	if (s)
		return s;
	s = p->spare;
	if (s) {
		list_del(s);
		p->empty--;
	} else {
		s = mmap(NULL, slab_octets(p), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (s == MAP_FAILED)
			return NULL;
		s->fresh = p->per_slab;
		p->slabs++;
	}
	list_add(&p->part, s);
	return s;
}

/* Octets of an object that belong to its user. */
static size_t user_octets(const struct pool *p)
{
	return p->object - sizeof(struct pool_item);
}

static struct pool_item *slab_item(const struct pool *p, struct pool_slab *s, size_t at)
{
	return (struct pool_item *)((char *)s + SLAB_HEAD + at * p->object);
}

void *pool_get(struct pool *p)
{
	struct pool_slab *s = slab_with_room(p);
	struct pool_item *item;

	if (!s)
		return NULL;
	item = s->free;
	if (item) {
		s->free = item->next;
	} else {
		item = slab_item(p, s, p->per_slab - s->fresh--);
		item->slab = s;
	}
	if (++s->used == p->per_slab)
		list_del(s);
	p->used++;
	ASAN_UNPOISON_MEMORY_REGION(item + 1, user_octets(p));
	return item + 1;
}

void pool_put(struct pool *p, void *object)
{
	struct pool_item *item;
	struct pool_slab *s;

	if (!object)
		return;
	item = (struct pool_item *)object - 1;
	ASAN_POISON_MEMORY_REGION(object, user_octets(p));
	s = item->slab;
	item->next = s->free;
	s->free = item;
	p->used--;
	if (s->used-- < p->per_slab)
		list_del(s);
	list_add(s->used ? &p->part : &p->spare, s);
	p->empty += !s->used;
}

void pool_trim(struct pool *p)
{
	size_t keep = (p->slabs - p->empty) / 4 + 1;

	while (p->empty > keep)
		slab_free(p, p->spare);
}

void pool_free(struct pool *p)
{
	while (p->empty)
		slab_free(p, p->spare);
}

size_t pool_octets(const struct pool *p)
{
	return p->slabs * slab_octets(p);
}
