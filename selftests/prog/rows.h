/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of cases: a frame, what is changed before, and the one reason that
 * may be counted. Each file holds its rows; cover_test.c reads them all.
 */
#ifndef PROG_ROWS_H
#define PROG_ROWS_H

#include <linux/pkt_cls.h>

#include "rig.h"

#define PASS	TC_ACT_UNSPEC	/* of the tc programs */
#define DROP	TC_ACT_SHOT
#define RESET	TC_ACT_REDIRECT

struct row {
	const char		*name;
	enum program		program;
	struct frame_spec	spec;
	void			(*prepare)(struct rig *r);
	int			verdict;
	enum postern_reason	reason;		/* none: nothing is counted */
	enum postern_reason	would;		/* in the event */
	bool			marked;
	bool			silent;		/* counted, but no event */
	const char		*line;		/* a flow from it to the exchanger ... */
	int			flow;		/* ... must have these flags after */
};

struct rows {
	const struct row	*row;
	unsigned int		count;
};

extern const struct rows screen_rows, parse_rows, steer_rows, back_rows, own_rows;

/* Run each row on a rig that is reset before. */
void rows_run(struct rig *r, const struct rows *rows);

#endif
