/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rules engine: shipped and operator's patterns, compiled into one
 * vectorscan database for each place they are held against. Compiled once,
 * then read-only. Behind verdict.h; no one else includes it.
 */
#ifndef VERDICT_RULES_H
#define VERDICT_RULES_H

#include <hs/hs.h>

#include "base/conf.h"
#include "base/facts.h"

#define RULES_WHERE	3	/* values of enum conf_where */

struct rule {
	char		name[FACTS_RULE];	/* "rules:TITLE", cut */
	char		text[FACTS_DETAIL];	/* why, cut */
	const char	*pattern;		/* of the caller, while compiling only */
	const char	*title;			/* likewise */
	int		line;			/* of the pattern in its file, 0 = none */
	enum conf_where	where;
	unsigned int	flags;			/* HS_FLAG_... */
	int32_t		score;
	bool		reject;
};

struct verdict_rules {
	struct rule	*rules;
	size_t		count;
	hs_database_t	*base[RULES_WHERE];	/* NULL where no rule looks; ids index `rules` */
	hs_scratch_t	*scratch;		/* model for those of the benches; NULL: no rule */
	size_t		piece[RULES_WHERE];	/* octets that a stream may get in one call */
};

#define RULES_PIECE_SAFE	16
#define RULES_PIECE_MOST	((size_t)1 << 30)	/* it counts in unsigned int */

/*
 * How many octets may the matcher get in one call without losing matches?
 * @patterns are all that are compiled together. (piece.c)
 */
size_t rules_piece(const char *const *patterns, size_t count);

#endif
