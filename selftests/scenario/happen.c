// SPDX-License-Identifier: GPL-2.0
/* The happenings of happen.h, a row each. */
#include "happen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf_private.h"
#include "stage.h"

static void client_fin(const char *arg)
{
	(void)arg;
	wire_fin(CLIENT);
}

static void client_rst(const char *arg)
{
	(void)arg;
	wire_rst(CLIENT);
}

static void server_fin(const char *arg)
{
	(void)arg;
	wire_fin(SERVER);
}

static void server_rst(const char *arg)
{
	(void)arg;
	wire_rst(SERVER);
}

static size_t window(const char *arg)
{
	return strcmp(arg, "open") ? strtoul(arg, NULL, 10) : SIZE_MAX;
}

static void client_window(const char *arg)
{
	wire_window(CLIENT, window(arg));
}

static void server_window(const char *arg)
{
	wire_window(SERVER, window(arg));
}

static void dial_taken(const char *arg)
{
	(void)arg;
	stage.dialled = DIAL_TAKEN;
	wire_answer(0);
}

static void dial_silent(const char *arg)
{
	(void)arg;
	stage.dialled = DIAL_SILENT;
}

static void dial_refused(const char *arg)
{
	(void)arg;
	stage.dialled = DIAL_REFUSED;
	wire_answer(ECONNREFUSED);
}

static void dial_unreachable(const char *arg)
{
	(void)arg;
	stage.dialled = DIAL_UNREACHABLE;
	wire_answer(EHOSTUNREACH);
}

static void dial_local(const char *arg)
{
	(void)arg;
	stage.dialled = DIAL_LOCAL;
}

static void line_refused(const char *arg)
{
	(void)arg;
	stage.line.treatment = POSTERN_REFUSE;
}

static void line_exempt(const char *arg)
{
	(void)arg;
	stage.line.treatment = POSTERN_EXEMPT;
}

static void line_steered(const char *arg)
{
	(void)arg;
	stage.line.treatment = POSTERN_STEER;
}

static void line_unknown(const char *arg)
{
	(void)arg;
	stage.resolve_err = -ENOENT;
}

static void line_failed(const char *arg)
{
	(void)arg;
	stage.resolve_err = -EIO;
}

static void own_server(const char *arg)
{
	(void)arg;
	stage.own = true;
}

static void port_taken(const char *arg)
{
	(void)arg;
	stage.port_taken = true;
}

static void overload(const char *arg)
{
	(void)arg;
	stage.overload = true;
}

static void overload_stopping(const char *arg)
{
	(void)arg;
	stage.overload = true;
	stage.refusal = SMTP_REPLY_closing_shutdown;
}

static void no_descriptor(const char *arg)
{
	(void)arg;
	wire.accept_err = EMFILE;
}

static void no_buffer(const char *arg)
{
	(void)arg;
	wire.accept_err = ENOBUFS;
}

static void scan_fails(const char *arg)
{
	(void)arg;
	stage.plan.broken = true;
}

static void scan_works(const char *arg)
{
	(void)arg;
	stage.plan.broken = false;
}

static void verdict(const char *arg)
{
	static const char *const words[] = {
		[VERDICT_ACCEPT] = "accept", [VERDICT_REJECT] = "reject",
		[VERDICT_TEMPFAIL] = "tempfail", [VERDICT_DROP] = "drop",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(arg, words[i])) {
			stage.plan.action = (enum verdict_action)i;
			stage.plan.wait = false;
		}
	}
	if (!strcmp(arg, "wait"))
		stage.plan.wait = true;
	if (!strcmp(arg, "early"))
		stage.plan.early = true;
	if (!strcmp(arg, "certain"))
		stage.plan.certain = true;
	stage_judge();
}

static void shutdown_now(const char *arg)
{
	(void)arg;
	stage_shutdown();
}

static void connect_again(const char *arg)
{
	(void)arg;
	if (stage_session())
		stage.fault = "a session is alive yet";
	else
		stage_connect();
}

static void nothing(const char *arg)
{
	(void)arg;
}

static const struct happening {
	const char	*word;
	void		(*let)(const char *arg);
	const char	*arg;		/* "" none, "N" octets or "open", else words */
	bool		before;		/* the connection, if there is none yet */
} rows[] = {
	{ "client-fin", client_fin, "", false },
	{ "client-rst", client_rst, "", false },
	{ "server-fin", server_fin, "", false },
	{ "server-rst", server_rst, "", false },
	{ "client-window", client_window, "N", false },
	{ "server-window", server_window, "N", false },
	{ "dial-taken", dial_taken, "", true },
	{ "dial-silent", dial_silent, "", true },
	{ "dial-refused", dial_refused, "", true },
	{ "dial-unreachable", dial_unreachable, "", true },
	{ "dial-local", dial_local, "", true },
	{ "line-refused", line_refused, "", true },
	{ "line-exempt", line_exempt, "", true },
	{ "line-steered", line_steered, "", true },
	{ "line-unknown", line_unknown, "", true },
	{ "line-failed", line_failed, "", true },
	{ "own-server", own_server, "", true },
	{ "port-taken", port_taken, "", true },
	{ "overload", overload, "", true },
	{ "overload-stopping", overload_stopping, "", true },
	{ "no-descriptor", no_descriptor, "", true },
	{ "no-buffer", no_buffer, "", true },
	{ "scan-fails", scan_fails, "", true },
	{ "scan-works", scan_works, "", true },
	{ "verdict", verdict, "accept reject tempfail drop wait early certain", true },
	{ "shutdown", shutdown_now, "", false },
	{ "connect", connect_again, "", false },
	{ "split", nothing, "", false },
};

static bool word_in(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *at = len ? strstr(list, word) : NULL;

	return at && (at == list || at[-1] == ' ') && (at[len] == ' ' || !at[len]);
}

static bool argument_fits(const struct happening *h, const char *arg)
{
	if (!*h->arg)
		return !*arg;
	if (!strcmp(h->arg, "N"))
		return !strcmp(arg, "open") || (*arg && arg[strspn(arg, "0123456789")] == '\0');
	return word_in(h->arg, arg);
}

static const struct happening *find(const char *text, const char **arg)
{
	size_t len = strcspn(text, " ");

	*arg = text[len] ? text + len + 1 : "";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strlen(rows[i].word) == len && !memcmp(rows[i].word, text, len))
			return &rows[i];
	return NULL;
}

bool happen_before(const char *text)
{
	const char *arg;
	const struct happening *h = find(text, &arg);

	return h && h->before;
}

const char *happen(const char *text)
{
	const char *arg;
	const struct happening *h = find(text, &arg);

	if (!h)
		return "no such happening";
	if (!argument_fits(h, arg))
		return "not its argument";
	h->let(arg);
	if (stage.sessions)
		stage_settle();
	return NULL;
}

/* Time. */

/* "5m", "295s", "20ms". 0: it is none. */
static uint64_t plain_time(const char *text)
{
	static const struct { const char *unit; uint64_t ns; } units[] = {
		{ "ms", NS_PER_MS }, { "s", NS_PER_SEC }, { "m", 60 * NS_PER_SEC },
		{ "h", 3600 * NS_PER_SEC },
	};
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	for (size_t i = 0; end > text && i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(end, units[i].unit))
			return n * units[i].ns;
	return 0;
}

/* What a row of waits, the wait in force ("wait") or a setting says. 0: nothing. */
static uint64_t named_time(const char *name)
{
	uint64_t span = stage_span(strcmp(name, "wait") ? name : stage_waits());

	for (size_t i = 0; i < conf_global_count && !span; i++)
		if (conf_globals[i].kind == CONF_KIND_SPAN && !strcmp(conf_globals[i].name, name))
			span = *(const uint64_t *)((const char *)stage.all.conf +
						   conf_globals[i].offset);
	return span;
}

/* "ROW", "ROW 95%", "ROW-5%", "ROW+5%". */
static uint64_t relative_time(const char *text)
{
	size_t len = strcspn(text, " +-");
	long percent = 100;
	char name[64], *end;

	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	if (text[len]) {
		percent = strtol(text + len, &end, 10) + (text[len] == ' ' ? 0 : 100);
		if (strcmp(end, "%") != 0 || percent <= 0)
			return 0;
	}
	return named_time(name) / 100 * (uint64_t)percent;
}

const char *happen_time(const char *text)
{
	uint64_t ns = plain_time(text);

	if (!ns)
		ns = relative_time(text);
	if (!ns)
		return "no length of time";
	stage_pass(ns);
	return NULL;
}
