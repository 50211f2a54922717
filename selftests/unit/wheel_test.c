// SPDX-License-Identifier: GPL-2.0
/* session/wheel.c against a naive twin: an array that is searched. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "session/wheel.h"

#define TIMERS	200

struct item {
	struct timer	timer;
	uint64_t	due;		/* the twin's: 0 = not running */
};

struct bench {
	struct wheel	wheel;
	struct item	items[TIMERS];
	uint64_t	to;
	unsigned int	fired;
	uint64_t	last;		/* expiry of the one fired before */
};

static void fire(void *arg, struct timer *t)
{
	struct bench *b = arg;
	struct item *item = (struct item *)t;

	cr_assert_gt(item->due, 0, "fired, but does not run");
	cr_assert_leq(item->due, b->to, "fired early");
	cr_assert_geq(item->due, b->last, "fired out of order");
	b->last = item->due;
	item->due = 0;
	b->fired++;
}

static unsigned int due_count(const struct bench *b, uint64_t to)
{
	unsigned int n = 0;

	for (int i = 0; i < TIMERS; i++)
		n += b->items[i].due && b->items[i].due <= to;
	return n;
}

static uint64_t due_next(const struct bench *b)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < TIMERS; i++)
		if (b->items[i].due && b->items[i].due < next)
			next = b->items[i].due;
	return next;
}

static void advance(struct bench *b, uint64_t to)
{
	unsigned int expected = due_count(b, to);

	b->to = to;
	b->fired = 0;
	b->last = 0;
	wheel_advance(&b->wheel, to, fire, b);
	cr_assert_eq(b->fired, expected, "%u fired, %u expected", b->fired, expected);
}

/* A span of random magnitude: milliseconds to weeks. */
static uint64_t random_span(void)
{
	return 1 + ((uint64_t)random() << 20 ^ (uint64_t)random()) % (1ULL << random() % 32);
}

static void shake(struct bench *b, unsigned int steps)
{
	for (unsigned int i = 0; i < steps; i++) {
		struct item *item = &b->items[random() % TIMERS];

		if (random() % 4) {
			item->due = b->wheel.now + random_span();
			wheel_start(&b->wheel, &item->timer, item->due);
		} else {
			item->due = 0;
			wheel_stop(&b->wheel, &item->timer);
		}
		cr_assert_eq(timer_running(&item->timer), item->due != 0);
	}
}

Test(wheel, behaves_as_its_twin)
{
	static const uint64_t starts[] = { 0, 1, 63, 64, 4095, (1ULL << 24) - 3, 123456789012ULL };
	static struct bench b;

	srandom(1);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		memset(&b, 0, sizeof(b));
		wheel_init(&b.wheel, starts[i]);
		for (int round = 0; round < 2000; round++) {
			shake(&b, 1 + (unsigned int)random() % 20);
			advance(&b, b.wheel.now + random_span() % (1ULL << random() % 28));
		}
		advance(&b, b.wheel.now + (1ULL << 33));
		cr_assert_eq(due_count(&b, UINT64_MAX), 0);
	}
}

Test(wheel, never_sleeps_past_a_timer)
{
	static struct bench b;

	srandom(2);
	wheel_init(&b.wheel, 77);
	cr_assert_eq(wheel_wait(&b.wheel, 500), 500);
	for (int round = 0; round < 20000; round++) {
		uint64_t wait;

		shake(&b, 3);
		wait = wheel_wait(&b.wheel, 500);
		cr_assert_leq(wait, 500);
		cr_assert_leq(b.wheel.now + wait, due_next(&b));
		advance(&b, b.wheel.now + wait);
	}
}

Test(wheel, empty_wheel_waits_long)
{
	struct wheel w;
	struct timer t = { 0 };

	wheel_init(&w, 5);
	wheel_start(&w, &t, 9);
	wheel_stop(&w, &t);
	wheel_stop(&w, &t);
	cr_assert_eq(wheel_wait(&w, 500), 500);
	cr_assert_not(timer_running(&t));
}

struct chase {
	struct wheel	w;
	struct timer	a, b;
	int		calls;
};

/* Stops its neighbour of the same tick, and starts itself for now. */
static void chase_fire(void *arg, struct timer *t)
{
	struct chase *c = arg;

	c->calls++;
	wheel_stop(&c->w, t == &c->a ? &c->b : &c->a);
	wheel_start(&c->w, t, c->w.now);
}

Test(wheel, fire_may_stop_and_start)
{
	static struct chase c;

	wheel_init(&c.w, 0);
	wheel_start(&c.w, &c.a, 10);
	wheel_start(&c.w, &c.b, 10);
	wheel_advance(&c.w, 10, chase_fire, &c);
	cr_assert_eq(c.calls, 1, "the neighbour was stopped, and none fires twice in one call");
	cr_assert_eq(wheel_wait(&c.w, 500), 0);
	wheel_advance(&c.w, 10, chase_fire, &c);
	cr_assert_eq(c.calls, 2);
}

static void count_fire(void *arg, struct timer *t)
{
	(void)t;
	++*(int *)arg;
}

Test(wheel, far_and_past_times_are_cut)
{
	struct timer far = { 0 }, past = { 0 };
	struct wheel w;
	int calls = 0;

	wheel_init(&w, 1000);
	wheel_start(&w, &far, UINT64_MAX);
	wheel_start(&w, &past, 3);
	wheel_advance(&w, 1000, count_fire, &calls);
	cr_assert_eq(calls, 1);
	wheel_advance(&w, 1000 + WHEEL_LONGEST, count_fire, &calls);
	cr_assert_eq(calls, 2);
}
