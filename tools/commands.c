// SPDX-License-Identifier: GPL-2.0
/* The commands of the CLI, a row each. Help, parsing and the manual follow them. */
#include "postern.h"

#define READS	(NEEDS_ROOT | NEEDS_CONF | NEEDS_STEERING)
#define EDITS	(READS | NEEDS_STATE)
#define TELLS	(NEEDS_ROOT | NEEDS_CONF | WANTS_STEERING | WANTS_STATE)
/* Works whatever is broken. */
#define ALWAYS	(NEEDS_ROOT | WANTS_CONF | NEEDS_STEERING)

#define UNTIL_ROWS							\
	{ "until", "TIME", "lapses then, e.g. 2027-01-31 or \"2027-01-31 18:00\"" }, \
	{ "for", "SPAN", "lapses after that, e.g. 30m, 2h, 7d" }

#define NAME_ROW							\
	{ "subscriber", NULL, "the operand is a subscriber's name, whatever it looks like" }

static const struct option_row treat_add_options[] = {
	UNTIL_ROWS,
	{ "why", "TEXT", "reason, kept with it" },
	NAME_ROW,
	{ "new", NULL, "make a subscriber who is not known yet" },
	{ 0 },
};

static const struct option_row treat_del_options[] = { NAME_ROW, { 0 } };

static const struct option_row pool_add_options[] = {
	{ "class", "CLASS", "class of the pool's lines; else default" },
	{ "treatment", "WORD", "steer (default), exempt or refuse" },
	{ "line", "BITS", "prefix length of one line; else 32 for IPv4, 64 for IPv6" },
	{ "rollout", "N%", "share of the lines on which the filter is enforced; else 100%" },
	{ "block-inbound", NULL, "drop connections from outside to port 25 of the lines" },
	{ 0 },
};

static const struct option_row all_options[] = {
	{ "all", NULL, "what would be left out as well" },
	{ 0 },
};

static const struct option_row destination_options[] = {
	{ "pass", NULL, "leave connections to it untouched (default)" },
	{ "class", "CLASS", "steer them under this class" },
	{ 0 },
};

static const struct option_row bypass_options[] = {
	UNTIL_ROWS,
	{ "why", "TEXT", "reason, for the audit" },
	{ 0 },
};

static const struct option_row why_options[] = {
	{ "why", "TEXT", "reason, for the audit" },
	{ 0 },
};

const struct command commands[] = {
	{ "up", "", "load steering, attach it, restore what the state store holds",
	  NEEDS_ROOT | NEEDS_CONF, 0, 0, cmd_up, NULL, NULL },
	{ "down", "", "detach and remove steering; the state store stays",
	  NEEDS_ROOT | NEEDS_CONF, 0, 0, cmd_down, NULL, NULL },
	{ "check", "", "say all that stands in the way of `up`; change nothing",
	  NEEDS_ROOT | NEEDS_CONF, 0, 0, cmd_check, NULL, NULL },
	{ "status", "", "what is in force, what is degraded",
	  NEEDS_ROOT | WANTS_CONF | WANTS_STEERING, 0, 0, cmd_status, NULL, NULL },
	{ "watch", "", "show decisions and records as they happen",
	  READS, 0, 0, cmd_watch, NULL, NULL },

	{ "pool add", "PREFIX", "make or change a pool",
	  EDITS, 1, 1, cmd_pool_add, pool_add_options, NULL },
	{ "pool del", "PREFIX", "remove a pool",
	  EDITS, 1, 1, cmd_pool_del, NULL, NULL },
	{ "pool rollout", "PREFIX N%", "enforce the filter on N% of a pool's lines",
	  EDITS, 2, 2, cmd_pool_rollout, NULL, NULL },
	{ "pool list", "", "the pools",
	  READS, 0, 0, cmd_pool_list, NULL, NULL },
	{ "class list", "", "the classes",
	  READS, 0, 0, cmd_class_list, NULL, NULL },

	{ "exempt add", "ADDRESS|PREFIX|SUBSCRIBER", "let connections to port 25 pass untouched",
	  EDITS, 1, 1, cmd_treat_add, treat_add_options, NULL },
	{ "exempt del", "ADDRESS|PREFIX|SUBSCRIBER", "end an exemption",
	  EDITS, 1, 1, cmd_treat_del, treat_del_options, NULL },
	{ "exempt list", "", "exemptions and whether they are in force",
	  TELLS, 0, 0, cmd_treat_list, all_options, NULL },
	{ "refuse add", "ADDRESS|PREFIX|SUBSCRIBER", "reset connections to port 25",
	  EDITS, 1, 1, cmd_treat_add, treat_add_options, NULL },
	{ "refuse del", "ADDRESS|PREFIX|SUBSCRIBER", "end a refusal",
	  EDITS, 1, 1, cmd_treat_del, treat_del_options, NULL },
	{ "refuse list", "", "refusals and whether they are in force",
	  TELLS, 0, 0, cmd_treat_list, all_options, NULL },

	{ "subscriber bind", "NAME ADDRESS", "put a subscriber on the address's line",
	  EDITS, 2, 2, cmd_subscriber_bind, NULL, NULL },
	{ "subscriber unbind", "ADDRESS|LINE", "take whoever is on the line off it",
	  EDITS, 1, 1, cmd_subscriber_unbind, NULL, NULL },
	{ "subscriber list", "", "subscribers and their lines",
	  TELLS & ~WANTS_STEERING, 0, 0, cmd_subscriber_list, NULL, NULL },
	{ "subscriber show", "NAME", "one subscriber's lines and what is in force on them",
	  (TELLS & ~WANTS_STATE) | NEEDS_STATE, 1, 1, cmd_subscriber_show, NULL, NULL },

	{ "destination add", "PREFIX", "give an exchanger a rule of its own",
	  EDITS, 1, 1, cmd_destination_add, destination_options, NULL },
	{ "destination del", "PREFIX", "remove such a rule",
	  EDITS, 1, 1, cmd_destination_del, NULL, NULL },
	{ "destination list", "", "destinations with a rule; --all with the router's own",
	  READS, 0, 0, cmd_destination_list, all_options, NULL },

	{ "mode", "enforce|shadow", "enforce the filter, or judge and enforce nothing",
	  ALWAYS, 1, 1, cmd_mode, why_options, NULL },
	{ "bypass on", "", "let all of port 25 pass unfiltered",
	  ALWAYS, 0, 0, cmd_bypass_on, bypass_options, NULL },
	{ "bypass off", "", "filter again",
	  ALWAYS, 0, 0, cmd_bypass_off, why_options, NULL },

	{ "counters", "", "how often each reason was given",
	  READS, 0, 0, cmd_counters, all_options, NULL },
	{ "reasons", "", "all reasons and what they mean",
	  0, 0, 0, cmd_reasons, NULL, NULL },
	{ "judge", "FILE...", "judge messages or SMTP transcripts, without any network",
	  0, 1, -1, NULL, NULL, cmd_judge },
	/* For the build of the documentation. */
	{ "manual counters", "", "", 0, 0, 0, cmd_manual, NULL, NULL },
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);
