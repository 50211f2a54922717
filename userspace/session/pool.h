/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects of one size, cut from slabs that come from the kernel and go back to
 * it when a load is over. Constant time; no search. One thread.
 */
#ifndef SESSION_POOL_H
#define SESSION_POOL_H

#include <stddef.h>

struct pool_slab;

struct pool {
	size_t			object;		/* octets, rounded up */
	size_t			per_slab;
	size_t			used;		/* objects handed out */
	size_t			slabs;		/* held from the kernel */
	size_t			empty;		/* of those, without an object in use */
	struct pool_slab	*part;		/* slabs with objects in use and with room */
	struct pool_slab	*spare;		/* empty slabs */
};

/* Start with nothing; @object octets each. */
void pool_init(struct pool *p, size_t object);

/* An object with undefined content, aligned for any type; NULL when memory is short. */
void *pool_get(struct pool *p);

/* Give back; NULL is fine. */
void pool_put(struct pool *p, void *object);

/* Return empty slabs to the kernel but for a quarter of those in use and one. */
void pool_trim(struct pool *p);

/* Return everything. No object may be in use. */
void pool_free(struct pool *p);

/* Octets held from the kernel. */
size_t pool_octets(const struct pool *p);

#endif
