/* SPDX-License-Identifier: GPL-2.0 */
/* What `up` needs, looked at before anything is touched. Internal to steering. */
#ifndef STEERING_CHECK_H
#define STEERING_CHECK_H

#include "steering/pins.h"

/* Each says all that it finds and returns the number of faults. */

/* Everything but the trial load, which `up` does in earnest. */
int check_all(const struct conf *conf, const struct steering_report *report);

/* Is the place of the pins ours to use? `down` asks this too. */
int check_place(const struct pins *p, const struct steering_report *report);

/* Interfaces, what is on them, forwarding, source checks, rules and routes. */
int check_net(const struct conf *conf, const struct pins *p,
	      const struct steering_report *report);

#endif
