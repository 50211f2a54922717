/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The plain structs in which smtp/, verdict/, subscriber/ and session/ meet.
 */
#ifndef BASE_FACTS_H
#define BASE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "postern/abi.h"

/* What may be done with a message. */
enum verdict_action {
	VERDICT_ACCEPT,
	VERDICT_REJECT,
	VERDICT_TEMPFAIL,
	VERDICT_DROP,		/* end the session without a word */
};

#define FACTS_HELO	128
#define FACTS_PATH	320	/* longest path kept, cut behind it */
#define FACTS_FINDINGS	16
#define FACTS_DETAIL	96
#define FACTS_RULE	48

/* What is known of a transaction before its content. */
struct facts {
	struct postern_addr	client;		/* the subscriber's address */
	struct postern_addr	server;		/* the exchanger's */
	uint64_t		subscriber;	/* 0 = not known */
	char			helo[FACTS_HELO];	/* as sent, cut, NUL-ended */
	char			from[FACTS_PATH];	/* reverse path without <>, "" = null */
	uint32_t		recipients;	/* accepted by the exchanger */
	uint32_t		refused;	/* recipients that it refused */
	uint64_t		octets;		/* as sent, without stuffing and dot */
};

/* One thing that an engine found. */
struct finding {
	char	rule[FACTS_RULE];	/* "links:hex-host", "rules:GTUBE", ... */
	char	detail[FACTS_DETAIL];	/* what matched; peer octets, escape when shown */
	int32_t	score;
	bool	reject;			/* enough alone */
};

struct verdict {
	enum verdict_action	action;
	int32_t			score;
	bool			unscanned;	/* an engine did not answer, or a limit cut */
	uint32_t		found;		/* may exceed `count` */
	uint32_t		count;
	struct finding		findings[FACTS_FINDINGS];
};

#endif
