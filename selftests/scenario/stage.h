/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stage that a scenario is played on: a real worker with its sessions,
 * between the wire of wire.h, a scripted verdict and a scripted kernel (lines,
 * dials, dead exchangers). The engine's events are seen on their way.
 */
#ifndef SCENARIO_STAGE_H
#define SCENARIO_STAGE_H

#include "session/session.h"
#include "wire.h"

/* How a dial goes. */
enum dialled { DIAL_TAKEN, DIAL_SILENT, DIAL_REFUSED, DIAL_UNREACHABLE, DIAL_LOCAL };

/* What the scripted engine says, by turns of verdict_scan_end(). */
struct verdict_plan {
	bool			wait;		/* not yet */
	bool			early;		/* BADMARK is certain at once */
	bool			certain;	/* the message in progress, whatever follows */
	bool			broken;		/* no scan can be had */
	enum verdict_action	action;
};

struct stage {
	struct worker		w;
	struct workers		all;
	uint64_t		heartbeat;
	uint64_t		tallies[POSTERN_REASONS_MAX];
	uint64_t		before[POSTERN_REASONS_MAX];	/* when the run began */
	uint64_t		begun;		/* boot-time ns of the run's start */

	/* Asked before a session begins. */
	struct steering_line	line;
	int			resolve_err;
	bool			port_taken;	/* upstream: the subscriber's own */
	bool			own;		/* the exchanger's address is ours */
	enum dialled		dialled;
	bool			overload;	/* as many sessions as are allowed are there */
	enum smtp_reply		refusal;	/* what such a session is told */
	struct postern_addr	client;
	struct postern_addr	server;
	unsigned int		port;		/* where the connection was meant for */
	struct verdict_plan	plan;

	/* Seen. */
	struct bytes		content;	/* since the last look */
	struct bytes		events;		/* lines of words */
	unsigned int		dead;		/* exchangers marked dead, in this run */
	unsigned int		dials;
	unsigned int		sessions;
	unsigned int		scans;		/* alive */
	const char		*fault;		/* a rule that the worker broke, or NULL */
};

extern struct stage stage;

/* Before the first run and after the last one under a configuration. */
void stage_up(const struct conf *conf);
void stage_down(void);

/* Ready for a run: all as at the start of the process. */
void stage_reset(enum hurdle hurdle);

/* A connection of the subscriber arrives. */
void stage_connect(void);

/* Turn the worker until it rests. */
void stage_settle(void);

/* Let the clock go on, timers firing on the way. */
void stage_pass(uint64_t ns);

/* The session that is alive, or NULL. */
struct session *stage_session(void);

/* What it waits for: a row of tbl/waits.h, "dial" or "none". */
const char *stage_waits(void);
/* How long that row may last, ns; 0: nothing is waited for. */
uint64_t stage_span(const char *row);

/* Why the session ended, or is about to. */
const char *stage_reason(void);

/* A scripted verdict has come, or the plan changed. */
void stage_judge(void);

void stage_shutdown(void);

/* End what is alive; says in stage.fault what was leaked or does not add up. */
void stage_end(void);

#endif
