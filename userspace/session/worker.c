// SPDX-License-Identifier: GPL-2.0
/*
 * A worker's loop: worker.h. Order of a turn: beat, timers, sessions that had
 * more to do, then what epoll tells. The beat is made nowhere else, so that it
 * stops when the loop does (bar B15).
 */
#include "session/worker.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "session/session.h"

/* The loop turns at least so often: the beat must never look stale. */
#define TURN_MS		500
#define EVENTS		256	/* of one epoll_wait() */
#define ACCEPTS		64	/* of one turn */
#define RESUME_MS	100	/* pause of accepting when descriptors are short */

static uint64_t tick_of(uint64_t ns)
{
	return ns / NS_PER_MS;
}

static void read_clocks(struct worker *w)
{
	w->now = clock_boot();
	w->wall = clock_wall();
}

static int watch(struct worker *w, int fd, void *what)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int open_fds(struct worker *w)
{
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->spare = eventfd(0, EFD_CLOEXEC);
	if (w->epoll < 0 || w->wake < 0 || w->spare < 0)
		return -errno;
	return own_open(&w->own);
}

static int watch_own(struct worker *w)
{
	int err = watch(w, w->wake, &w->wake);

	if (!err && w->listener >= 0)
		err = watch(w, w->listener, &w->listener);
	return err;
}

int worker_init(struct worker *w, struct workers *all, unsigned int index, int listener,
		struct verdict_bench *bench, volatile uint64_t *heartbeat,
		volatile uint64_t *tallies)
{
	size_t budget = (size_t)all->conf->memory * 1024 * 1024 / all->count;
	size_t scan = bench ? verdict_scan_octets(bench) : 0;
	int err;

	memset(w, 0, sizeof(*w));
	w->all = all;
	w->index = index;
	w->listener = listener;
	w->bench = bench;
	w->heartbeat = heartbeat;
	w->tallies = tallies;
	w->runnable_end = &w->runnable;
	w->accepts = 1;
	read_clocks(w);
	pool_init(&w->slots, sizeof(struct session));
	store_init(&w->store, budget, w->slots.object + scan);
	wheel_init(&w->wheel, tick_of(w->now));
	wheel_start(&w->wheel, &w->second, tick_of(w->now) + 1000);
	err = open_fds(w);
	if (!err) {
		err = watch_own(w);
		if (err)
			own_close(&w->own);
	}
	if (err) {
		close_fd(&w->epoll);
		close_fd(&w->wake);
		close_fd(&w->spare);
	}
	return err;
}

void worker_wake(struct worker *w)
{
	const uint64_t one = 1;

	if (write(w->wake, &one, sizeof(one)) < 0)
		return;		/* full: it will wake anyway */
}

void worker_queue(struct worker *w, struct session *s)
{
	if (s->queued)
		return;
	s->queued = true;
	s->next_run = NULL;
	*w->runnable_end = s;
	w->runnable_end = &s->next_run;
}

/* One turn for each session that stood in the queue; they may queue again. */
static void run_queue(struct worker *w)
{
	struct session *s = w->runnable, *next;

	w->runnable = NULL;
	w->runnable_end = &w->runnable;
	for (; s; s = next) {
		next = s->next_run;
		s->queued = false;
		if (!s->released)
			session_run(s);
	}
}

/* Slots of released sessions that nothing points at any more. */
static void reap(struct worker *w)
{
	struct session **at = &w->released, *s;

	while ((s = *at)) {
		if (s->queued) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		pool_put(&w->slots, s);
	}
}

static void pause_accepting(struct worker *w)
{
	struct epoll_event none = { .data.ptr = &w->listener };

	epoll_ctl(w->epoll, EPOLL_CTL_MOD, w->listener, &none);
	wheel_start(&w->wheel, &w->resume, tick_of(w->now) + RESUME_MS);
}

static void resume_accepting(struct worker *w)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &w->listener };

	if (w->listener >= 0)
		epoll_ctl(w->epoll, EPOLL_CTL_MOD, w->listener, &ev);
}

/*
 * No descriptor is left (B37): give up the spare one to accept and reset those
 * who would wait in vain, then rest, so that the loop does not spin.
 */
static void refuse_waiting(struct worker *w)
{
	int fd;

	close_fd(&w->spare);
	for (int i = 0; i < ACCEPTS; i++) {
		fd = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			break;
		leg_set_abortive(fd);
		close(fd);
		worker_tally(w, POSTERN_R_end_memory);
	}
	w->spare = eventfd(0, EFD_CLOEXEC);
	pause_accepting(w);
}

/* Is accepting worth another try after @err? */
static bool accept_failed(struct worker *w, int err)
{
	if (err == EAGAIN)
		return false;
	if (err == EMFILE || err == ENFILE) {
		refuse_waiting(w);
		return false;
	}
	if (err == ENOBUFS || err == ENOMEM) {
		pause_accepting(w);
		return false;
	}
	return true;		/* this connection failed, not accepting */
}

/* Accept one connection. False when there are no more now. */
static bool accept_one(struct worker *w)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct postern_addr peer;
	unsigned int port;
	int fd;

	fd = accept4(w->listener, (struct sockaddr *)&name, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return accept_failed(w, errno);
	if (addr_from_sockaddr((struct sockaddr *)&name, &peer, &port))
		close(fd);
	else
		session_accept(w, fd, &peer, port);
	return true;
}

/*
 * The listener stays ready while connections wait, so one call too few costs
 * a turn, and one too many a call. As many as came the last time, twice that
 * if all were there: a lonely connection costs one call.
 */
static void accept_batch(struct worker *w)
{
	unsigned int most = w->accepts, n = 0;

	while (n < most && w->listener >= 0 && accept_one(w))
		n++;
	w->accepts = n < most ? n : most * 2;
	if (w->accepts < 1)
		w->accepts = 1;
	if (w->accepts > ACCEPTS)
		w->accepts = ACCEPTS;
}

static void begin_drain(struct worker *w)
{
	struct session *s, *next;
	uint64_t buf;

	if (read(w->wake, &buf, sizeof(buf)) < 0 || w->draining || !atomic_load(&w->all->drain))
		return;
	w->draining = true;
	close_fd(&w->listener);
	wheel_start(&w->wheel, &w->deadline,
		    tick_of(w->now + w->all->conf->drain_timeout) + 1);
	for (s = w->sessions; s; s = next) {
		next = s->next;
		session_drain(s);
	}
}

static void kill_all(struct worker *w)
{
	while (w->sessions)
		session_kill(w->sessions, POSTERN_R_end_shutdown);
}

static void on_timer(void *arg, struct timer *t)
{
	struct worker *w = arg;

	if (t == &w->second) {
		pool_trim(&w->slots);
		pool_trim(&w->store.blocks);
		wheel_start(&w->wheel, t, tick_of(w->now) + 1000);
	} else if (t == &w->resume) {
		resume_accepting(w);
	} else if (t == &w->deadline) {
		kill_all(w);
	} else {
		deadline_strike((struct session *)((char *)t -
						   offsetof(struct session, timer)));
	}
}

static void on_event(struct worker *w, const struct epoll_event *ev)
{
	struct leg *leg = ev->data.ptr;

	if (ev->data.ptr == &w->wake)
		begin_drain(w);
	else if (ev->data.ptr == &w->listener)
		accept_batch(w);
	else
		session_event(session_of(leg), leg, ev->events);
}

bool worker_turn(struct worker *w, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	uint64_t wait;
	int n;

	read_clocks(w);
	*w->heartbeat = w->now;
	wheel_advance(&w->wheel, tick_of(w->now), on_timer, w);
	run_queue(w);
	reap(w);
	if (w->draining && !w->sessions)
		return false;
	wait = w->runnable ? 0 : wheel_wait(&w->wheel, (uint64_t)timeout_ms);
	n = epoll_wait(w->epoll, events, EVENTS, (int)wait);
	read_clocks(w);
	for (int i = 0; i < n; i++)
		on_event(w, &events[i]);
	return true;
}

void *worker_run(void *arg)
{
	struct worker *w = arg;

	while (worker_turn(w, TURN_MS))
		;
	return NULL;
}

void worker_destroy(struct worker *w)
{
	kill_all(w);
	run_queue(w);
	reap(w);
	close_fd(&w->listener);
	close_fd(&w->epoll);
	close_fd(&w->wake);
	close_fd(&w->spare);
	own_close(&w->own);
	pool_free(&w->slots);
	store_free(&w->store);
}
