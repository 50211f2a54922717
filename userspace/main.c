// SPDX-License-Identifier: GPL-2.0
/* posternd: options, the check of the configuration, then the keeper. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "control/keeper.h"
#include "session/inspector.h"
#include "verdict/verdict.h"

#define EXIT_USAGE	2

static const char usage[] =
	"usage: posternd [-t] [-c FILE] [--debug]\n"
	"\n"
	"  -c, --conf FILE   read FILE instead of $POSTERN_CONF or " CONF_DEFAULT_FILE "\n"
	"  -t, --test        check the configuration and end: 0 when it is good\n"
	"  -f                stay in the foreground, which it does anyway\n"
	"      --debug       log what is for the developers too\n"
	"  -h, --help        this text\n"
	"\n"
	"Steering is loaded with `postern up` before. See posternd(8), postern.conf(5).\n";

struct options {
	const char *file;
	bool test;
	bool help;
	enum log_level level;
};

/* Returns 0 or -EINVAL after a line on standard error. */
static int read_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "test", no_argument, NULL, 't' },
		{ "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:tfh", longs, NULL)) != -1) {
		if (option == 'c')
			o->file = optarg;
		else if (option == 't')
			o->test = true;
		else if (option == 'd')
			o->level = LOG_LEVEL_DEBUG;
		else if (option == 'h')
			o->help = true;
		else if (option != 'f')
			return -EINVAL;
	}
	if (optind < argc) {
		fprintf(stderr, "posternd: unexpected \"%s\", expected options alone\n",
			argv[optind]);
		return -EINVAL;
	}
	return 0;
}

/* The rules are compiled to see whether they can be; the inspector does it again. */
static int check_rules(const struct conf *conf)
{
	struct verdict_rules *rules;
	char text[1024] = "";
	int err = verdict_rules_new(conf, &rules, text, sizeof(text));

	if (err)
		fprintf(stderr, "%s\n", *text ? text : strerror(-err));
	else
		verdict_rules_free(rules);
	return err;
}

static int read_conf(const struct options *o, struct conf **conf)
{
	static char faults[65536];
	int err = conf_read(o->file, conf, faults, sizeof(faults));

	if (err) {
		fprintf(stderr, "%s\n", faults);
		return err;
	}
	err = check_rules(*conf);
	if (err)
		conf_free(*conf);
	return err;
}

/* What the keeper calls in the inspector's process. */
static int run_inspector(const struct conf *conf, struct steering *steering, int record_fd,
			 const char *hostname)
{
	const struct inspector_args args = { conf, steering, record_fd, hostname };

	return inspector_run(&args);
}

static int serve(const struct conf *conf, enum log_level level)
{
	const struct keeper_args args = { conf, level, run_inspector };

	log_init("keeper", level);
	return keeper_run(&args);
}

int main(int argc, char **argv)
{
	struct options o = { .level = LOG_LEVEL_INFO };
	struct conf *conf;
	int err;

	if (read_options(&o, argc, argv)) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (o.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (read_conf(&o, &conf))
		return EXIT_FAILURE;
	if (o.test) {
		printf("%s: ok\n", *conf->file ? conf->file : "defaults");
		err = 0;
	} else {
		err = serve(conf, o.level);
	}
	conf_free(conf);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
