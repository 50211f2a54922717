// SPDX-License-Identifier: GPL-2.0
/*
 * The timer wheel of wheel.h. Invariant: a timer at level L shares with `now`
 * every digit above L, and its digit L is greater than now's. So all occupied
 * slots of a level lie ahead, and the lowest occupied level is the next.
 */
#include "session/wheel.h"

#include <stddef.h>
#include <string.h>

static unsigned int digit(uint64_t tick, unsigned int level)
{
	return tick >> (level * WHEEL_BITS) & (WHEEL_SLOTS - 1);
}

/* Tick at which slot @slot of @level begins, seen from now. */
static uint64_t slot_begins(const struct wheel *w, unsigned int level, unsigned int slot)
{
	unsigned int shift = level * WHEEL_BITS;
	uint64_t above = w->now >> (shift + WHEEL_BITS) << WHEEL_BITS;

	return (above | slot) << shift;
}

static void link_timer(struct timer **head, struct timer *t)
{
	t->next = *head;
	if (t->next)
		t->next->prev = &t->next;
	t->prev = head;
	*head = t;
}

static void unlink_timer(struct timer *t)
{
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->prev = NULL;
}

/* Put @t where its time says. Timers of now or before become due. */
static void place(struct wheel *w, struct timer *t)
{
	unsigned int level, slot;

	if (t->expires <= w->now) {
		link_timer(&w->due, t);
		return;
	}
	level = (63 - (unsigned int)__builtin_clzll(t->expires ^ w->now)) / WHEEL_BITS;
	slot = digit(t->expires, level);
	link_timer(&w->slot[level][slot], t);
	w->occupied[level] |= 1ULL << slot;
}

void wheel_init(struct wheel *w, uint64_t now)
{
	memset(w, 0, sizeof(*w));
	w->now = now;
}

void wheel_start(struct wheel *w, struct timer *t, uint64_t expires)
{
	wheel_stop(w, t);
	if (expires > w->now + WHEEL_LONGEST)
		expires = w->now + WHEEL_LONGEST;
	t->expires = expires;
	place(w, t);
}

void wheel_stop(struct wheel *w, struct timer *t)
{
	struct timer **head = t->prev, **first = &w->slot[0][0];
	size_t at;

	if (!head)
		return;
	unlink_timer(t);
	if (*head || head < first || head >= first + WHEEL_LEVELS * WHEEL_SLOTS)
		return;
	at = (size_t)(head - first);
	w->occupied[at / WHEEL_SLOTS] &= ~(1ULL << at % WHEEL_SLOTS);
}

/* The first occupied slot; false when the wheel is empty. */
static bool next_slot(const struct wheel *w, unsigned int *level, unsigned int *slot)
{
	for (*level = 0; *level < WHEEL_LEVELS; (*level)++) {
		if (!w->occupied[*level])
			continue;
		*slot = (unsigned int)__builtin_ctzll(w->occupied[*level]);
		return true;
	}
	return false;
}

static void fire_due(struct wheel *w, void (*fire)(void *arg, struct timer *t), void *arg)
{
	struct timer *t = w->due, *batch = NULL;

	/* A batch of its own: what @fire starts for now waits for the next call. */
	if (!t)
		return;
	batch = t;
	batch->prev = &batch;
	w->due = NULL;
	while (batch) {
		t = batch;
		unlink_timer(t);
		fire(arg, t);
	}
}

/* Move the timers of a slot that now has reached. */
static void open_slot(struct wheel *w, unsigned int level, unsigned int slot)
{
	struct timer *t = w->slot[level][slot], *next;

	w->slot[level][slot] = NULL;
	w->occupied[level] &= ~(1ULL << slot);
	for (; t; t = next) {
		next = t->next;
		place(w, t);
	}
}

void wheel_advance(struct wheel *w, uint64_t to,
		   void (*fire)(void *arg, struct timer *t), void *arg)
{
	unsigned int level, slot;
	uint64_t begins;

	fire_due(w, fire, arg);
	while (next_slot(w, &level, &slot)) {
		begins = slot_begins(w, level, slot);
		if (begins > to)
			break;
		w->now = begins;
		open_slot(w, level, slot);
		fire_due(w, fire, arg);
	}
	if (to > w->now)
		w->now = to;
}

uint64_t wheel_wait(const struct wheel *w, uint64_t most)
{
	unsigned int level, slot;
	uint64_t wait;

	if (w->due)
		return 0;
	if (!next_slot(w, &level, &slot))
		return most;
	wait = slot_begins(w, level, slot) - w->now;
	return wait < most ? wait : most;
}
