// SPDX-License-Identifier: GPL-2.0
/*
 * session/: whole sessions on one worker in this process. Client and exchanger
 * are sockets of the test over loopback; the worker's loop is turned by hand,
 * so that every wait is for a condition.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "session/leg.h"
#include "session/session.h"

#define PATIENCE_NS	(20 * NS_PER_SEC)
#define SEEN		(32 << 20)

/* One end that the test plays: what it got so far. */
struct end {
	int	fd;
	char	*seen;
	size_t	len;
	bool	eof;
	int	err;		/* of the read that failed */
};

static struct {
	struct conf		*conf;
	struct workers		all;
	struct worker		w;
	uint64_t		heartbeat;
	uint64_t		tallies[POSTERN_REASONS_MAX];
	struct verdict_rules	*rules;
	struct verdict_bench	*bench;
	struct steering_line	line;
	int			resolve_err;
	int			dial_err;
	int			dead;		/* times an exchanger was marked dead */
	int			mx_listener;
	int			records;
	struct end		client;
	struct end		mx;
} t;

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

static int fake_dial(void *arg, const struct postern_addr *from, const struct postern_addr *to)
{
	struct sockaddr_in name;
	socklen_t len = sizeof(name);
	int fd;

	(void)arg;
	(void)from;
	(void)to;
	if (t.dial_err)
		return t.dial_err;
	getsockname(t.mx_listener, (struct sockaddr *)&name, &len);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(fd, (struct sockaddr *)&name, len) && errno != EINPROGRESS)
		return -errno;
	return fd;
}

static int fake_dead(void *arg, const struct postern_addr *dst, uint64_t until)
{
	(void)arg;
	(void)dst;
	cr_assert_gt(until, clock_boot());
	t.dead++;
	return 0;
}

static void setup(void)
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

static void teardown(void)
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

TestSuite(session, .init = setup, .fini = teardown, .timeout = 60);

static void end_read(struct end *e)
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

/* Turn the loop until @done; both ends read meanwhile unless paused. */
static void turn_until(bool (*done)(const void *arg), const void *arg, const char *what)
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

static void expect(const char *who, const char *text)
{
	const char *want[] = { who, text };

	turn_until(saw, want, text);
}

static bool end_over(const void *arg)
{
	const struct end *e = arg;

	return e->eof || e->err;
}

static bool all_gone(const void *arg)
{
	(void)arg;
	return !t.w.sessions;
}

static bool tallied(const void *arg)
{
	return t.tallies[*(const enum postern_reason *)arg];
}

static void expect_tally(enum postern_reason reason)
{
	turn_until(tallied, &reason, "a reason to be counted");
}

static void put(const struct end *e, const char *text)
{
	cr_assert_eq(send(e->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* A connection of the subscriber, meant for @dst port @port, arrives at the worker. */
static void arrive(const char *dst_text, unsigned int port)
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

static void mx_accept(void)
{
	t.mx.fd = accept(t.mx_listener, NULL, NULL);
	t.mx.len = 0;
	t.mx.seen[0] = '\0';
	cr_assert_geq(t.mx.fd, 0);
}

/* A session up to the exchanger's 354. */
static void up_to_data(void)
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

static void quit(void)
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

Test(session, relays_a_message)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhello\r\n.\r\n");
	expect("mx", "hello\r\n.\r\n");
	cr_assert(strstr(t.mx.seen, "Received: "));
	put(&t.mx, "250 queued as 1\r\n");
	expect("client", "250 queued as 1");
	quit();
	cr_assert_eq(t.tallies[POSTERN_R_session_started], 1);
	cr_assert_eq(t.tallies[POSTERN_R_message_accepted], 1);
	cr_assert_eq(t.tallies[POSTERN_R_verdict_accept], 1);
	cr_assert_eq(t.tallies[POSTERN_R_end_quit], 1);
	cr_assert_eq(t.heartbeat, t.w.now > t.heartbeat ? t.heartbeat : t.w.now);
	cr_assert_gt(t.heartbeat, 0);
}

#define GTUBE "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

Test(session, bad_mail_is_refused_and_never_ends_upstream)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\n" GTUBE "\r\n.\r\n");
	turn_until(end_over, &t.mx, "the upstream leg's end");
	cr_assert_eq(t.mx.err, ECONNRESET, "the upstream leg was not reset");
	cr_assert_null(strstr(t.mx.seen, "\r\n.\r\n"));
	expect("client", "550 5.7.1");
	put(&t.client, "QUIT\r\n");
	expect("client", "221 ");
	close(t.client.fd);
	turn_until(all_gone, NULL, "the session's end");
	cr_assert_eq(t.tallies[POSTERN_R_verdict_reject], 1);
	cr_assert_eq(t.tallies[POSTERN_R_verdict_tempfail], 0);
	cr_assert_eq(t.tallies[POSTERN_R_message_rejected], 1);
}

Test(session, certain_rejection_does_not_wait_for_the_end)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\n" GTUBE "\r\nmore to come");
	turn_until(end_over, &t.mx, "the upstream leg's end");
	cr_assert_eq(t.mx.err, ECONNRESET);
	put(&t.client, "\r\n.\r\n");
	expect("client", "550 5.7.1");
	cr_assert_eq(t.tallies[POSTERN_R_verdict_reject], 1);
}

Test(session, shadow_judges_and_lets_through)
{
	t.line.shadow = true;
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\n" GTUBE "\r\n.\r\n");
	expect("mx", "\r\n.\r\n");
	put(&t.mx, "250 queued\r\n");
	expect("client", "250 queued");
	quit();
	cr_assert_eq(t.tallies[POSTERN_R_verdict_shadow], 1);
	cr_assert_eq(t.tallies[POSTERN_R_verdict_reject], 0);
	cr_assert_eq(t.tallies[POSTERN_R_message_accepted], 1);
}

/* Without a bench nothing can be judged: the message is refused for now. */
Test(session, no_scan_is_a_tempfail)
{
	t.w.bench = NULL;
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhello\r\n.\r\n");
	expect("client", "451 4.7.1");
	cr_assert_null(strstr(t.mx.seen, "\r\n.\r\n"));
	cr_assert_eq(t.tallies[POSTERN_R_verdict_tempfail], 1);
	cr_assert_eq(t.tallies[POSTERN_R_message_tempfailed], 1);
}

static void expect_refused_at_birth(const char *dst, unsigned int port, enum postern_reason why)
{
	arrive(dst, port);
	turn_until(end_over, &t.client, "the client's reset");
	cr_assert_eq(t.client.err, ECONNRESET);
	cr_assert_eq(t.client.len, 0, "octets before the reset");
	cr_assert_eq(t.tallies[why], 1);
	cr_assert_eq(t.tallies[POSTERN_R_session_started], 0);
	close(t.client.fd);
}

Test(session, nobody_is_dialled_who_must_not_be)
{
	t.dial_err = -ENOSYS;	/* would show as end_dial_local */
	expect_refused_at_birth("198.51.100.25", 25025, POSTERN_R_end_not_subscriber);
	expect_refused_at_birth("127.0.0.1", 25, POSTERN_R_end_own_address);
	t.resolve_err = -EIO;
	expect_refused_at_birth("198.51.100.25", 25, POSTERN_R_end_internal);
	t.resolve_err = 0;
	t.line.treatment = POSTERN_REFUSE;
	expect_refused_at_birth("198.51.100.25", 25, POSTERN_R_end_refused_line);
	t.tallies[POSTERN_R_end_not_subscriber] = 0;
	t.line.treatment = POSTERN_EXEMPT;
	expect_refused_at_birth("198.51.100.25", 25, POSTERN_R_end_not_subscriber);
	t.tallies[POSTERN_R_end_not_subscriber] = 0;
	t.resolve_err = -ENOENT;
	expect_refused_at_birth("198.51.100.25", 25, POSTERN_R_end_not_subscriber);
	cr_assert_eq(t.tallies[POSTERN_R_end_dial_local], 0);
	cr_assert_eq(t.dead, 0);
}

Test(session, dial_failures_have_their_reasons)
{
	static const struct {
		int err;
		enum postern_reason why;
		int dead;
	} rows[] = {
		{ -ECONNREFUSED, POSTERN_R_end_dial_refused, 1 },
		{ -EHOSTUNREACH, POSTERN_R_end_dial_unreachable, 1 },
		{ -ENETUNREACH, POSTERN_R_end_dial_unreachable, 1 },
		{ -ETIMEDOUT, POSTERN_R_end_dial_timeout, 1 },
		{ -EADDRNOTAVAIL, POSTERN_R_end_dial_local, 0 },
		{ -EMFILE, POSTERN_R_end_dial_local, 0 },
		{ -EPERM, POSTERN_R_end_dial_local, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(t.tallies, 0, sizeof(t.tallies));
		t.dead = 0;
		t.dial_err = rows[i].err;
		arrive("198.51.100.25", 25);
		turn_until(end_over, &t.client, "the client's reset");
		cr_assert_eq(t.client.err, ECONNRESET);
		cr_assert_eq(t.tallies[rows[i].why], 1, "%s", strerror(-rows[i].err));
		cr_assert_eq(t.dead, rows[i].dead, "%s", strerror(-rows[i].err));
		close(t.client.fd);
	}
}

Test(session, dead_exchanger_resets_the_client)
{
	struct sockaddr_in name;

	close(t.mx_listener);
	t.mx_listener = socket(AF_INET, SOCK_STREAM, 0);
	memset(&name, 0, sizeof(name));
	name.sin_family = AF_INET;
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(t.mx_listener, (struct sockaddr *)&name, sizeof(name)), 0);
	arrive("198.51.100.25", 25);
	turn_until(end_over, &t.client, "the client's reset");
	cr_assert_eq(t.client.err, ECONNRESET);
	cr_assert_eq(t.tallies[POSTERN_R_end_dial_refused], 1);
	cr_assert_eq(t.dead, 1);
}

/* B10: whatever the moment, the exchanger never sees the end. */
Test(session, client_gone_within_a_message)
{
	for (int reset = 0; reset < 2; reset++) {
		t.mx.eof = false;
		t.mx.err = 0;
		up_to_data();
		put(&t.client, "Subject: hi\r\n\r\nhel");
		expect("mx", "Subject: hi");
		if (reset)
			leg_set_abortive(t.client.fd);
		close(t.client.fd);
		t.client.fd = -1;
		turn_until(end_over, &t.mx, "the upstream leg's end");
		cr_assert_null(strstr(t.mx.seen, "\r\n.\r\n"));
		turn_until(all_gone, NULL, "the session's end");
		close(t.mx.fd);
	}
	cr_assert_eq(t.tallies[POSTERN_R_message_aborted], 2);
}

/* E71: replies that were there come first. */
Test(session, exchanger_resets)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhello\r\n.\r\n");
	expect("mx", "\r\n.\r\n");
	leg_set_abortive(t.mx.fd);
	close(t.mx.fd);
	t.mx.fd = -1;
	turn_until(end_over, &t.client, "the client's end");
	cr_assert_null(strstr(t.client.seen, "\r\n250 queued"));
	turn_until(all_gone, NULL, "the session's end");
	cr_assert_eq(t.tallies[POSTERN_R_message_aborted], 1);
}

static bool client_blocked(const void *arg)
{
	static char junk[4096];
	size_t *sent = (size_t *)(uintptr_t)arg;
	ssize_t n;

	if (!junk[0])
		for (size_t i = 0; i < sizeof(junk); i++)
			junk[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
	n = send(t.client.fd, junk, sizeof(junk) - *sent % 64, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		*sent += (size_t)n;
	return n < 0 && errno == EAGAIN && !t.w.runnable;
}

/* An exchanger that does not read stops the client, and costs bounded memory. */
Test(session, back_pressure_reaches_the_client)
{
	int small = 64 * 1024, mx;
	size_t sent = 0, before, stalls = 0;

	up_to_data();
	mx = t.mx.fd;
	setsockopt(t.client.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(t.w.sessions->server.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	t.mx.fd = -1;		/* not read */
	while (stalls < 50) {
		before = sent;
		turn_until(client_blocked, &sent, "the client to be stopped");
		stalls = sent == before ? stalls + 1 : 0;
	}
	cr_assert_leq(t.w.store.blocks.used * CHAIN_BLOCK, 68 * 1024);
	cr_assert_gt(sent, 64 * 1024);
	/* Read on: every octet arrives. */
	t.mx.fd = mx;
	t.mx.len = 0;
	while (t.mx.len < sent) {
		worker_turn(&t.w, 2);
		end_read(&t.mx);
	}
	put(&t.client, sent % 64 == 63 ? "\n.\r\n" : "\r\n.\r\n");
	while (memcmp(t.mx.seen + t.mx.len - 5, "\r\n.\r\n", 5)) {
		worker_turn(&t.w, 2);
		end_read(&t.mx);
	}
	cr_assert_geq(t.mx.len, sent);
	cr_assert_eq(t.w.store.blocks.used, 0, "an idle session holds blocks");
}

Test(session, over_the_limit_gets_421)
{
	t.conf->max_sessions = 1;
	up_to_data();
	arrive("198.51.100.25", 25);
	expect("client", "421 4.3.2");
	put(&t.client, "QUIT\r\n");
	turn_until(end_over, &t.client, "the second client's end");
	close(t.client.fd);
	t.client.fd = -1;
	expect_tally(POSTERN_R_end_memory);
	cr_assert_eq(t.tallies[POSTERN_R_end_memory], 1);
}

Test(session, out_of_memory_gets_421)
{
	t.w.store.budget = t.w.store.birth;
	up_to_data();
	arrive("198.51.100.25", 25);
	expect("client", "421 4.3.2");
	close(t.client.fd);
	t.client.fd = -1;
	expect_tally(POSTERN_R_end_memory);
}

/* With nothing left to share, a session still carries a message. */
Test(session, a_full_memory_does_not_stop_a_session)
{
	static char line[1000];
	size_t sent = 0;

	t.w.store.budget = t.w.store.birth;
	up_to_data();
	memset(line, 'y', sizeof(line) - 1);
	memcpy(line + sizeof(line) - 3, "\r\n", 3);
	while (sent < 300 * 1000) {
		ssize_t n = send(t.client.fd, line + sent % 999, 999 - sent % 999,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		worker_turn(&t.w, 0);
		end_read(&t.mx);
	}
	put(&t.client, sent % 999 == 998 ? "\n.\r\n" : "\r\n.\r\n");
	expect("mx", "\r\n.\r\n");
	put(&t.mx, "250 queued\r\n");
	expect("client", "250 queued");
}

Test(session, idle_client_is_told_and_closed)
{
	t.conf->idle_timeout = 30 * NS_PER_MS;
	arrive("198.51.100.25", 25);
	mx_accept();
	put(&t.mx, "220 mx ESMTP\r\n");
	expect("client", "421 4.4.2");
	turn_until(end_over, &t.client, "the client's end");
	cr_assert(t.client.eof, "closed by reset, not in order");
	close(t.client.fd);
	expect_tally(POSTERN_R_end_timeout_idle);
}

Test(session, mute_exchanger_ends_the_session)
{
	t.conf->greeting_timeout = 30 * NS_PER_MS;
	arrive("198.51.100.25", 25);
	mx_accept();
	turn_until(end_over, &t.client, "the client's end");
	close(t.client.fd);
	t.client.fd = -1;
	expect_tally(POSTERN_R_end_timeout_greeting);
}

Test(session, a_side_that_does_not_read_is_cut)
{
	size_t sent = 0;

	t.conf->write_timeout = 50 * NS_PER_MS;
	up_to_data();
	t.mx.fd = dup(t.mx.fd);
	t.mx.fd = -1;
	while (!t.tallies[POSTERN_R_end_timeout_write] && sent < (64u << 20)) {
		client_blocked(&sent);
		worker_turn(&t.w, 2);
	}
	cr_assert_eq(t.tallies[POSTERN_R_end_timeout_write], 1);
	cr_assert_eq(t.tallies[POSTERN_R_message_aborted], 1);
}

Test(session, total_time_ends_between_transactions)
{
	up_to_data();
	t.conf->session_timeout = 1;
	put(&t.client, "Subject: hi\r\n\r\nhello\r\n.\r\n");
	expect("mx", "\r\n.\r\n");
	put(&t.mx, "250 queued\r\n");
	expect("client", "250 queued");
	expect("client", "421 4.4.2");
	close(t.client.fd);
	t.client.fd = -1;
	expect_tally(POSTERN_R_end_timeout_total);
}

static bool drained(const void *arg)
{
	(void)arg;
	return !worker_turn(&t.w, 1);
}

/* E83: the transaction in progress ends first. */
Test(session, drain_lets_a_message_end)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\nhel");
	expect("mx", "Subject: hi");
	atomic_store(&t.all.drain, true);
	worker_wake(&t.w);
	put(&t.client, "lo\r\n.\r\n");
	expect("mx", "hello\r\n.\r\n");
	put(&t.mx, "250 queued\r\n");
	expect("client", "250 queued");
	expect("client", "421 4.3.2");
	close(t.client.fd);
	t.client.fd = -1;
	turn_until(drained, NULL, "the worker to be drained");
	cr_assert_eq(t.tallies[POSTERN_R_end_shutdown], 1);
	cr_assert_eq(t.tallies[POSTERN_R_message_accepted], 1);
}

Test(session, drain_has_an_end)
{
	t.conf->drain_timeout = 50 * NS_PER_MS;
	up_to_data();
	atomic_store(&t.all.drain, true);
	worker_wake(&t.w);
	turn_until(drained, NULL, "the worker to be drained");
	end_read(&t.mx);
	cr_assert_null(strstr(t.mx.seen, "\r\n.\r\n"));
	cr_assert_eq(t.tallies[POSTERN_R_message_aborted], 1);
}

/* After QUIT the client closes first, if it does so soon. */
Test(session, quit_leaves_the_close_to_the_client)
{
	arrive("198.51.100.25", 25);
	mx_accept();
	put(&t.mx, "220 mx ESMTP\r\n");
	expect("client", "220 mx");
	put(&t.client, "QUIT\r\n");
	expect("mx", "QUIT\r\n");
	put(&t.mx, "221 bye\r\n");
	close(t.mx.fd);
	t.mx.fd = -1;
	expect("client", "221 bye");
	cr_assert(t.w.sessions && t.w.sessions->client.closing);
	cr_assert_not(t.w.sessions->client.shut, "we closed first");
	turn_until(end_over, &t.client, "our close, in the end");
	cr_assert(t.client.eof);
	turn_until(all_gone, NULL, "the session's end");
}

#define RECORD(name, kind, in, text) { #name, #in },
static const struct {
	const char *name;
	const char *in;
} fields[] = {
#include "tbl/records.h"
};
#undef RECORD

/* The next record has the fields of the table, all of them, in its order. */
static void expect_record(const char *event, const char *in)
{
	char text[65536];
	ssize_t len = recv(t.records, text, sizeof(text) - 1, MSG_DONTWAIT);
	json_error_t error;
	json_t *record;
	void *at;

	cr_assert_gt(len, 0, "no record");
	cr_assert_eq(text[len - 1], '\n');
	record = json_loadb(text, (size_t)len, 0, &error);
	cr_assert(record, "%s", error.text);
	at = json_object_iter(record);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(fields[i].in, "BOTH") && strcmp(fields[i].in, in))
			continue;
		cr_assert(at, "field %s is missing", fields[i].name);
		cr_assert_str_eq(json_object_iter_key(at), fields[i].name);
		at = json_object_iter_next(record, at);
	}
	cr_assert_null(at, "a field that the table does not know");
	cr_assert_str_eq(json_string_value(json_object_get(record, "event")), event);
	json_decref(record);
}

Test(session, records_are_as_the_table_says)
{
	up_to_data();
	put(&t.client, "Subject: hi\r\n\r\n" GTUBE "\r\n.\r\n");
	expect("client", "550 5.7.1");
	expect_record("verdict", "VERDICT");
	close(t.client.fd);
	t.client.fd = -1;
	turn_until(all_gone, NULL, "the session's end");
	expect_record("session", "SESSION");
}

Test(session, a_full_log_costs_no_time)
{
	int small = 1;

	setsockopt(t.all.record_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	t.resolve_err = -ENOENT;
	for (int i = 0; i < 50; i++) {
		arrive("198.51.100.25", 25);
		close(t.client.fd);
	}
	cr_assert_gt(t.tallies[POSTERN_R_log_dropped], 0);
	cr_assert_eq(t.tallies[POSTERN_R_end_not_subscriber], 50);
}

Test(session, tickets_differ_and_do_not_count_up)
{
	static char seen[5000][TICKET_TEXT];
	int same_front = 0;

	for (uint64_t i = 0; i < 5000; i++)
		ticket_write(&t.all.ticket_key, i, seen[i]);
	for (int i = 1; i < 5000; i++)
		same_front += !memcmp(seen[i], seen[i - 1], 3);
	cr_assert_lt(same_front, 10);
	qsort(seen, 5000, TICKET_TEXT, (int (*)(const void *, const void *))strcmp);
	for (int i = 1; i < 5000; i++)
		cr_assert_str_neq(seen[i], seen[i - 1]);
}
