/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One side of a session: a non-blocking stream socket under edge-triggered
 * epoll, with what it has sent and we have not used, and what we owe it.
 *
 * The flags remember what epoll has told, so that no call is made that could
 * not do anything. The owner decides when to read. One thread.
 */
#ifndef SESSION_LEG_H
#define SESSION_LEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/chain.h"

/* Events that a leg's socket is registered for. */
#define LEG_EVENTS	(EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET)

enum leg_side {
	LEG_CLIENT,
	LEG_SERVER,
};

struct leg {
	int		fd;		/* -1: closed */
	uint8_t		side;		/* enum leg_side */
	bool		connecting : 1;	/* the dial is not answered yet */
	bool		readable : 1;	/* a read may give something */
	bool		fin_seen : 1;	/* epoll told of the peer's FIN */
	bool		eof : 1;	/* all was read up to the FIN */
	bool		urgent : 1;	/* has sent TCP urgent data: reads stop at its mark */
	bool		failed : 1;	/* reset or broken; may hold octets still */
	bool		lost : 1;	/* reset or broken, all was read */
	bool		closing : 1;	/* close when all is sent */
	bool		shut : 1;	/* our FIN is sent */
	struct chain	in;		/* read, not used yet */
	struct chain	out;		/* owed to the peer */
	uint64_t	octets_in;
	uint64_t	octets_out;
};

void leg_init(struct leg *leg, enum leg_side side, int fd, bool connecting);

/* Note what epoll said (EPOLL* bits). */
void leg_events(struct leg *leg, uint32_t events);

/*
 * Read at most @size octets to @buf. Returns how many; 0 when there is nothing
 * now or no more, then `eof` or `lost` may be set.
 */
size_t leg_read(struct leg *leg, char *buf, size_t size);

/*
 * Send what is owed and then @len octets of @data; what the socket does not
 * take is owed. Returns 0, or -ENOMEM when it cannot be kept. A broken socket
 * is owed nothing; `failed` is set, and what it sent before can still be read.
 */
int leg_write(struct leg *leg, struct store *st, const char *data, size_t len);

/* Send our FIN, once. Nothing may be owed. */
void leg_shut(struct leg *leg);

/* Send only what is owed. */
static inline int leg_flush(struct leg *leg, struct store *st)
{
	return leg_write(leg, st, NULL, 0);
}

/* The peer is lost: close, and keep what it had sent. */
void leg_hang_up(struct leg *leg, struct store *st);

/* Close in order; what is owed is forgotten. Fine when closed. */
void leg_close(struct leg *leg, struct store *st);

/* Close with a reset: octets that were not sent die. Fine when closed. */
void leg_reset(struct leg *leg, struct store *st);

/* Set so that closing @fd resets the connection. */
void leg_set_abortive(int fd);

#endif
