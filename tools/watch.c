// SPDX-License-Identifier: GPL-2.0
/*
 * `postern watch`: decisions of the kernel and records of sessions as they
 * happen. With a daemon they come from its control socket; without one the
 * kernel's ring is read here, and there are no sessions to report.
 *
 * A record is a line of JSON with others' octets in it. Nothing but printable
 * ASCII reaches the terminal, whoever wrote the line.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control/client.h"
#include "control/decision.h"
#include "out.h"
#include "postern.h"

#define SHOWN	160	/* octets of one value */

/* Keys with a place of their own in the line, in this order; the others follow as key=value. */
static const char *const leading[] = { "time", "event", "reason", "effect" };

static bool is_leading(const char *key)
{
	for (size_t i = 0; i < sizeof(leading) / sizeof(leading[0]); i++)
		if (strcmp(key, leading[i]) == 0)
			return true;
	return false;
}

/* A stranger's text with blanks must not look like more keys. */
static void print_text(const char *value)
{
	char text[SHOWN];
	bool quote = !*value || strpbrk(value, " =\"");

	out_escape(value, text, sizeof(text));
	if (quote)
		putchar('"');
	for (const char *c = text; *c; c++) {
		if (*c == '"')
			fputs("\\x22", stdout);
		else
			putchar(*c);
	}
	if (quote)
		putchar('"');
}

static void print_value(const char *key, json_t *value)
{
	char *dump;

	if (key)
		printf("%s=", key);
	if (json_is_string(value)) {
		print_text(json_string_value(value));
		return;
	}
	dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
	fputs(dump ? dump : "?", stdout);
	free(dump);
}

static void print_record(json_t *record)
{
	const char *key, *space = "";
	json_t *value;
	char text[SHOWN];

	for (size_t i = 0; i < sizeof(leading) / sizeof(leading[0]); i++) {
		value = json_object_get(record, leading[i]);
		if (!value)
			continue;
		fputs(space, stdout);
		print_value(NULL, value);
		space = " ";
	}
	json_object_foreach(record, key, value) {
		if (is_leading(key))
			continue;
		fputs(space, stdout);
		print_value(out_escape(key, text, sizeof(text)), value);
		space = " ";
	}
	putchar('\n');
}

/* Both writers write printable ASCII; a line that is something else is not shown. */
static bool is_printable(const char *line)
{
	for (; *line; line++)
		if (*line < ' ' || *line > '~')
			return false;
	return true;
}

/* Returns non-zero when nobody reads us any more. */
static int show(void *arg, const char *line)
{
	const struct cli *cli = arg;
	json_t *record;

	if (cli->json) {
		if (is_printable(line))
			puts(line);
	} else {
		record = json_loads(line, JSON_ALLOW_NUL, NULL);
		if (json_is_object(record))
			print_record(record);
		json_decref(record);
	}
	return fflush(stdout) ? 1 : 0;
}

static void show_decision(void *arg, const struct postern_event *event)
{
	char line[DECISION_LINE];
	int len = decision_line(event, clock_wall() - (clock_boot() - event->when), line,
				sizeof(line));

	if (len <= 0)
		return;
	line[len - 1] = '\0';	/* the line feed */
	show(arg, line);
}

/* Until interrupted, or until nobody reads. */
static int watch_ring(struct cli *cli)
{
	struct steering_events *events;
	int err = steering_events_open(cli->steering, &events);
	struct pollfd p;

	if (err)
		return cli_fail("cannot read the kernel's decisions: %s", strerror(-err));
	p = (struct pollfd){ .fd = steering_events_fd(events), .events = POLLIN };
	while (!ferror(stdout) && (poll(&p, 1, -1) >= 0 || errno == EINTR))
		steering_events_read(events, show_decision, cli);
	steering_events_close(events);
	return CLI_OK;
}

int cmd_watch(struct cli *cli)
{
	int err, status = cli_open(cli);

	if (status)
		return status;
	err = control_call(cli->conf, "watch", show, cli);
	if (err == -ENOENT || err == -ECONNREFUSED) {
		cli_note("daemon: not running; decisions of the kernel only");
		return watch_ring(cli);
	}
	if (err < 0)
		return cli_fail("daemon: %s", strerror(-err));
	if (err == 0)
		return cli_fail("the daemon ended the stream");
	return CLI_OK;
}
