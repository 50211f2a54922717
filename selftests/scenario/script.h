/* SPDX-License-Identifier: GPL-2.0 */
/* Scenario files as lists of lines, escapes undone and blocks put in: README.rst. */
#ifndef SCENARIO_SCRIPT_H
#define SCENARIO_SCRIPT_H

#include <stdbool.h>

#include "bytes.h"

#define SCRIPT_CASES	200	/* case numbers are below */

/* A line; lines of octets that follow one another are one. */
struct line {
	char		kind;	/* its letter; 's' for set */
	unsigned int	number;	/* in the file; of the use line within a block */
	struct bytes	text;	/* a NUL stands behind it */
};

struct scenario {
	char		*name;
	const char	*file;
	unsigned int	number;	/* of its first line */
	bool		cases[SCRIPT_CASES];	/* E numbers in front of the name */
	struct line	*lines;
	size_t		count;
};

struct block {
	char		*name;
	char		**lines;	/* as written */
	size_t		count;
};

struct script {
	struct scenario	*scenarios;
	size_t		count;
	struct block	*blocks;
	size_t		block_count;
	char		**files;	/* names that scenarios point at */
	size_t		file_count;
};

/* Read a file behind what was read before. False: a fault was printed to stderr. */
bool script_read(struct script *s, const char *file);

void script_free(struct script *s);

#endif
