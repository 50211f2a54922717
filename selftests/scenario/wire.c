// SPDX-License-Identifier: GPL-2.0
/* The wire of wire.h: both connections, and the calls that reach them. */
#include "wire.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/clock.h"

struct wire wire;
int (*wire_plan)(enum side side, bool send, size_t *len);

/* What the worker registered for its own two descriptors. */
static struct epoll_event listener_event, wake_event;

/* What the linker makes of a call to NAME: ours, and a name for the true one. */
#define WRAP(type, name, ...) \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

static struct conn *conn_of(int fd)
{
	return fd >= WIRE_FD && fd < WIRE_FD + SIDES ? &wire.conn[fd - WIRE_FD] : NULL;
}

static enum side side_of(const struct conn *c)
{
	return c == &wire.conn[CLIENT] ? CLIENT : SERVER;
}

static size_t unread(const struct conn *c)
{
	return c->to_us.len - c->read;
}

/* What poll() would say of the socket now. */
static uint32_t state(const struct conn *c)
{
	uint32_t now = 0;

	if (c->gone)
		now = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP | (c->err ? EPOLLERR : 0);
	else if (!c->connecting)
		now = (unread(c) || c->fin ? EPOLLIN : 0) | (c->fin ? EPOLLRDHUP : 0) |
		      (c->fin && c->shut ? EPOLLHUP : 0) | (c->window ? EPOLLOUT : 0);
	return now & (c->events | EPOLLERR | EPOLLHUP);
}

static void changed(struct conn *c)
{
	c->ready = true;
}

void wire_reset(enum hurdle hurdle)
{
	for (int i = 0; i < SIDES; i++) {
		struct conn *c = &wire.conn[i];

		*c = (struct conn){ .to_us = c->to_us, .sent = c->sent, .window = SIZE_MAX };
		c->to_us.len = c->sent.len = 0;
	}
	wire.news = 0;
	wire.hurdle = hurdle;
	wire.waiting = 0;
	wire.accept_err = 0;
	wire.drain = false;
	wire.calls = 0;
	wire.record[0][0] = wire.record[1][0] = '\0';
}

bool wire_ready(void)
{
	bool ready = (wire.waiting && listener_event.events) || wire.drain;

	for (int i = 0; i < SIDES; i++)
		ready |= wire.conn[i].open && wire.conn[i].ready && state(&wire.conn[i]);
	return ready;
}

void wire_send(enum side side, const char *data, size_t len)
{
	struct conn *c = &wire.conn[side];

	if (!c->open || c->connecting || c->fin || c->gone)
		return;
	bytes_add(&c->to_us, data, len);
	changed(c);
}

void wire_fin(enum side side)
{
	wire.conn[side].fin = true;
	changed(&wire.conn[side]);
}

void wire_rst(enum side side)
{
	struct conn *c = &wire.conn[side];

	c->gone = true;
	c->connecting = false;
	c->err = ECONNRESET;
	changed(c);
}

void wire_window(enum side side, size_t octets)
{
	struct conn *c = &wire.conn[side];

	c->window = octets;
	if (octets && c->full) {
		c->full = false;
		changed(c);
	}
}

void wire_answer(int err)
{
	struct conn *c = &wire.conn[SERVER];

	if (!c->connecting)
		return;
	c->connecting = false;
	c->gone = err != 0;
	c->err = err;
	changed(c);
}

int wire_open(enum side side, bool connecting)
{
	struct conn *c = &wire.conn[side];

	c->to_us.len = 0;
	c->read = 0;
	c->open = true;
	c->connecting = connecting;
	c->fin = c->gone = c->shut = c->abort = c->full = false;
	c->err = 0;
	return WIRE_FD + side;
}

/* The worker's calls. */

/* As wire_plan() says. What a call did not move comes with an event of its own. */
static bool trip_planned(struct conn *c, bool send, size_t *len)
{
	size_t all = *len;
	int err = wire_plan(side_of(c), send, len);

	/* A FIN or RST lets nothing be held back. */
	if (!send && (c->fin || c->gone) && (!err || err == EAGAIN)) {
		*len = all;
		return false;
	}
	if (*len < all)
		changed(c);
	if (!err || (err == EAGAIN && !all))
		return false;
	errno = err;
	if (err == EINTR)
		return true;
	changed(c);
	if (err != EAGAIN)
		c->gone = true;
	return true;
}

/*
 * HURDLE_SHORT: the first of three calls is interrupted, the second finds
 * nothing, the third moves half. What the socket then has or takes yet comes
 * with an event of its own; a FIN or RST lets nothing be held back.
 */
static bool trip(struct conn *c, bool send, size_t *len)
{
	if (wire.hurdle == HURDLE_PLANNED)
		return trip_planned(c, send, len);
	if (wire.hurdle != HURDLE_SHORT || wire.calls % 3 == 0)
		return false;
	if (wire.calls % 3 == 1) {
		errno = EINTR;
		return true;
	}
	if (!send && (c->fin || c->gone || !unread(c)))
		return false;
	changed(c);
	if (wire.calls % 2) {
		*len = (*len + 1) / 2;
		return false;
	}
	errno = EAGAIN;
	return true;
}

static int fail(int err)
{
	errno = err;
	return -1;
}

/* The socket's pending error, once. */
static int take_error(struct conn *c)
{
	int err = c->err;

	c->err = 0;
	return fail(err);
}

WRAP(ssize_t, recv, int fd, void *buf, size_t len, int flags)
{
	struct conn *c = conn_of(fd);
	size_t n;

	if (!c)
		return __real_recv(fd, buf, len, flags);
	wire.calls++;
	n = unread(c) < len ? unread(c) : len;
	if (trip(c, false, &n))
		return -1;
	if (n) {
		memcpy(buf, c->to_us.data + c->read, n);
		c->read += n;
		return (ssize_t)n;
	}
	if (c->err)
		return take_error(c);
	return c->fin || c->gone ? 0 : fail(EAGAIN);
}

static ssize_t take(struct conn *c, const char *data, size_t len)
{
	size_t n = len < c->window ? len : c->window;

	if (c->err)
		return take_error(c);
	if (c->gone || c->shut)
		return fail(EPIPE);
	if (c->connecting)
		return fail(EAGAIN);
	wire.calls++;
	c->full |= n < len;
	if (trip(c, true, &n))
		return -1;
	if (wire.hurdle == HURDLE_ONE_OCTET && n > 1) {
		n = 1;
		changed(c);
	}
	bytes_add(&c->sent, data, n);
	if (c->window != SIZE_MAX)
		c->window -= n;
	return n || !len ? (ssize_t)n : fail(EAGAIN);
}

static void keep_record(const char *data, size_t len)
{
	char *at = wire.record[strstr(data, "\"event\":\"session\"") != NULL];

	memcpy(at, data, len);
	at[len] = '\0';
}

WRAP(ssize_t, send, int fd, const void *buf, size_t len, int flags)
{
	struct conn *c = conn_of(fd);

	if (c)
		return take(c, buf, len);
	if (fd != WIRE_RECORD)
		return __real_send(fd, buf, len, flags);
	keep_record(buf, len);
	return (ssize_t)len;
}

WRAP(ssize_t, sendmsg, int fd, const struct msghdr *msg, int flags)
{
	static struct bytes all;
	struct conn *c = conn_of(fd);

	if (!c)
		return __real_sendmsg(fd, msg, flags);
	all.len = 0;
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		bytes_add(&all, msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
	return take(c, all.data, all.len);
}

/* The far end of @c sees something. */
static void tell(const struct conn *c, bool reset)
{
	unsigned int news = reset ? CLIENT_RST : CLIENT_FIN;

	if (!c->gone && (reset || !c->shut))
		wire.news |= side_of(c) == CLIENT ? news : news << 2;
}

WRAP(int, shutdown, int fd, int how)
{
	struct conn *c = conn_of(fd);

	if (!c)
		return __real_shutdown(fd, how);
	tell(c, false);
	c->shut = true;
	if (c->fin)
		changed(c);
	return 0;
}

/* Closing over octets that were not read resets, and our last words may die with it. */
WRAP(int, close, int fd)
{
	struct conn *c = conn_of(fd);

	if (!c)
		return fd >= WIRE_FD ? 0 : __real_close(fd);
	if (!c->connecting)
		tell(c, c->abort || (side_of(c) == CLIENT && unread(c)));
	c->open = false;
	c->events = 0;
	return 0;
}

WRAP(int, setsockopt, int fd, int level, int name, const void *value, socklen_t len)
{
	struct conn *c = conn_of(fd);

	if (!c)
		return __real_setsockopt(fd, level, name, value, len);
	if (level == SOL_SOCKET && name == SO_LINGER)
		c->abort = true;
	return 0;
}

WRAP(int, getsockopt, int fd, int level, int name, void *value, socklen_t *len)
{
	struct conn *c = conn_of(fd);

	if (!c || level != SOL_SOCKET || name != SO_ERROR)
		return __real_getsockopt(fd, level, name, value, len);
	*(int *)value = c->err;
	c->err = 0;
	return 0;
}

WRAP(int, getsockname, int fd, struct sockaddr *name, socklen_t *len)
{
	if (!conn_of(fd))
		return __real_getsockname(fd, name, len);
	memcpy(name, &wire.name, sizeof(wire.name));
	*len = sizeof(wire.name);
	return 0;
}

WRAP(int, accept4, int fd, struct sockaddr *name, socklen_t *len, int flags)
{
	if (fd != WIRE_LISTENER)
		return __real_accept4(fd, name, len, flags);
	if (!wire.waiting)
		return fail(EAGAIN);
	if (wire.accept_err) {
		errno = wire.accept_err;
		wire.accept_err = 0;
		return -1;
	}
	wire.waiting--;
	if (name) {
		memcpy(name, &wire.peer, sizeof(wire.peer));
		*len = sizeof(wire.peer);
	}
	return wire_open(CLIENT, false);
}

WRAP(int, epoll_ctl, int epfd, int op, int fd, struct epoll_event *ev)
{
	struct conn *c = conn_of(fd);

	if (fd == WIRE_LISTENER) {
		listener_event = *ev;
		return 0;
	}
	if (!c) {
		wake_event = *ev;
		return __real_epoll_ctl(epfd, op, fd, ev);
	}
	c->events = ev->events;
	c->data = ev->data.ptr;
	changed(c);
	return 0;
}

/* Never waits: the clock is the test's. */
WRAP(int, epoll_wait, int epfd, struct epoll_event *out, int most, int timeout)
{
	int n = 0;

	(void)epfd;
	(void)most;
	(void)timeout;
	wire.calls++;
	if (wire.hurdle == HURDLE_PLANNED && wire_plan(SIDES, false, NULL))
		return fail(EINTR);
	if (wire.hurdle == HURDLE_SHORT && wire.calls % 5 == 0)
		return fail(EINTR);
	if (wire.drain)
		out[n++] = wake_event;
	wire.drain = false;
	if (wire.waiting && listener_event.events)
		out[n++] = listener_event;
	for (int i = 0; i < SIDES; i++) {
		struct conn *c = &wire.conn[i];
		uint32_t now = state(c);

		if (c->open && c->ready && now)
			out[n++] = (struct epoll_event){ .events = now, .data.ptr = c->data };
		c->ready = false;
	}
	return n;
}

WRAP(int, clock_gettime, clockid_t which, struct timespec *ts)
{
	uint64_t now = which == CLOCK_BOOTTIME ? wire.boot : wire.wall;

	if (which != CLOCK_BOOTTIME && which != CLOCK_REALTIME)
		return __real_clock_gettime(which, ts);
	ts->tv_sec = (time_t)(now / NS_PER_SEC);
	ts->tv_nsec = (long)(now % NS_PER_SEC);
	return 0;
}
