/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Within tools/: what a command of the CLI is, and what it is given.
 *
 * A command reads its arguments first (status 2 when they are wrong), then
 * calls cli_open() for what its row says it needs, then acts. Its return value
 * is the exit status of the program.
 */
#ifndef TOOLS_POSTERN_H
#define TOOLS_POSTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "control/change.h"
#include "state/state.h"
#include "steering/steering.h"

enum cli_status {
	CLI_OK = 0,
	CLI_FAILED = 1,		/* nothing was changed */
	CLI_USAGE = 2,		/* the arguments are wrong; nothing was changed */
	CLI_PARTLY = 3,		/* `up`: steering is up, not everything was restored */
};

/* What cli_open() opens; WANTS: goes on with a warning where that fails. */
enum cli_needs {
	NEEDS_ROOT = 0x01,
	NEEDS_CONF = 0x02,
	NEEDS_STEERING = 0x04,
	WANTS_STEERING = 0x08,
	NEEDS_STATE = 0x10,
	WANTS_STATE = 0x20,
	WANTS_CONF = 0x40,	/* the defaults where the file is faulty */
};

struct option_row {
	const char *name;	/* without "--"; NULL ends the rows */
	const char *value;	/* what stands behind it, for the help; NULL: nothing */
	const char *help;
};

#define CLI_OPTIONS	8	/* most options of one command */

struct cli;

struct command {
	const char *name;	/* one word or two */
	const char *operands;	/* for the usage line */
	const char *help;
	unsigned int needs;	/* enum cli_needs */
	int least, most;	/* number of operands; most -1: any number */
	int (*run)(struct cli *cli);
	const struct option_row *options;	/* NULL: none */
	int (*raw)(int argc, char **argv);	/* parses its own; argv[0] is the name */
};

extern const struct command commands[];
extern const size_t command_count;

struct cli {
	const struct command *command;
	const char *conf_file;		/* NULL: the default */
	bool json;
	int argc;			/* operands */
	char **argv;
	const char *option[CLI_OPTIONS];	/* value, "" for a flag, NULL: not given */
	struct conf *conf;
	struct steering *steering;
	struct state *state;
	char who[STATE_WHO];
	struct change change;		/* ready when steering and state are open */
};

/* args.c: the command line. cli_parse() returns -1 when the command is to run, else a status. */
int cli_parse(struct cli *cli, int argc, char **argv);
const char *cli_option(const struct cli *cli, const char *name);

/* help.c */
void help_all(void);
void help_command(const struct command *command);
/* All commands whose first word is @group; their number. */
size_t help_group(const char *group);

/* open.c: what commands stand on. cli_open() returns 0 or a status, after saying why. */
int cli_open(struct cli *cli);
void cli_close(struct cli *cli);
/* Open the state store now; without it, after saying why, cli->state stays NULL. */
void cli_want_state(struct cli *cli);

/* say.c: to people. All return the status that fits. Arguments are escaped. */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int cli_usage(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void cli_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What was done, to standard output; {"done": ...} with --json. */
int cli_done(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Operands and options that several commands take: 0 or CLI_USAGE. */
int cli_prefix(const struct cli *cli, const char *text, struct postern_prefix *out);
int cli_address(const struct cli *cli, const char *text, struct postern_addr *out);
int cli_number(const struct cli *cli, const char *what, const char *text, unsigned long low,
	       unsigned long high, unsigned long *out);
/* --until TIME or --for SPAN as wall clock ns; 0 when neither is given. */
int cli_until(const struct cli *cli, uint64_t *until);
/* One word of a list that NULL ends; its place. */
int cli_word(const struct cli *cli, const char *what, const char *text,
	     const char *const *words, unsigned int *out);

/* pool.c: remove the prefix that is the operand with @del; @done completes the sentence. */
int cli_delete(struct cli *cli, int (*del)(struct change *c, const struct postern_prefix *prefix,
					   bool *from_file), const char *done);

/* Words of enum postern_treatment ("inherit", "steer", ...), ended by NULL. */
extern const char *const treatment_words[];

int cmd_up(struct cli *cli);
int cmd_down(struct cli *cli);
int cmd_check(struct cli *cli);
int cmd_status(struct cli *cli);
int cmd_watch(struct cli *cli);
int cmd_pool_add(struct cli *cli);
int cmd_pool_del(struct cli *cli);
int cmd_pool_rollout(struct cli *cli);
int cmd_pool_list(struct cli *cli);
int cmd_class_list(struct cli *cli);
int cmd_treat_add(struct cli *cli);
int cmd_treat_del(struct cli *cli);
int cmd_treat_list(struct cli *cli);
int cmd_subscriber_bind(struct cli *cli);
int cmd_subscriber_unbind(struct cli *cli);
int cmd_subscriber_list(struct cli *cli);
int cmd_subscriber_show(struct cli *cli);
int cmd_destination_add(struct cli *cli);
int cmd_destination_del(struct cli *cli);
int cmd_destination_list(struct cli *cli);
int cmd_mode(struct cli *cli);
int cmd_bypass_on(struct cli *cli);
int cmd_bypass_off(struct cli *cli);
int cmd_counters(struct cli *cli);
int cmd_reasons(struct cli *cli);
int cmd_manual(struct cli *cli);
int cmd_judge(int argc, char **argv);

#endif
