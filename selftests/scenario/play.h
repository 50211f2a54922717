/* SPDX-License-Identifier: GPL-2.0 */
/* Plays a scenario once, in one form, and compares what comes out after every step. */
#ifndef SCENARIO_PLAY_H
#define SCENARIO_PLAY_H

#include "base/conf.h"
#include "script.h"
#include "wire.h"

#define PLAY_STEPS	1024	/* of octets, in one scenario */

/* How the octets of the steps are cut into segments, and what hinders the calls. */
struct form {
	size_t		step;	/* this one, in two, behind `at` octets; SIZE_MAX: none */
	size_t		at;
	size_t		each;	/* all of them into pieces of so many; 0: whole */
	enum hurdle	hurdle;
};

struct play {
	const struct scenario	*scenario;
	struct form		form;
	bool			show;	/* print the dialogue */
	size_t			steps;	/* out: of octets */
	size_t			step_len[PLAY_STEPS];
	char			fault[2048];	/* out: "FILE:LINE ...", "" = as expected */
};

/*
 * The scenario's settings on top of the defaults. NULL: a fault was printed to
 * stderr. For conf_free().
 */
struct conf *play_conf(const struct scenario *s);

/* Play; stage_up() was called with the scenario's configuration. True: as expected. */
bool play_run(struct play *p);

#endif
