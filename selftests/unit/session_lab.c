// SPDX-License-Identifier: GPL-2.0
/* The worker of session_lab.h, and the ends that are played. */
#include "session_lab.h"

#include <fcntl.h>
#include <netinet/in.h>

#define PATIENCE_NS	(20 * NS_PER_SEC)
#define SEEN		(32 << 20)

struct session_lab t;

static int listener(struct sockaddr_in *name)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(*name);

	*name = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	cr_assert_eq(bind(fd, (struct sockaddr *)name, len), 0);
	cr_assert_eq(listen(fd, 64), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)name, &len), 0);
	return fd;
}

static int fake_resolve(void *arg, const struct postern_addr *src,
			const struct postern_addr *dst, struct steering_line *out)
{
	(void)arg;
	(void)src;
	(void)dst;
	*out = t.line;
	return t.resolve_err;
}

static int full_pipe(void)
{
	static char junk[65536];
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	while (send(pair[0], junk, sizeof(junk), MSG_NOSIGNAL) > 0)
		;
	return pair[0];
}

static int fake_dial(void *arg, const struct postern_addr *from, unsigned int *port,
		     const struct postern_addr *to)
{
	struct sockaddr_in name;
	socklen_t len = sizeof(name);
	int fd;

	(void)arg;
	(void)from;
	(void)to;
	t.port_wished = *port;
	if (t.port_taken)
		*port = 0;
	if (t.dial_err)
		return t.dial_err;
	/* A socket that neither becomes writable nor fails. */
	if (t.never_answer)
		return full_pipe();
	getsockname(t.mx_listener, (struct sockaddr *)&name, &len);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(fd, (struct sockaddr *)&name, len) && errno != EINPROGRESS)
		return -errno;
	return fd;
}

static int fake_dead(void *arg, const struct postern_addr *line,
		     const struct postern_addr *dst, uint64_t until)
{
	(void)arg;
	(void)line;
	(void)dst;
	cr_assert_gt(until, clock_boot());
	t.dead++;
	return 0;
}

void lab_setup(void)
{
	char err[512];
	struct sockaddr_in name;
	int pair[2];

	memset(&t, 0, sizeof(t));
	cr_assert_eq(conf_read("/dev/null", &t.conf, err, sizeof(err)), 0, "%s", err);
	cr_assert_eq(verdict_rules_new(t.conf, &t.rules, err, sizeof(err)), 0, "%s", err);
	cr_assert_eq(verdict_bench_new(t.rules, &t.bench), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	t.records = pair[1];
	t.mx_listener = listener(&name);
	t.line.treatment = POSTERN_STEER;
	t.all = (struct workers){
		.conf = t.conf, .hostname = "rtr.test", .count = 1, .record_fd = pair[0],
		.outside = { fake_resolve, fake_dial, fake_dead, NULL },
	};
	cr_assert_eq(ticket_key_draw(&t.all.ticket_key), 0);
	cr_assert_eq(worker_init(&t.w, &t.all, 0, -1, t.bench, &t.heartbeat, t.tallies), 0);
	t.client = (struct end){ .fd = -1, .seen = malloc(SEEN) };
	t.mx = (struct end){ .fd = -1, .seen = malloc(SEEN) };
}

void lab_teardown(void)
{
	worker_destroy(&t.w);
	cr_expect_eq(t.w.store.blocks.used, 0, "blocks leaked");
	cr_expect_eq(t.w.slots.used, 0, "sessions leaked");
	cr_expect_eq(t.w.store.reserved, 0);
	cr_expect_eq(atomic_load(&t.all.sessions), 0);
	cr_expect_eq(t.tallies[POSTERN_R_message_started],
		     t.tallies[POSTERN_R_message_accepted] + t.tallies[POSTERN_R_message_rejected] +
		     t.tallies[POSTERN_R_message_tempfailed] + t.tallies[POSTERN_R_message_aborted],
		     "I9: messages do not add up");
	verdict_bench_free(t.bench);
	verdict_rules_free(t.rules);
	conf_free(t.conf);
	free(t.client.seen);
	free(t.mx.seen);
}

void end_read(struct end *e)
{
	ssize_t n;

	if (e->fd < 0 || e->eof || e->err)
		return;
	cr_assert_lt(e->len, SEEN - 1);
	n = recv(e->fd, e->seen + e->len, SEEN - 1 - e->len, MSG_DONTWAIT);
	if (n > 0)
		e->len += (size_t)n;
	e->seen[e->len] = '\0';
	e->eof = n == 0;
	e->err = n < 0 && errno != EAGAIN ? errno : 0;
}

void turn_until(bool (*done)(const void *arg), const void *arg, const char *what)
{
	uint64_t give_up = clock_boot() + PATIENCE_NS;

	while (!done(arg)) {
		cr_assert_lt(clock_boot(), give_up, "waited in vain for: %s\nclient saw: %s\n"
			     "mx saw: %s", what, t.client.seen, t.mx.seen);
		worker_turn(&t.w, 2);
		end_read(&t.client);
		end_read(&t.mx);
	}
}

static bool saw(const void *arg)
{
	const char *const *want = arg;

	return strstr(strcmp(want[0], "mx") ? t.client.seen : t.mx.seen, want[1]);
}

void expect(const char *who, const char *text)
{
	const char *want[] = { who, text };

	turn_until(saw, want, text);
}

bool end_over(const void *arg)
{
	const struct end *e = arg;

	return e->eof || e->err;
}

bool all_gone(const void *arg)
{
	(void)arg;
	return !t.w.sessions;
}

static bool tallied(const void *arg)
{
	return t.tallies[*(const enum postern_reason *)arg];
}

void expect_tally(enum postern_reason reason)
{
	turn_until(tallied, &reason, "a reason to be counted");
}

void put(const struct end *e, const char *text)
{
	cr_assert_eq(send(e->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

void arrive(const char *dst_text, unsigned int port)
{
	struct postern_addr peer, dst;
	struct sockaddr_in name;
	int at = listener(&name), fd;

	cr_assert_eq(addr_parse("10.64.0.2", &peer), 0);
	cr_assert_eq(addr_parse(dst_text, &dst), 0);
	t.client.fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(connect(t.client.fd, (struct sockaddr *)&name, sizeof(name)), 0);
	fd = accept4(at, NULL, NULL, SOCK_NONBLOCK);
	close(at);
	t.client.len = 0;
	t.client.eof = false;
	t.client.err = 0;
	t.client.seen[0] = '\0';
	session_begin(&t.w, fd, &peer, 40000, &dst, port);
}

void mx_accept(void)
{
	t.mx.fd = accept(t.mx_listener, NULL, NULL);
	t.mx.len = 0;
	t.mx.seen[0] = '\0';
	cr_assert_geq(t.mx.fd, 0);
}

void up_to_data(void)
{
	arrive("198.51.100.25", 25);
	mx_accept();
	put(&t.mx, "220 mx ESMTP\r\n");
	expect("client", "220 mx");
	put(&t.client, "EHLO pc\r\n");
	expect("mx", "EHLO pc\r\n");
	put(&t.mx, "250-mx\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n");
	expect("client", "250 SIZE");
	put(&t.client, "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n");
	expect("mx", "DATA\r\n");
	put(&t.mx, "250 ok\r\n250 ok\r\n354 go\r\n");
	expect("client", "354 go");
}

void quit(void)
{
	put(&t.client, "QUIT\r\n");
	expect("mx", "QUIT\r\n");
	put(&t.mx, "221 bye\r\n");
	close(t.mx.fd);
	t.mx.fd = -1;
	expect("client", "221 bye");
	close(t.client.fd);
	t.client.fd = -1;
	turn_until(all_gone, NULL, "the session's end");
}
