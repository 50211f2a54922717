// SPDX-License-Identifier: GPL-2.0
/*
 * What the SMTP engine alone costs one thread: commands that bring no mail
 * (bar B40), and messages, with line ends refused and normalised.
 *
 *   smtp_bench	us/command and MB/s of each kind
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "smtp/smtp.h"

#define COMMANDS	100000
#define OCTETS		(64u * 1024 * 1024)

static uint64_t content_octets;

static void on_event(void *owner, const struct smtp_event *ev)
{
	(void)owner;
	(void)ev;
}

static void on_content(void *owner, const char *data, size_t len)
{
	(void)owner;
	(void)data;
	content_octets += len;
}

static const struct smtp_ops ops = { on_event, on_content };

static struct conf_class class = {
	.title = (char *)"default", .auth_text = (char *)"use port 587",
	.help_url = (char *)"http://help.example/", .auth_code = 573, .max_recipients = 1000,
	.max_line = 1024 * 1024, .max_junk = 10 * COMMANDS,
};
static const struct smtp_env env = {
	.class = &class,
	.hostname = "rtr.example",
	.client = "10.64.0.2",
	.ticket = "T1",
};

struct bench {
	struct smtp	smtp;
	size_t		lines;		/* that went up, of commands */
};

/* One turn: octets from the client or the exchanger; all of them are taken. */
static void turn(struct bench *b, const char *client, size_t client_len, const char *server)
{
	static char to_client[SMTP_OUTPUT_ROOM], to_server[SMTP_OUTPUT_ROOM];
	struct smtp_turn t = {
		.client = { .data = client, .len = client_len },
		.server = { .data = server, .len = strlen(server) },
		.to_client = { .data = to_client, .size = sizeof(to_client) },
		.to_server = { .data = to_server, .size = sizeof(to_server) },
	};
	unsigned int acts = 0;
	const char *at;

	while (t.client.len || t.server.len) {
		t.to_client.len = t.to_server.len = 0;
		acts |= smtp_turn(&b->smtp, &t);
		for (at = to_server; (at = memchr(at, '\n', t.to_server.len -
						  (size_t)(at - to_server))); at++)
			b->lines++;
	}
	if (acts) {
		fprintf(stderr, "smtp_bench: the session ended\n");
		exit(1);
	}
}

static void begin(struct bench *b)
{
	smtp_init(&b->smtp, &env, &ops, NULL);
	turn(b, "", 0, "220 mx\r\n");
	turn(b, "EHLO a\r\n", 8, "");
	turn(b, "", 0, "250-mx\r\n250 PIPELINING\r\n");
	b->lines = 0;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void measure_commands(const char *name, const char *line, unsigned int commands)
{
	struct bench b;
	double start, spent;
	unsigned int i;

	begin(&b);
	start = now();
	for (i = 0; i < COMMANDS; i += commands) {
		turn(&b, line, strlen(line), "");
		for (; b.lines; b.lines--)
			turn(&b, "", 0, "250 ok\r\n");
	}
	spent = now() - start;
	printf("smtp    %-16s %12.2f us/command (B40: 20)\n", name, spent / COMMANDS * 1e6);
}

static void measure_message(const char *name, const char *line)
{
	static char block[16 * 1024];
	size_t len = strlen(line), have = 0, sent;
	struct bench b;
	double start, spent;

	for (; have + len <= sizeof(block); have += len)
		memcpy(block + have, line, len);
	begin(&b);
	turn(&b, "MAIL FROM:<a>\r\n", 15, "");
	turn(&b, "", 0, "250 ok\r\n");
	turn(&b, "RCPT TO:<a>\r\n", 13, "");
	turn(&b, "", 0, "250 ok\r\n");
	turn(&b, "DATA\r\n", 6, "");
	turn(&b, "", 0, "354 go\r\n");
	start = now();
	for (sent = 0; sent < OCTETS; sent += have)
		turn(&b, block, have, "");
	spent = now() - start;
	printf("smtp    %-16s %-9s %9.0f MB/s\n", name,
	       class.newlines == CONF_NEWLINES_NORMALISE ? "normalise" : "refuse",
	       (double)OCTETS / spent / 1e6);
}

int main(void)
{
	static const char prose[] =
		"If you cannot come, tell Anne (anne@example.org) before Friday, or me.\r\n";

	measure_commands("noop", "NOOP\r\n", 1);
	measure_commands("rset", "RSET\r\n", 1);
	measure_commands("vrfy", "VRFY a@b.example\r\n", 1);
	measure_commands("unknown", "FROB\r\n", 1);
	measure_commands("mail-rset", "MAIL FROM:<a@b.example>\r\nRSET\r\n", 2);
	measure_message("prose", prose);
	measure_message("dots", "..\r\n");
	measure_message("short", "\r\n");
	class.newlines = CONF_NEWLINES_NORMALISE;
	measure_message("prose", prose);
	measure_message("dots", "..\r\n");
	measure_message("short", "\r\n");
	measure_message("lf", "If you cannot come, tell Anne (anne@example.org) before it all.\n");
	measure_message("cr", "If you cannot come, tell Anne (anne@example.org) before it all.\r");
	measure_message("lf-short", "\n");
	measure_message("cr-short", "\r");
	measure_message("lone-dots", ".\n");
	return 0;
}
