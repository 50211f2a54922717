// SPDX-License-Identifier: GPL-2.0
/* session/tunnel.c: a TLS session that is passed, its limits, its record (E33). */
#include "session_lab.h"

#include <jansson.h>
#include <sys/resource.h>

static void setup(void)
{
	lab_setup();
	t.conf->classes[0].starttls = CONF_STARTTLS_PASS;
}

TestSuite(session_tunnel, .init = setup, .fini = lab_teardown, .timeout = 60);

/* Up to the client's first record within TLS, which has eight octets. */
static void open_tunnel(void)
{
	arrive("198.51.100.25", 25);
	mx_accept();
	put(&t.mx, "220 mx ESMTP\r\n");
	expect("client", "220 mx");
	put(&t.client, "EHLO pc\r\n");
	expect("mx", "EHLO pc\r\n");
	put(&t.mx, "250-mx\r\n250 STARTTLS\r\n");
	expect("client", "250 STARTTLS");
	put(&t.client, "STARTTLS\r\n");
	expect("mx", "STARTTLS\r\n");
	put(&t.mx, "220 go\r\n");
	expect("client", "220 go\r\n");
	put(&t.client, "\x16\x03\x01hello");
	expect("mx", "hello");
	put(&t.mx, "\x16\x03\x03" "back");
	expect("client", "back");
	t.mx.len = t.client.len = 0;
}

static void over(void)
{
	turn_until(end_over, &t.client, "the client's end");
	close(t.client.fd);
	t.client.fd = -1;
	turn_until(all_gone, NULL, "the session's end");
}

/* The session's record; the caller releases it. */
static json_t *read_record(void)
{
	char text[65536];
	ssize_t len = recv(t.records, text, sizeof(text), MSG_DONTWAIT);
	json_t *record;

	cr_assert_gt(len, 0, "no record");
	record = json_loadb(text, (size_t)len, 0, NULL);
	cr_assert(record);
	return record;
}

static json_int_t number(const json_t *record, const char *key)
{
	return json_integer_value(json_object_get(record, key));
}

Test(session_tunnel, octets_go_both_ways_and_are_recorded)
{
	json_t *record;

	open_tunnel();
	put(&t.client, "QUIT\r\n");
	expect("mx", "QUIT\r\n");
	put(&t.mx, "421 x\r\n");
	expect("client", "421 x\r\n");
	shutdown(t.client.fd, SHUT_WR);
	turn_until(end_over, &t.mx, "the exchanger's end");
	over();
	cr_assert_eq(t.tallies[POSTERN_R_end_client_closed], 1);
	cr_assert_eq(t.tallies[POSTERN_R_tls_passed], 1);
	record = read_record();
	cr_assert(json_is_true(json_object_get(record, "tls")));
	cr_assert_eq(number(record, "tls_octets"), 14);
	cr_assert(json_is_false(json_object_get(record, "tls_wanted")));
	json_decref(record);
}

/* What the exchanger had said before it closed arrives. */
Test(session_tunnel, last_octets_are_delivered)
{
	open_tunnel();
	put(&t.mx, "last words");
	close(t.mx.fd);
	t.mx.fd = -1;
	expect("client", "last words");
	over();
	cr_assert_eq(t.tallies[POSTERN_R_end_mx_closed], 1);
}

Test(session_tunnel, an_injected_reply_is_not_passed)
{
	arrive("198.51.100.25", 25);
	mx_accept();
	put(&t.mx, "220 mx ESMTP\r\n");
	put(&t.client, "STARTTLS\r\n");
	expect("mx", "STARTTLS\r\n");
	put(&t.mx, "220 go\r\n250 injected\r\n");
	over();
	cr_assert_null(strstr(t.client.seen, "injected"));
	cr_assert_eq(t.tallies[POSTERN_R_end_tls_inject], 1);
}

Test(session_tunnel, octets_have_a_limit)
{
	json_t *record;

	t.conf->classes[0].tls_octets = 12;
	open_tunnel();
	put(&t.client, "1234");
	expect("mx", "1234");
	put(&t.client, "5");
	turn_until(end_over, &t.mx, "the exchanger's end");
	cr_assert_eq(t.mx.len, 4);
	over();
	cr_assert_eq(t.tallies[POSTERN_R_end_tls_limit], 1);
	record = read_record();
	cr_assert_eq(number(record, "tls_octets"), 12);
	json_decref(record);
}

Test(session_tunnel, time_has_a_limit)
{
	t.conf->classes[0].tls_time = 50 * NS_PER_MS;
	open_tunnel();
	over();
	cr_assert_eq(t.tallies[POSTERN_R_end_tls_limit], 1);
}

Test(session_tunnel, silence_has_a_limit)
{
	t.conf->idle_timeout = 50 * NS_PER_MS;
	open_tunnel();
	over();
	cr_assert_eq(t.tallies[POSTERN_R_end_timeout_idle], 1);
	cr_assert_eq(t.client.len, 0, "a word of ours within TLS");
}

Test(session_tunnel, total_time_ends_it_without_a_word)
{
	open_tunnel();
	t.conf->session_timeout = 1;
	put(&t.client, "x");
	over();
	cr_assert_eq(t.tallies[POSTERN_R_end_timeout_total], 1);
	cr_assert_eq(t.client.len, 0, "a word of ours within TLS");
}

Test(session_tunnel, a_refused_line_ends_it_without_a_word)
{
	open_tunnel();
	t.line.treatment = POSTERN_REFUSE;
	t.w.sessions->line_seen = 0;
	put(&t.client, "x");
	over();
	cr_assert_eq(t.tallies[POSTERN_R_end_refused_line], 1);
	cr_assert_eq(t.client.len, 0, "a word of ours within TLS");
}

Test(session_tunnel, shadow_counts_and_lets_go_on)
{
	t.line.shadow = true;
	t.conf->classes[0].tls_octets = 12;
	t.conf->classes[0].tls_time = 50 * NS_PER_MS;
	open_tunnel();
	expect_tally(POSTERN_R_tls_limit_shadow);
	put(&t.client, "more than the limit allows");
	expect("mx", "limit allows");
	cr_assert_eq(t.tallies[POSTERN_R_tls_limit_shadow], 1);
	cr_assert(t.w.sessions, "the session has ended");
}

static bool drained(const void *arg)
{
	(void)arg;
	return !worker_turn(&t.w, 1);
}

/* E83: it has the time for draining, and is reset then. */
Test(session_tunnel, drain_lets_it_run_and_resets_it)
{
	t.conf->drain_timeout = 300 * NS_PER_MS;
	open_tunnel();
	atomic_store(&t.all.drain, true);
	worker_wake(&t.w);
	turn_until(drained, NULL, "the worker to be drained");
	end_read(&t.client);
	cr_assert_eq(t.client.len, 0, "a word of ours within TLS");
	cr_assert_eq(t.client.err, ECONNRESET);
	cr_assert_eq(t.tallies[POSTERN_R_end_shutdown], 1);
}

Test(session_tunnel, octets_pass_while_the_worker_drains)
{
	open_tunnel();
	atomic_store(&t.all.drain, true);
	worker_wake(&t.w);
	while (!t.w.draining)
		worker_turn(&t.w, 2);
	put(&t.client, "ping");
	expect("mx", "ping");
	put(&t.mx, "pong");
	expect("client", "pong");
}

/* A side that is owed octets does not stop the other direction. */
Test(session_tunnel, directions_know_nothing_of_each_other)
{
	static char junk[65536];
	int client;

	open_tunnel();
	client = t.client.fd;
	t.client.fd = -1;		/* not read */
	while (!t.w.sessions->client.out.len) {
		if (send(t.mx.fd, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			cr_assert_eq(errno, EAGAIN);
		worker_turn(&t.w, 0);
	}
	t.client.fd = client;
	put(&t.client, "up");
	client = t.client.fd;
	t.client.fd = -1;
	expect("mx", "up");
	close(client);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

#define RATE	20000

/* Send as fast as it goes until @octets have arrived; how long that took, in ns. */
static uint64_t flood(size_t octets, unsigned int *wakes)
{
	static char junk[65536];
	uint64_t start = clock_boot();

	*wakes = 0;
	while (t.mx.len < octets) {
		send(t.client.fd, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL);
		worker_turn(&t.w, 500);
		end_read(&t.mx);
		(*wakes)++;
		cr_assert_lt(clock_boot() - start, 20 * NS_PER_SEC, "it stands still");
	}
	return clock_boot() - start;
}

/* A second's worth at once, the rest at its rate; and nothing spins meanwhile. */
Test(session_tunnel, rate_has_a_limit)
{
	uint64_t took, cpu;
	unsigned int wakes;

	t.conf->classes[0].tls_rate = RATE;
	open_tunnel();
	cpu = cpu_ns();
	took = flood(3 * RATE, &wakes);
	cpu = cpu_ns() - cpu;
	cr_assert_geq(took, 2 * NS_PER_SEC - 50 * NS_PER_MS, "too fast: %llu ms",
		      (unsigned long long)(took / NS_PER_MS));
	cr_assert_lt(cpu, took / 4, "it spins");
	cr_assert_lt(wakes, 200, "%u wake-ups", wakes);
}

Test(session_tunnel, rate_is_left_alone_in_shadow)
{
	unsigned int wakes;

	t.line.shadow = true;
	t.conf->classes[0].tls_rate = 1024;
	open_tunnel();
	cr_assert_lt(flood(1 << 20, &wakes), 10 * NS_PER_SEC);
}

/* The largest numbers do not overflow. */
Test(session_tunnel, a_huge_rate_is_no_limit)
{
	unsigned int wakes;

	t.conf->classes[0].tls_rate = 1099511627776;
	open_tunnel();
	cr_assert_lt(flood(8 << 20, &wakes), 10 * NS_PER_SEC);
}

Test(session_tunnel, an_exchanger_that_wants_tls_is_recorded)
{
	json_t *record;

	arrive("198.51.100.25", 25);
	mx_accept();
	put(&t.mx, "220 mx ESMTP\r\n");
	put(&t.client, "MAIL FROM:<a@b>\r\n");
	expect("mx", "MAIL");
	put(&t.mx, "530 5.7.0 Must issue a STARTTLS command first\r\n");
	expect("client", "530 5.7.0");
	quit();
	record = read_record();
	cr_assert(json_is_true(json_object_get(record, "tls_wanted")));
	cr_assert(json_is_false(json_object_get(record, "tls")));
	cr_assert_eq(number(record, "tls_octets"), 0);
	json_decref(record);
	cr_assert_eq(t.tallies[POSTERN_R_tls_wanted], 1);
}
