/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The routes that make marked packets local: in a table of our own one route
 * "local default dev lo", and a rule that sends our mark there, for IPv4 and
 * IPv6. Internal to steering.
 *
 * Rules and routes carry a protocol number of ours, so that those of a killed
 * or differently configured run are found again, and nobody else's are touched.
 */
#ifndef STEERING_ROUTE_H
#define STEERING_ROUTE_H

#include <stdbool.h>

#include "steering/netlink.h"
#include "steering/steering.h"

#define ROUTE_PROTOCOL	25	/* "proto 25" in the listings of ip(8) */

/* Which of the four were there before, for undoing. */
struct route_state {
	bool rule[2];		/* by family: IPv4, IPv6 */
	bool route[2];
};

/*
 * Make rules and routes. Idempotent. 0 or -errno; @before tells what stood
 * already and is valid also on error.
 */
int route_up(struct netlink *n, const struct conf *conf, struct route_state *before);

/* Remove what route_up() made and @before did not have. */
void route_undo(struct netlink *n, const struct conf *conf, const struct route_state *before);

/* Remove those of ours that the configuration does not ask for any more. 0 or -errno. */
int route_prune(struct netlink *n, const struct conf *conf);

/* Remove every rule and route of ours, whatever their table. 0 or -errno. */
int route_down(struct netlink *n);

/*
 * Say what stands in the way: rules of others at our priority or with our
 * mark, routes of others in our table. Returns the number of faults.
 */
int route_check(struct netlink *n, const struct conf *conf,
		const struct steering_report *report);

#endif
