/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A worker in this process, with client and exchanger played by the test over
 * loopback. The worker's loop is turned by hand, so that every wait is for a
 * condition. For one thread; a test's own copy, since each test is a process.
 */
#ifndef UNIT_SESSION_LAB_H
#define UNIT_SESSION_LAB_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "session/leg.h"
#include "session/session.h"

/* A line of content that the shipped rules refuse. */
#define GTUBE "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

/* One end that the test plays: what it got so far. */
struct end {
	int	fd;		/* -1: not there, or not to be read */
	char	*seen;		/* ends in a NUL */
	size_t	len;
	bool	eof;
	int	err;		/* of the read that failed */
};

struct session_lab {
	struct conf		*conf;
	struct workers		all;
	struct worker		w;
	uint64_t		heartbeat;
	uint64_t		tallies[POSTERN_REASONS_MAX];
	struct verdict_rules	*rules;
	struct verdict_bench	*bench;
	struct steering_line	line;		/* what resolving answers */
	int			resolve_err;
	int			dial_err;
	bool			never_answer;	/* dials stay unanswered */
	unsigned int		port_wished;	/* of the last dial */
	bool			port_taken;	/* a wish is not granted */
	int			dead;		/* times an exchanger was marked dead */
	int			mx_listener;
	int			records;	/* the clerk's end */
	struct end		client;
	struct end		mx;
};

extern struct session_lab t;

/* .init and .fini of a suite; the latter checks that nothing leaked. */
void lab_setup(void);
void lab_teardown(void);

/* Read what is there. */
void end_read(struct end *e);

/* Turn the loop until @done; both ends read meanwhile. Fails after 20 s. */
void turn_until(bool (*done)(const void *arg), const void *arg, const char *what);

/* Conditions: an end is closed or reset; no session is left. */
bool end_over(const void *end);
bool all_gone(const void *unused);

/* Wait until "client" or "mx" has seen @text; until a row is counted. */
void expect(const char *who, const char *text);
void expect_tally(enum postern_reason reason);

/* Send all of @text. */
void put(const struct end *e, const char *text);

/* A connection of the subscriber, meant for @dst port @port, arrives at the worker. */
void arrive(const char *dst_text, unsigned int port);

/* The exchanger accepts the worker's dial. */
void mx_accept(void);

/* A session up to the exchanger's 354. */
void up_to_data(void);

/* QUIT, 221, both close. */
void quit(void);

#endif
