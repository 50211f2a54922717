// SPDX-License-Identifier: GPL-2.0
/*
 * `postern status`: what is in force and what is degraded, from the maps and,
 * if it answers, the daemon. Degraded states come first.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "control/client.h"
#include "out.h"
#include "postern.h"
#include "times.h"

#define TROUBLE		256
#define FULL_AT		90	/* per cent of a table at which it is a trouble */

struct status {
	struct cli *cli;
	json_t *root;
	json_t *troubles;		/* in root */
	struct postern_settings settings;
	uint64_t now;			/* boot time */
	size_t pools, prefixes;
	size_t lines[POSTERN_REFUSE + 1];	/* by treatment in force */
};

static void trouble(struct status *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void trouble(struct status *s, const char *fmt, ...)
{
	char text[TROUBLE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	json_array_append_new(s->troubles, json_string(text));
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void read_bypass(struct status *s)
{
	uint64_t until = s->settings.bypass_until;
	bool on = until > s->now;
	char local[TIMES_TEXT], left[TIMES_TEXT], utc[TIMES_TEXT];

	set(s->root, "bypass", json_boolean(on));
	if (!on)
		return;
	if (until == POSTERN_FOREVER) {
		trouble(s, "BYPASS IS ON without an end: port 25 is not filtered");
		return;
	}
	set(s->root, "bypass_until", json_string(times_utc(times_wall_of_boot(until), utc)));
	trouble(s, "BYPASS IS ON for another %s, until %s: port 25 is not filtered",
		times_length(until - s->now, left),
		times_local(times_wall_of_boot(until), local));
}

static void read_mode(struct status *s)
{
	bool shadow = s->settings.mode == POSTERN_SHADOW;

	set(s->root, "mode", json_string(shadow ? "shadow" : "enforce"));
	if (shadow)
		trouble(s, "mode is shadow: everything is judged, nothing is enforced");
}

static int count_pool(void *arg, const struct postern_prefix *key,
		      const struct postern_pool *pool)
{
	struct status *s = arg;

	(void)key;
	if (!(pool->flags & POSTERN_POOL_OVERRIDE))
		s->pools++;
	else if (!pool->until || pool->until > s->now)
		s->prefixes++;
	return 0;
}

static int count_line(void *arg, const struct postern_addr *key,
		      const struct postern_line *line)
{
	struct status *s = arg;
	bool lapsed = line->until && line->until <= s->now;

	(void)key;
	s->lines[lapsed || line->treatment > POSTERN_REFUSE ? POSTERN_INHERIT :
		 line->treatment]++;
	return 0;
}

static void read_policy(struct status *s)
{
	json_t *lines = json_object();
	size_t all = 0;

	if (steering_pool_each(s->cli->steering, count_pool, s) ||
	    steering_line_each(s->cli->steering, count_line, s))
		trouble(s, "the tables of pools and lines cannot be read");
	set(s->root, "pools", json_integer((json_int_t)s->pools));
	set(s->root, "prefixes", json_integer((json_int_t)s->prefixes));
	for (int i = 0; treatment_words[i]; i++) {
		set(lines, treatment_words[i], json_integer((json_int_t)s->lines[i]));
		all += s->lines[i];
	}
	set(s->root, "lines", lines);
	if (!s->pools)
		trouble(s, "there is no pool: nothing is filtered");
	if (all >= POSTERN_MAX_LINES / 100 * FULL_AT)
		trouble(s, "the table of lines is nearly full: %zu of %d", all,
			POSTERN_MAX_LINES);
}

static void read_workers(struct status *s)
{
	volatile uint64_t *beats = steering_heartbeats(s->cli->steering);
	json_t *workers = json_array();
	unsigned int silent = 0;

	for (unsigned int i = 0; i < s->settings.workers && i < POSTERN_MAX_WORKERS; i++) {
		uint64_t beat = beats[i], age = s->now > beat ? s->now - beat : 0;
		json_t *worker = json_object();

		set(worker, "worker", json_integer(i));
		if (beat)
			set(worker, "beat_age_ms", json_integer((json_int_t)(age / NS_PER_MS)));
		set(worker, "answers", json_boolean(beat && age <= s->settings.stale_ns));
		silent += !beat || age > s->settings.stale_ns;
		json_array_append_new(workers, worker);
	}
	set(s->root, "workers", workers);
	if (silent && silent == s->settings.workers)
		trouble(s, "no worker answers: new connections follow the fail mode of "
			"their class");
	else if (silent)
		trouble(s, "%u of %u workers do not answer: others take their lines", silent,
			s->settings.workers);
}

static int read_interface(void *arg, const struct steering_interface *row)
{
	struct status *s = arg;
	json_t *interface = json_object();

	set(interface, "name", json_string(row->name));
	set(interface, "side", json_string(row->side == CONF_SIDE_SUBSCRIBER ? "subscriber" :
								       "upstream"));
	set(interface, "up", json_boolean(row->there));
	set(interface, "attached", json_boolean(row->filtered));
	set(interface, "xdp", json_string(row->xdp));
	json_array_append_new(json_object_get(s->root, "interfaces"), interface);
	if (!row->there)
		trouble(s, "interface %s is not there, or down", row->name);
	else if (!row->filtered)
		trouble(s, "interface %s is not filtered: run `postern up`", row->name);
	return 0;
}

static void read_interfaces(struct status *s)
{
	set(s->root, "interfaces", json_array());
	if (steering_interface_each(s->cli->conf, read_interface, s))
		trouble(s, "the interfaces cannot be asked about");
	if (!s->cli->conf->interface_count)
		trouble(s, "the configuration names no interface");
}

static int take_status(void *arg, const char *line)
{
	json_t **out = arg;

	*out = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	return 1;		/* one line is the whole answer */
}

static void read_daemon(struct status *s)
{
	json_t *daemon = NULL;
	int err = control_call(s->cli->conf, "status", take_status, &daemon);
	const char *log;

	if (!json_is_object(daemon)) {
		json_decref(daemon);
		daemon = json_object();
		if (err == -ENOENT || err == -ECONNREFUSED)
			trouble(s, "daemon: not running");
		else
			trouble(s, "daemon: does not answer: %s",
				err < 0 ? strerror(-err) : "what it said is not JSON");
		set(daemon, "running", json_false());
	} else {
		json_object_del(daemon, "event");
		set(daemon, "running", json_true());
		if (!json_is_true(json_object_get(daemon, "ready")))
			trouble(s, "daemon: runs, but is not ready");
		log = json_string_value(json_object_get(daemon, "event_log"));
		if (log && strcmp(log, "failing") == 0)
			trouble(s, "daemon: the event log cannot be written");
	}
	set(s->root, "daemon", daemon);
}

static int read_steering(struct status *s)
{
	int err;

	set(s->root, "loaded", json_boolean(s->cli->steering != NULL));
	if (!s->cli->steering) {
		trouble(s, "steering is not loaded: nothing is filtered; run `postern up`");
		return 0;
	}
	err = steering_settings_get(s->cli->steering, &s->settings);
	if (err)
		return err;
	read_bypass(s);
	read_mode(s);
	read_interfaces(s);
	read_policy(s);
	read_workers(s);
	return 0;
}

/* "name  value" with the name's column as wide as the longest. */
static void line(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void line(const char *name, const char *fmt, ...)
{
	char raw[512], text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(raw, sizeof(raw), fmt, args);
	va_end(args);
	printf("%-11s %s\n", name, out_escape(raw, text, sizeof(text)));
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

static void print_interfaces(const struct status *s)
{
	json_t *interface;
	size_t i;

	json_array_foreach(json_object_get(s->root, "interfaces"), i, interface)
		line(i ? "" : "interfaces", "%s, %s side, %s; XDP %s",
		     text_of(interface, "name"), text_of(interface, "side"),
		     json_is_true(json_object_get(interface, "attached")) ? "attached" :
		     "NOT ATTACHED", text_of(interface, "xdp"));
}

static void print_workers(const struct status *s)
{
	json_t *worker;
	size_t i;

	json_array_foreach(json_object_get(s->root, "workers"), i, worker) {
		json_t *age = json_object_get(worker, "beat_age_ms");
		const char *state = json_is_true(json_object_get(worker, "answers")) ?
				    "answers" : "SILENT";

		if (age)
			line(i ? "" : "workers", "%zu %s, last beat %lld ms ago", i, state,
			     (long long)json_integer_value(age));
		else
			line(i ? "" : "workers", "%zu %s, never beat", i, state);
	}
}

static long long number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_daemon(const struct status *s)
{
	const json_t *daemon = json_object_get(s->root, "daemon");
	char length[TIMES_TEXT];

	if (!json_is_true(json_object_get(daemon, "running"))) {
		line("daemon", "not running");
		return;
	}
	line("daemon", "running for %s; keeper %lld, inspector %lld, clerk %lld",
	     times_length((uint64_t)number(daemon, "uptime_s") * NS_PER_SEC, length),
	     number(daemon, "keeper"), number(daemon, "inspector"), number(daemon, "clerk"));
	line("", "restarts: inspector %lld, clerk %lld; event log %s",
	     number(daemon, "inspector_restarts"), number(daemon, "clerk_restarts"),
	     text_of(daemon, "event_log"));
}

/* Exchangers that refuse mail in the clear: candidates for a class that passes STARTTLS. */
static void print_tls_wanted(const struct status *s)
{
	const json_t *daemon = json_object_get(s->root, "daemon");
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(daemon, "tls_wanted"), i, row)
		line(i ? "" : "TLS wanted", "%s: %lld session%s, last %s",
		     text_of(row, "exchanger"), number(row, "sessions"),
		     number(row, "sessions") == 1 ? "" : "s", text_of(row, "seen"));
}

static void print_human(const struct status *s)
{
	json_t *text;
	size_t i;

	json_array_foreach(s->troubles, i, text)
		line(i ? "" : "DEGRADED", "%s", json_string_value(text));
	if (i)
		putchar('\n');
	if (s->cli->steering) {
		line("mode", "%s", text_of(s->root, "mode"));
		line("bypass", "%s", json_is_true(json_object_get(s->root, "bypass")) ?
		     "ON" : "off");
		print_interfaces(s);
		line("pools", "%zu; prefixes exempt or refused: %zu", s->pools, s->prefixes);
		line("lines", "steered %zu, exempt %zu, refused %zu, as their pool %zu",
		     s->lines[POSTERN_STEER], s->lines[POSTERN_EXEMPT],
		     s->lines[POSTERN_REFUSE], s->lines[POSTERN_INHERIT]);
		print_workers(s);
	}
	print_daemon(s);
	print_tls_wanted(s);
}

int cmd_status(struct cli *cli)
{
	struct status s = { .cli = cli, .now = clock_boot() };
	int err, status = cli_open(cli);

	if (status)
		return status;
	s.root = json_object();
	s.troubles = json_array();
	set(s.root, "degraded", s.troubles);
	err = read_steering(&s);
	read_daemon(&s);
	if (err)
		status = cli_fail("cannot read the settings: %s", strerror(-err));
	else if (cli->json)
		json_dumpf(s.root, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	else
		print_human(&s);
	if (!err && cli->json)
		putchar('\n');
	json_decref(s.root);
	return status ? status : cli->steering ? CLI_OK : CLI_FAILED;
}
