/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A wire without sockets: what the worker calls of the kernel's sockets, epoll
 * and clocks is answered here (ld --wrap). Two connections, client and
 * exchanger, are played from their far ends; the clock moves when it is told.
 * Readiness is edge-triggered as Linux has it: a change makes a socket ready,
 * and epoll_wait() then tells all that holds at that moment.
 */
#ifndef SCENARIO_WIRE_H
#define SCENARIO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bytes.h"

enum side { CLIENT, SERVER, SIDES };

/* What became of a leg, as its far end sees it. Bits. */
enum leg_news {
	CLIENT_FIN = 1, CLIENT_RST = 2, SERVER_FIN = 4, SERVER_RST = 8,
};

/* What is done to each call, in passes that must change nothing. */
enum hurdle {
	HURDLE_NONE,
	HURDLE_ONE_OCTET,	/* a side takes one octet and reads it, then the next */
	HURDLE_SHORT,		/* EINTR, EAGAIN and half of it, by turns */
	HURDLE_PLANNED,		/* what wire_plan() says */
};

#define WIRE_FD		100000			/* of the client's leg; then the exchanger's */
#define WIRE_LISTENER	(WIRE_FD + SIDES)
#define WIRE_RECORD	(WIRE_LISTENER + 1)	/* what the worker sends here is a record */

struct conn {
	struct bytes	to_us;		/* from the far end, */
	size_t		read;		/* of which we have read so many */
	struct bytes	sent;		/* by us, since the last look */
	size_t		window;		/* octets that the far end takes yet */
	bool		open;		/* we hold the descriptor */
	bool		connecting;
	bool		fin;		/* the far end has ended its side */
	bool		gone;		/* the far end has reset */
	bool		shut;		/* we have ended ours */
	bool		abort;		/* closing resets */
	bool		full;		/* we were told to wait for room */
	bool		ready;		/* something changed since epoll told */
	int		err;		/* pending error of the socket, positive */
	uint32_t	events;		/* registered */
	void		*data;
};

struct wire {
	struct conn	conn[SIDES];
	unsigned int	news;		/* enum leg_news since the last look */
	enum hurdle	hurdle;
	unsigned int	waiting;	/* connections before the listener */
	int		accept_err;	/* accept fails so, once */
	struct sockaddr_storage peer;	/* of the connection that waits */
	struct sockaddr_storage name;	/* where it was meant for */
	bool		drain;		/* the worker's eventfd is written */
	uint64_t	calls;		/* of the worker, since the run began */
	uint64_t	boot;		/* boot-time ns */
	uint64_t	wall;		/* ns since 1970 */
	char		record[2][33 * 1024];	/* the last of a verdict, of a session */
};

extern struct wire wire;

/*
 * HURDLE_PLANNED: what becomes of the next call. 0, and *@len may have become
 * less, but not 0; or an errno: EINTR and EAGAIN pass, any other one is the end
 * of the connection. @side SIDES: epoll_wait(), of whose errors there is EINTR.
 */
extern int (*wire_plan)(enum side side, bool send, size_t *len);

/* All as at the start of a run; the clock stays. */
void wire_reset(enum hurdle hurdle);

/* Has epoll something to tell? */
bool wire_ready(void);

/* The far end's doings. */
void wire_send(enum side side, const char *data, size_t len);
void wire_fin(enum side side);
void wire_rst(enum side side);
void wire_window(enum side side, size_t octets);
/* The dial is answered; @err positive: it failed so. */
void wire_answer(int err);

/* A leg begins; @connecting: the far end has not answered. */
int wire_open(enum side side, bool connecting);

#endif
