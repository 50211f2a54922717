// SPDX-License-Identifier: GPL-2.0
/*
 * What the CLI says to people, and the arguments that many commands take.
 * Texts are escaped as a whole: our own formats are plain ASCII, so only what
 * was put into them can be.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/json.h"
#include "out.h"
#include "postern.h"
#include "times.h"

#define SAID	2048

const char *const treatment_words[] = { "inherit", "steer", "exempt", "refuse", NULL };

/* One line, escaped, with @before in front. */
static void say(FILE *file, const char *before, const char *fmt, va_list args)
{
	char raw[SAID], text[SAID * 2];

	vsnprintf(raw, sizeof(raw), fmt, args);
	fprintf(file, "%s%s\n", before, out_escape(raw, text, sizeof(text)));
}

int cli_fail(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	say(stderr, "postern: ", fmt, args);
	va_end(args);
	return CLI_FAILED;
}

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
	char before[80];
	va_list args;

	snprintf(before, sizeof(before), "postern %s: ", cli->command->name);
	va_start(args, fmt);
	say(stderr, before, fmt, args);
	va_end(args);
	fprintf(stderr, "See `postern %s --help`.\n", cli->command->name);
	return CLI_USAGE;
}

void cli_note(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	say(stderr, "note: ", fmt, args);
	va_end(args);
}

int cli_done(const struct cli *cli, const char *fmt, ...)
{
	char raw[SAID], buf[SAID * 6];
	struct json json;
	va_list args;

	va_start(args, fmt);
	if (cli->json) {
		vsnprintf(raw, sizeof(raw), fmt, args);
		json_begin(&json, buf, sizeof(buf));
		json_text(&json, "done", raw);
		if (json_end(&json) > 0)
			fputs(buf, stdout);
	} else {
		say(stdout, "", fmt, args);
	}
	va_end(args);
	return CLI_OK;
}

int cli_prefix(const struct cli *cli, const char *text, struct postern_prefix *out)
{
	int err = prefix_parse(text, out);

	return err ? cli_usage(cli, "%s: %s", text, prefix_error(err)) : CLI_OK;
}

int cli_address(const struct cli *cli, const char *text, struct postern_addr *out)
{
	if (addr_parse(text, out) == 0)
		return CLI_OK;
	return cli_usage(cli, "%s: expected an address such as 10.64.0.5 or 2001:db8:64:1::5",
			 text);
}

int cli_number(const struct cli *cli, const char *what, const char *text, unsigned long low,
	       unsigned long high, unsigned long *out)
{
	size_t digits = strspn(text, "0123456789");

	if (digits && digits < 10 && !text[digits]) {
		*out = strtoul(text, NULL, 10);
		if (*out >= low && *out <= high)
			return CLI_OK;
	}
	return cli_usage(cli, "%s %s: expected a whole number from %lu to %lu", what, text, low,
			 high);
}

static int until_moment(const struct cli *cli, const char *text, uint64_t *until)
{
	if (times_moment(text, until))
		return cli_usage(cli, "--until %s: " TIMES_MOMENT_FORM, text);
	if (*until <= clock_wall())
		return cli_usage(cli, "--until %s: that time is past", text);
	return CLI_OK;
}

int cli_until(const struct cli *cli, uint64_t *until)
{
	const char *moment = cli_option(cli, "until"), *span = cli_option(cli, "for");
	uint64_t length;
	int err;

	*until = 0;
	if (moment && span)
		return cli_usage(cli, "--until and --for together: expected one of them");
	if (moment)
		return until_moment(cli, moment, until);
	if (!span)
		return CLI_OK;
	err = times_span(span, &length);
	if (err)
		return cli_usage(cli, "--for %s: %s", span, err == -ERANGE ?
				 "expected 1s to 3650d" : TIMES_SPAN_FORM);
	*until = clock_wall() + length;
	return CLI_OK;
}

int cli_word(const struct cli *cli, const char *what, const char *text,
	     const char *const *words, unsigned int *out)
{
	char list[120] = "";

	for (*out = 0; words[*out]; ++*out) {
		size_t len = strlen(list);

		if (strcmp(words[*out], text) == 0)
			return CLI_OK;
		snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "", words[*out]);
	}
	return cli_usage(cli, "%s %s: expected one of %s", what, text, list);
}
