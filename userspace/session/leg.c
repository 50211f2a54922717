// SPDX-License-Identifier: GPL-2.0
/* One side of a session: leg.h. */
#include "session/leg.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Blocks sent with one call. */
#define SEND_BLOCKS	33

void leg_init(struct leg *leg, enum leg_side side, int fd, bool connecting)
{
	*leg = (struct leg){ .fd = fd, .side = (uint8_t)side, .connecting = connecting };
}

void leg_events(struct leg *leg, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		leg->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		leg->fin_seen = true;
	if (events & EPOLLPRI)
		leg->urgent = true;
	if (events & EPOLLERR)
		leg->failed = true;
}

size_t leg_read(struct leg *leg, char *buf, size_t size)
{
	ssize_t n;

	do {
		n = recv(leg->fd, buf, size, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		leg->readable = false;
		leg->lost = leg->failed || errno != EAGAIN;
		return 0;
	}
	leg->octets_in += (uint64_t)n;
	if ((size_t)n == size)
		return size;
	/*
	 * A short read has emptied the queue, and a FIN that was told of is
	 * next; but not where it may have stopped at the mark of urgent data.
	 */
	leg->readable = leg->failed || leg->urgent;
	leg->eof = n == 0 || (leg->fin_seen && !leg->readable);
	return (size_t)n;
}

/*
 * One call's worth: the chain's blocks, then @data. Returns octets, or -EPIPE
 * when broken; @short_of says that the socket took less than it was given.
 */
static ssize_t send_some(struct leg *leg, const char *data, size_t len, bool *short_of)
{
	struct iovec iov[SEND_BLOCKS + 1];
	struct msghdr msg = { .msg_iov = iov };
	size_t given = 0;
	ssize_t n;

	msg.msg_iovlen = chain_iov(&leg->out, iov, SEND_BLOCKS);
	/* @data may only follow the last block. */
	if (len && msg.msg_iovlen == leg->out.blocks)
		iov[msg.msg_iovlen++] = (struct iovec){ (char *)(uintptr_t)data, len };
	for (size_t i = 0; i < msg.msg_iovlen; i++)
		given += iov[i].iov_len;
	do {
		n = msg.msg_iovlen == 1 ?
			send(leg->fd, iov[0].iov_base, given, MSG_NOSIGNAL) :
			sendmsg(leg->fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	*short_of = n < (ssize_t)given;
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		return 0;
	leg->failed = true;
	leg->readable = true;
	return -EPIPE;
}

int leg_write(struct leg *leg, struct store *st, const char *data, size_t len)
{
	bool stop = leg->connecting;
	size_t owed;
	ssize_t n;

	while (!stop && leg->out.len + len) {
		n = send_some(leg, data, len, &stop);
		if (n < 0) {
			chain_drop(st, &leg->out, leg->out.len);
			return 0;
		}
		leg->octets_out += (uint64_t)n;
		owed = leg->out.len < (size_t)n ? leg->out.len : (size_t)n;
		chain_drop(st, &leg->out, owed);
		/* @data may be NULL, with nothing behind it. */
		if (len)
			data += (size_t)n - owed;
		len -= (size_t)n - owed;
	}
	return len ? chain_add(st, &leg->out, data, len) : 0;
}

void leg_shut(struct leg *leg)
{
	if (leg->shut)
		return;
	leg->shut = true;
	shutdown(leg->fd, SHUT_WR);
}

void leg_hang_up(struct leg *leg, struct store *st)
{
	chain_drop(st, &leg->out, leg->out.len);
	if (leg->fd >= 0)
		close(leg->fd);
	leg->fd = -1;
	leg->readable = false;
}

void leg_close(struct leg *leg, struct store *st)
{
	chain_drop(st, &leg->in, leg->in.len);
	leg_hang_up(leg, st);
}

void leg_set_abortive(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void leg_reset(struct leg *leg, struct store *st)
{
	if (leg->fd >= 0)
		leg_set_abortive(leg->fd);
	leg_close(leg, st);
}
