/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A timer wheel: start and stop take constant time, and a long pause costs no
 * more than a short one. Pure: the owner says what time it is. One thread.
 *
 * A tick is a millisecond. A timer stands at the level of the highest base-64
 * digit in which its time differs from now, in the slot of that digit; when
 * the time reaches the slot, its timers move down.
 */
#ifndef SESSION_WHEEL_H
#define SESSION_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_BITS	6
#define WHEEL_SLOTS	(1u << WHEEL_BITS)
#define WHEEL_LEVELS	7
/* The longest time a timer may run, in ticks; longer ones are cut to it. */
#define WHEEL_LONGEST	((uint64_t)1 << (WHEEL_BITS * (WHEEL_LEVELS - 1)))

/* Embedded in what it wakes. All zero is a timer that does not run. */
struct timer {
	struct timer	*next;
	struct timer	**prev;		/* what points here; NULL: not running */
	uint64_t	expires;	/* tick */
};

struct wheel {
	uint64_t	now;		/* tick up to which all timers have fired */
	uint64_t	occupied[WHEEL_LEVELS];		/* bit = slot has timers */
	struct timer	*slot[WHEEL_LEVELS][WHEEL_SLOTS];
	struct timer	*due;
};

/* Start with no timers at tick @now. */
void wheel_init(struct wheel *w, uint64_t now);

/* Let @t fire at tick @expires, or at the next advance if that is past; restarts it. */
void wheel_start(struct wheel *w, struct timer *t, uint64_t expires);

/* Fine for a timer that does not run. */
void wheel_stop(struct wheel *w, struct timer *t);

static inline bool timer_running(const struct timer *t)
{
	return t->prev;
}

/*
 * Go on to tick @to and call @fire for each timer whose time has come; it does
 * not run any more then. @fire may start and stop any timer. A @to before now
 * does nothing.
 */
void wheel_advance(struct wheel *w, uint64_t to,
		   void (*fire)(void *arg, struct timer *t), void *arg);

/*
 * Ticks until wheel_advance() may have something to do, at most @most. Never
 * later than the next timer; it may be earlier.
 */
uint64_t wheel_wait(const struct wheel *w, uint64_t most);

#endif
