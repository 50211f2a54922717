/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Within tools/: `postern judge`, which runs messages and whole SMTP dialogues
 * through the engines of the inspector, without any network.
 */
#ifndef TOOLS_JUDGE_H
#define TOOLS_JUDGE_H

#include <stdio.h>

#include "base/conf.h"
#include "verdict/verdict.h"

struct judge {
	struct conf		*conf;
	struct verdict_rules	*rules;
	struct verdict_bench	*bench;
	int			class_id;	/* whose limits are in force */
	bool			json;
	bool			failed;		/* something could not be judged */
};

/* What is printed of one message. */
struct judged {
	const char		*file;
	unsigned int		message;	/* in a dialogue, from 1; 0 = the file is one */
	const char		*outcome;	/* name of a message_ reason, NULL = no dialogue */
	unsigned int		reply;		/* to the end of the message, 0 = none */
	bool			no_verdict;	/* it ended before one was asked for */
	struct verdict		verdict;
};

/* Print one message's line or JSON object. */
void judge_print(const struct judge *j, const struct judged *m);

/* Say on standard error what is wrong with @file, and remember that something was. */
void judge_fail(struct judge *j, const char *file, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A whole dialogue: lines "C: ..." of the client and "S: ..." of the exchanger
 * (doc/verdict.rst). Prints each message; calls judge_fail() for what is wrong.
 */
void judge_transcript(struct judge *j, const char *file, FILE *in);

#endif
